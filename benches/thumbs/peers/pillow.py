"""Pillow as its users write it: draft mode (JPEG's scaled decode), one load, Lanczos."""

import io

import protocol
from PIL import Image

Image.MAX_IMAGE_PIXELS = None
args = protocol.arguments()


def render():
    with Image.open(args.input) as image:
        # Draft mode picks the largest power-of-two reduction that stays at or above the asked size.
        image.draft("RGB", (max(args.sizes), max(args.sizes)))
        image = image.convert("RGB")
    return {size: encode(shrink(image, size)) for size in args.sizes}


def shrink(image, size):
    small = image.copy() if len(args.sizes) > 1 else image
    # reducing_gap=2 is Pillow's own default of `thumbnail`: a box reduction before the filter.
    small.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return small


def encode(image):
    data = io.BytesIO()
    if args.format == "jpeg":
        image.save(data, "JPEG", quality=protocol.QUALITY, subsampling="4:2:0")
    else:
        image.save(data, "PNG", compress_level=1)
    return data.getvalue()


protocol.measure(args, render)
