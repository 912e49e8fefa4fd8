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


def pool(paths):
    """The same models in a loop: what Python does at best with two processes. Gives photographs a second."""
    os.environ.setdefault("BROKER", "memory://")
    import tasks

    with multiprocessing.get_context("spawn").Pool(PROCESSES) as processes:
        processes.map(tasks.embed, [str(path) for path in paths[: 4 * PROCESSES]], chunksize=4)
        start = time.perf_counter()
        vectors = processes.map(tasks.embed, [str(path) for path in paths], chunksize=8)
        return len(paths) / (time.perf_counter() - start), vectors
