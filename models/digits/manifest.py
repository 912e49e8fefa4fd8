"""Writes the manifest that goes with the trained network."""

import numpy as np
import onnxruntime

TEXT = """\
# Written by train.py.
name = "digits"
version = "1"
task = "digit"
file = "digits.onnx"
sha256 = "{digest}"
licence = "MIT OR Apache-2.0"
source = "models/digits/train.py"

[image]
input = "images"
layout = "nchw"
colour = "grey"
size = [28, 28]
resize = "digit"
mean = [0.0]
std = [255.0]

[output]
name = "logits"
kind = "logits"

[batch]
most = 8

# A black bar, 6 × 44 pixels, on white: a 1.
[[check]]
input = "stroke"
at = [1]
values = [{one:.6f}]
tolerance = 0.001
"""


def write(folder, digest):
    """`manifest.toml`, for `digits.onnx` with the SHA-256 `digest`."""
    one = bar_score(folder / "digits.onnx")
    (folder / "manifest.toml").write_text(TEXT.format(digest=digest, one=one))


def bar_score(path):
    """How sure the model is that the bar of the check, prepared, is a 1."""
    image = np.zeros((1, 1, 28, 28), np.float32)
    image[0, 0, 5:25, 13:16] = 1
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    scores = session.run(["logits"], {"images": image})[0][0].astype(np.float64)
    powers = np.exp(scores - scores.max())
    return powers[1] / powers.sum()
