"""The ceiling: ONNX Runtime alone on prepared tensors, images a second on all processors, the best of three ways."""

import json
import os
import sys
import threading
import time

import numpy
import onnxruntime

SECONDS = 6


def session(model, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def rate(model, side, batch, sessions, threads):
    """Images a second with so many sessions of so many threads beside each other."""
    shape = (batch, 1, 28, 28) if side == 28 else (batch, 3, side, side)
    tensor = numpy.random.default_rng(1).random(shape, numpy.float32)
    runs = [0] * sessions
    loaded = [session(model, threads) for _ in range(sessions)]
    for one in loaded:
        one.run(None, {one.get_inputs()[0].name: tensor})
    end = time.perf_counter() + SECONDS

    def work(at):
        one, name = loaded[at], loaded[at].get_inputs()[0].name
        while time.perf_counter() < end:
            one.run(None, {name: tensor})
            runs[at] += 1

    began = time.perf_counter()
    workers = [threading.Thread(target=work, args=(at,)) for at in range(sessions)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(runs) * batch / (time.perf_counter() - began)


def main():
    model, side = sys.argv[1], int(sys.argv[2])
    processors = os.cpu_count()
    ways = [("one session, all threads", 1, 1, processors), ("a session a processor", 1, processors, 1)]
    if side == 28:
        ways.append(("a session a processor, batches of 8", 8, processors, 1))
    print(json.dumps({name: rate(model, side, *way) for name, *way in ways}))


if __name__ == "__main__":
    main()
