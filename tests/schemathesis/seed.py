"""Waits for the server and has it finish one job."""

import struct
import sys
import time
import urllib.error
import urllib.request
import zlib

BASE = sys.argv[1]
DEADLINE = time.monotonic() + 180


def png() -> bytes:
    """A red image of 8 by 8 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    rows = (b"\0" + b"\xff\0\0" * 8) * 8
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


while True:
    try:
        urllib.request.urlopen(f"{BASE}/readyz", timeout=20)
        break
    except (urllib.error.URLError, OSError) as error:
        if time.monotonic() > DEADLINE:
            sys.exit(f"the server does not become ready: {error}")
        time.sleep(0.1)

request = urllib.request.Request(f"{BASE}/v1/jobs?op=thumbnail&width=4&wait=60", data=png(), method="POST")
request.add_header("Content-Type", "image/png")
with urllib.request.urlopen(request, timeout=120) as answer:
    assert answer.status == 200, answer.status
