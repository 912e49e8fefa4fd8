"""Writes the trained network as ONNX, and its manifest."""

import hashlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from network import CLASSES, LAST_SIDE

# What ONNX Runtime 1.12 and later read.
OPSET, IR_VERSION = 17, 8


def write(folder, layers, linear, bias):
    """`digits.onnx`: `images` (n, 1, 28, 28) float32 in 0..1, white on black → `logits` (n, 10)."""
    nodes, weights, last = [], [], "images"
    for i, (kernel, shift, stride) in enumerate(layers):
        # (row, column, in, out) here, (out, in, row, column) there.
        weights += [_tensor(f"kernel{i}", kernel.transpose(3, 2, 0, 1)), _tensor(f"bias{i}", shift)]
        around = kernel.shape[0] // 2
        inputs = [last, f"kernel{i}", f"bias{i}"]
        nodes.append(
            helper.make_node("Conv", inputs, [f"sum{i}"], strides=[stride] * 2, pads=[around] * 4)
        )
        nodes.append(helper.make_node("Relu", [f"sum{i}"], [f"layer{i}"]))
        last = f"layer{i}"
    channels = layers[-1][0].shape[3]
    # The linear layer was trained on (row, column, channel); flattening gives (channel, row, column).
    linear = linear.reshape(LAST_SIDE, LAST_SIDE, channels, CLASSES).transpose(2, 0, 1, 3).reshape(-1, CLASSES)
    weights += [_tensor("linear", linear), _tensor("linear_bias", bias)]
    nodes.append(helper.make_node("Flatten", [last], ["features"]))
    nodes.append(helper.make_node("Gemm", ["features", "linear", "linear_bias"], ["logits"]))
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 1, 28, 28])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", CLASSES])],
        weights,
    )
    model = helper.make_model(
        graph, producer_name="darkroom", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    onnx.checker.check_model(model, full_check=True)
    content = model.SerializeToString(deterministic=True)
    (folder / "digits.onnx").write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _tensor(name, values):
    return numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name)
