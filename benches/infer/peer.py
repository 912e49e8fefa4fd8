"""The peer: what a team writes today. FastAPI, uvicorn, Pillow and ONNX Runtime; the model is the same file.

Started by uvicorn as `peer:app`. MODEL is the ONNX file, KIND is photo or digit, THREADS those of a run; a photo model
also has SIZE, RESIZE_TO, FILTER, MEAN and STD of its manifest, and LABELS.
"""

import base64
import io
import os
from typing import Annotated

import numpy
import onnxruntime
from fastapi import FastAPI, HTTPException, UploadFile
from PIL import Image
from pydantic import BaseModel

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(os.environ["THREADS"])
options.add_session_config_entry("session.intra_op.allow_spinning", os.environ.get("SPIN", "0"))
session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
input_name = session.get_inputs()[0].name
app = FastAPI()

if os.environ["KIND"] == "photo":
    size, resize_to = int(os.environ["SIZE"]), int(os.environ["RESIZE_TO"])
    resample = Image.Resampling[os.environ["FILTER"].upper()]
    mean = numpy.array([float(v) for v in os.environ["MEAN"].split(",")], numpy.float32)
    std = numpy.array([float(v) for v in os.environ["STD"].split(",")], numpy.float32)
    labels = open(os.environ["LABELS"]).read().splitlines()


# Plain functions: FastAPI runs them in its thread pool, where Pillow and ONNX Runtime let go of the interpreter's lock.
@app.post("/predict")
def predict(file: UploadFile):
    try:
        image = Image.open(io.BytesIO(file.file.read())).convert("RGB")
    except Exception as error:
        raise HTTPException(406, str(error)) from error
    scale = resize_to / min(image.size)
    image = image.resize([round(side * scale) for side in image.size], resample)
    left, top = ((side - size) // 2 for side in image.size)
    pixels = numpy.asarray(image.crop((left, top, left + size, top + size)), numpy.float32)
    tensor = ((pixels - mean) / std).transpose(2, 0, 1)[None]
    scores = session.run(None, {input_name: numpy.ascontiguousarray(tensor)})[0][0]
    best = int(scores.argmax())
    return {"class_id": best, "category_name": labels[best], "score": round(float(scores[best]) * 100)}


class Picture(BaseModel):
    base64: str


@app.post("/mnist/")
def mnist(picture: Picture):
    try:
        image = Image.open(io.BytesIO(base64.b64decode(picture.base64))).convert("L").resize((28, 28))
    except Exception as error:
        raise HTTPException(400, str(error)) from error
    tensor = numpy.asarray(image, numpy.float32)[None, None] / 255
    logits = session.run(None, {input_name: tensor})[0][0]
    scores = numpy.exp(logits - logits.max())
    scores /= scores.sum()
    best = int(scores.argmax())
    return {"pred": best, "digit": best, "score": float(scores[best]), "scores": [float(v) for v in scores]}
