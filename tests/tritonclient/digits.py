"""Digits as somebody would draw them, as PNG."""

import struct
import zlib

import numpy as np


def png(grey: np.ndarray) -> bytes:
    """A grey image of 8 bits."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    height, width = grey.shape
    rows = b"".join(b"\0" + row.tobytes() for row in grey.astype(np.uint8))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def paper() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """White paper, and the places on it."""
    y, x = np.mgrid[0:200, 0:180]
    return np.full((200, 180), 240), y, x


def zero() -> bytes:
    """A ring, dark on light."""
    image, y, x = paper()
    radius = np.hypot((y - 100) / 70, (x - 90) / 45)
    image[(radius > 0.8) & (radius < 1.1)] = 20
    return png(image)


def one() -> bytes:
    """An upright stroke, dark on light."""
    image, y, x = paper()
    image[(x >= 96) & (x < 112) & (y >= 30) & (y < 170)] = 20
    return png(image)


def seven() -> bytes:
    """A bar and a slanted stroke, light on dark."""
    image, y, x = paper()
    image[(y >= 40) & (y < 56) & (x >= 50) & (x < 130)] = 20
    image[(y >= 40) & (y < 170) & (abs((x - 122) + (y - 48) * 0.45) < 9)] = 20
    return png(255 - image)
