"""What is sent: photographs of 500 x 400 as JPEG in multipart bodies, and digits as PNG in base64 in JSON."""

import base64
import io
import json
import random

import skimage.data
from PIL import Image, ImageDraw

BOUNDARY = "----darkroom-bench"
PHOTO_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
DIGIT_TYPE = "application/json"
COUNT = 32


def photo(seed):
    """A part of a photograph, 500 x 400, quality 90: about 40 to 90 kB."""
    source = [skimage.data.astronaut, skimage.data.coffee, skimage.data.chelsea, skimage.data.rocket][seed % 4]
    image = Image.fromarray(source()).convert("RGB")
    chance = random.Random(seed)
    scale = max(500 / image.width, 400 / image.height) * chance.uniform(1.0, 1.5)
    image = image.resize((round(image.width * scale) + 1, round(image.height * scale) + 1), Image.Resampling.LANCZOS)
    left, top = chance.randrange(image.width - 499), chance.randrange(image.height - 399)
    out = io.BytesIO()
    image.crop((left, top, left + 500, top + 400)).save(out, "JPEG", quality=90)
    return out.getvalue()


def digit(seed, side):
    """A 7, white on black, as a pen draws it."""
    chance = random.Random(seed)
    image = Image.new("L", (side * 4, side * 4))
    at = lambda x, y: tuple((part + chance.uniform(-0.03, 0.03)) * side * 4 for part in (x, y))
    stroke = [at(0.3, 0.25), at(0.7, 0.25), at(0.45, 0.8)]
    ImageDraw.Draw(image).line(stroke, fill=255, width=side * 4 // 10, joint="curve")
    out = io.BytesIO()
    image.resize((side, side), Image.Resampling.LANCZOS).save(out, "PNG")
    return out.getvalue()


def write(folder, bodies):
    folder.mkdir(parents=True, exist_ok=True)
    for number, body in enumerate(bodies):
        (folder / str(number)).write_bytes(body)


def multipart(image, number):
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{number}.jpg"\r\n'
    return head.encode() + b"Content-Type: image/jpeg\r\n\r\n" + image + f"\r\n--{BOUNDARY}--\r\n".encode()


def make(folder):
    """Folders of bodies for wrk: photos, digits of 28 pixels, digits of 280 pixels."""
    write(folder / "photos", (multipart(photo(n), n) for n in range(COUNT)))
    for side in (28, 280):
        as_json = lambda n: json.dumps({"base64": base64.b64encode(digit(n, side)).decode()}).encode()
        write(folder / f"digits{side}", (as_json(n) for n in range(COUNT)))
