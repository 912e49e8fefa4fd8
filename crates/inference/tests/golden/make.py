"""Writes pillow.txt: what Pillow makes of generated images. `pip install pillow==11.3.0`, then run this file.

One case a line: source size, channels, target size, filter, window (left top width height), samples in hexadecimal.
The test makes the same images by the same formula and compares every sample.
"""

import pathlib

import PIL
from PIL import Image

PINNED = "11.3.0"
FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos3": Image.Resampling.LANCZOS,
}
# (source), channels, (target), (left, top, width, height)
CASES = [
    ((61, 47), 3, (20, 15), (0, 0, 20, 15)),  # smaller
    ((61, 47), 1, (20, 15), (0, 0, 20, 15)),
    ((7, 5), 3, (19, 13), (0, 0, 19, 13)),  # larger
    ((101, 13), 1, (17, 29), (0, 0, 17, 29)),  # narrower and taller
    ((43, 43), 3, (43, 11), (0, 0, 43, 11)),  # one side only
    ((1, 9), 3, (5, 4), (0, 0, 5, 4)),
    ((333, 257), 3, (41, 32), (6, 2, 28, 28)),  # Resize(32), then CenterCrop(28)
    ((90, 160), 1, (32, 56), (2, 14, 28, 28)),
]


def sample(x, y, c):
    """Smooth, with noise and hard edges in it."""
    noise = ((x * 7919 + y * 104729 + c * 1299709 + 12345) * 2654435761 % 2**32) >> 26
    edge = 96 if (x // 5 + y // 7) % 2 else 0
    return (x * 3 + y * 2 + c * 40 + noise + edge) % 256


def image(size, channels):
    width, height = size
    data = bytes(sample(x, y, c) for y in range(height) for x in range(width) for c in range(channels))
    return Image.frombytes("RGB" if channels == 3 else "L", size, data)


def main():
    assert PIL.__version__ == PINNED, PIL.__version__
    lines = []
    for source, channels, target, (left, top, width, height) in CASES:
        for name, resample in FILTERS.items():
            made = image(source, channels).resize(target, resample)
            made = made.crop((left, top, left + width, top + height))
            numbers = [*source, channels, *target, name, left, top, width, height]
            lines.append(" ".join(map(str, numbers)) + " " + made.tobytes().hex())
    grey = image((16, 16), 3).convert("L")
    lines.append("grey " + grey.tobytes().hex())
    path = pathlib.Path(__file__).with_name("pillow.txt")
    path.write_text("\n".join(lines) + "\n")


main()
