"""Writes the manifest that goes with the trained network."""

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
"""


def write(folder, digest):
    """`manifest.toml`, for the network with the SHA-256 `digest`."""
    (folder / "manifest.toml").write_text(TEXT.format(digest=digest))
