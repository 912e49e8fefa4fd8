"""Darkroom's models of faces as OpenCV reads them quickest: for comparisons with OpenCV's own FaceDetectorYN and
FaceRecognizerSF."""

import pathlib

import onnx
from onnx import helper, numpy_helper


def weights(store, name, sides, folder):
    """The newest version of a model, with its sides as numbers and numbers that are 0 written out; gives its path."""
    files = (pathlib.Path(store) / name).glob("*/model.onnx")
    model = onnx.load(max(files, key=lambda path: int(path.parent.name)))
    for attribute in (attribute for node in model.graph.node for attribute in node.attribute):
        if attribute.type == onnx.AttributeProto.INT:
            attribute.i = attribute.i
    for side, number in zip(model.graph.input[0].type.tensor_type.shape.dim, sides):
        side.dim_value = number
    restore_prelu(model.graph)
    del model.graph.value_info[:]
    path = pathlib.Path(folder) / f"{name}.onnx"
    onnx.save(model, path)
    return str(path)


def restore_prelu(graph):
    """Makes one PRelu of what Darkroom writes for ONNX Runtime as Relu(x) + c x, with factors in the convolution behind,
    or as k Relu(x) + a x: one operator is quicker for OpenCV."""
    made = {node.output[0]: node for node in graph.node}
    constants = {tensor.name: tensor for tensor in graph.initializer}
    gone, nodes = set(), []
    for node in graph.node:
        straight = f"{node.output[0]}_straight"
        if node.op_type == "Add" and node.input[1] == straight:
            value, name = made[straight].input
            if node.input[0].endswith("_positive"):
                # Relu(x) + c x = (1 + c) PRelu(x, c / (1 + c))
                slope = numpy_helper.to_array(constants[name])
                constants[name].CopyFrom(numpy_helper.from_array(slope / (1 + slope), name))
                scale_reader(graph, constants, node.output[0], 1 + slope.reshape(-1))
            gone |= {f"{node.output[0]}_{part}" for part in ("positive", "bent", "straight")}
            node = helper.make_node("PRelu", [value, name], [node.output[0]])
        nodes.append(node)
    kept = [node for node in nodes if node.output[0] not in gone]
    del graph.node[:]
    graph.node.extend(kept)


def scale_reader(graph, constants, value, factors):
    """Multiplies the weights of the one convolution that reads a value, channel by channel."""
    (reader,) = (node for node in graph.node if value in node.input)
    tensor = constants[reader.input[1]]
    weights = numpy_helper.to_array(tensor)
    shape = (1, -1, 1, 1) if weights.shape[1] == len(factors) else (-1, 1, 1, 1)
    tensor.CopyFrom(numpy_helper.from_array(weights * factors.reshape(shape), tensor.name))
