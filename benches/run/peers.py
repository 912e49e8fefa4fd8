"""The peers: Celery on Redis with two worker processes, and a plain pool of two processes without a queue."""

import contextlib
import multiprocessing
import os
import pathlib
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
PROCESSES = 2

# Results are collected within this many seconds, or the bench ends.
PATIENCE = 3600


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def celery(folder):
    """A Redis server and a Celery worker; gives a function that works a task through for many paths."""
    port = free_port()
    redis = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--appendonly", "yes"],
        stdout=subprocess.DEVNULL,
    )
    os.environ["BROKER"] = f"redis://127.0.0.1:{port}/0"
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            break
        time.sleep(0.05)
    command = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--concurrency", str(PROCESSES), "--loglevel", "ERROR"]
    worker = subprocess.Popen(command, cwd=HERE, stdout=subprocess.DEVNULL)
    try:
        import tasks
        from celery import group

        def work(name, paths):
            task = getattr(tasks, name)
            return group(task.s(str(path)) for path in paths).apply_async().get(timeout=PATIENCE)

        yield work
    finally:
        worker.terminate()
        worker.wait()
        redis.terminate()
        redis.wait()


def weights(store, name, sides, folder):
    """The newest version of a model, written as OpenCV reads it: numbers that are 0 are there, and sides are numbers."""
    import onnx

    model = onnx.load(max((store / name).glob("*/model.onnx"), key=lambda path: int(path.parent.name)))
    for attribute in (attribute for node in model.graph.node for attribute in node.attribute):
        if attribute.type == onnx.AttributeProto.INT:
            attribute.i = attribute.i
    for side, number in zip(model.graph.input[0].type.tensor_type.shape.dim, sides):
        side.dim_value = number
    restore_prelu(model.graph)
    del model.graph.value_info[:]
    path = folder / f"{name}.onnx"
    onnx.save(model, path)
    return str(path)


def restore_prelu(graph):
    """What Darkroom writes for ONNX Runtime as Relu, Mul, Mul and Add is one operator for OpenCV, which is quicker so."""
    from onnx import helper

    made = {node.output[0]: node for node in graph.node}
    gone, nodes = set(), []
    for node in graph.node:
        if node.op_type == "Add" and node.input[0] == f"{node.output[0]}_bent":
            value, slope = made[node.input[1]].input
            gone |= {f"{node.output[0]}_{part}" for part in ("positive", "bent", "straight")}
            node = helper.make_node("PRelu", [value, slope], [node.output[0]])
        nodes.append(node)
    kept = [node for node in nodes if node.output[0] not in gone]
    del graph.node[:]
    graph.node.extend(kept)


def pool(paths):
    """The same models in a loop: what Python does at best with two processes. Gives photographs a second."""
    os.environ.setdefault("BROKER", "memory://")
    import tasks

    with multiprocessing.get_context("spawn").Pool(PROCESSES) as processes:
        processes.map(tasks.embed, [str(path) for path in paths[: 4 * PROCESSES]], chunksize=4)
        start = time.perf_counter()
        vectors = processes.map(tasks.embed, [str(path) for path in paths], chunksize=8)
        return len(paths) / (time.perf_counter() - start), vectors
