"""Writes a small model with its manifest: `sum = a + b` and `product = a * b`, of rows of two numbers."""

import hashlib
import pathlib
import sys


def varint(value: int) -> bytes:
    """A whole number, seven bits a byte (Protocol Buffers, "Base 128 Varints")."""
    written = b""
    while value > 0x7F:
        written += bytes([value & 0x7F | 0x80])
        value >>= 7
    return written + bytes([value])


def field(number: int, value: int | str | bytes) -> bytes:
    """A field of a message: a number, or a text, bytes or message with its length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def rows(name: str) -> bytes:
    """ValueInfoProto: FP32 of the shape [n, 2]."""
    shape = field(1, field(2, "n")) + field(1, field(1, 2))
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)))


def node(kind: str, output: str) -> bytes:
    """NodeProto: an operator on `a` and `b`."""
    return field(1, "a") + field(1, "b") + field(2, output) + field(4, kind)


graph = field(1, node("Add", "sum")) + field(1, node("Mul", "product")) + field(2, "arithmetic")
graph += field(11, rows("a")) + field(11, rows("b")) + field(12, rows("sum")) + field(12, rows("product"))
model = field(1, 9) + field(7, graph) + field(8, field(1, "") + field(2, 17))

folder = pathlib.Path(sys.argv[1], "arithmetic", "1")
folder.mkdir(parents=True)
(folder / "model.onnx").write_bytes(model)
(folder / "manifest.toml").write_text(f"""\
name = "arithmetic"
version = "1"
task = "tensors"
file = "model.onnx"
sha256 = "{hashlib.sha256(model).hexdigest()}"
licence = "CC0-1.0"
source = "tests/tritonclient/nets.py"
[batch]
most = 8
""")
