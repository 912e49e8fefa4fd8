"""The peers that are servers, and ours: CPU time of the server process for each request, over many requests."""

import contextlib
import http.client
import os
import pathlib
import shutil
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")
START_SECONDS = 20


class Server:
    """A running server; `fetch(connection, name, size, number)` makes one thumbnail and returns its bytes."""

    def __init__(self, process, port, fetch):
        self.process, self.port, self.fetch = process, port, fetch

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def peak_kib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0])

    def measure(self, name, sizes, budget):
        """CPU and wall seconds for each round of `sizes`, after one warm-up round.

        The kernel counts a process's time in ticks of 10 ms, so `budget` has to be many of them.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        for size in sizes:
            self.fetch(connection, name, size, 0)
        cpu, wall, rounds, total = self.cpu(), time.perf_counter(), 0, 0
        while self.cpu() - cpu < budget or rounds < 2:
            rounds += 1
            total = sum(len(self.fetch(connection, name, size, rounds)) for size in sizes)
        connection.close()
        return {
            "cpu": (self.cpu() - cpu) / rounds,
            "wall": (time.perf_counter() - wall) / rounds,
            "renders": rounds,
            "peak_kib": self.peak_kib(),
            "bytes": total,
        }


def get(connection, path):
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"GET {path}: {answer.status} {body[:200]!r}")
    return body


@contextlib.contextmanager
def running(command, port, fetch, log, env=None):
    """Starts a server on a loopback port, waits until it listens, ends it by its own process handle."""
    with open(log, "wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **(env or {})})
    try:
        wait_until_listening(process, port, log)
        yield Server(process, port, fetch)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_listening(process, port, log):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise RuntimeError(f"the server did not start: {pathlib.Path(log).read_text()[-800:]}")


def oximg(root, images, port, fast):
    """oximg's HTTP resize. `fast` is the cheapest set of its documented settings, the default is its best pixels."""
    env = {"IMAGES_DIR": str(images), "PORT": str(port), "OXIMG_BIND": "127.0.0.1", "QUALITY": "80"}
    if fast:
        env |= {"PRESET": "fast", "OXIMG_DCT_MARGIN": "1", "OXIMG_RESIZE": "srgb", "OXIMG_OVERLAP": "0"}
    name = "oximg-fast" if fast else "oximg"

    def fetch(connection, image, size, _number, output="jpg"):
        return get(connection, f"/resize/{size}/{size}/{image}@{output}")

    binary = os.environ.get("OXIMG_BIN", root / "cargo/bin/oximg")
    return running([binary, "serve"], port, fetch, root / f"{name}.log", env)


def thumbor(root, images, port):
    conf = root / "thumbor.conf"
    conf.write_text(
        f"FILE_LOADER_ROOT_PATH = {str(images)!r}\n"
        "LOADER = 'thumbor.loaders.file_loader'\nSTORAGE = 'thumbor.storages.no_storage'\n"
        "ALLOW_UNSAFE_URL = True\nQUALITY = 80\nMAX_PIXELS = None\nAUTO_WEBP = False\n")

    def fetch(connection, image, size, _number, output="jpeg"):
        return get(connection, f"/unsafe/fit-in/{size}x{size}/filters:format({output})/{image}")

    command = [root / "venv/bin/thumbor", "--ip", "127.0.0.1", "--port", str(port), "--conf", conf, "--log-level", "error"]
    return running(command, port, fetch, root / "thumbor.log")


def darkroom(binary, root, images, port):
    """Our own server: a durable job, waited for, and its artifact. The other two neither queue nor store anything."""
    import json

    data = root / "darkroom-data"
    shutil.rmtree(data, ignore_errors=True)

    def fetch(connection, image, size, number, output="jpeg"):
        # Bytes after the end of the image make every upload another blob: no cached result is counted as work.
        body = (images / image).read_bytes() + f"{size}-{number}".encode()
        path = f"/v1/jobs?op=thumbnail&width={size}&height={size}&format={output}&quality=80&wait=10"
        connection.request("POST", path, body, {"Content-Type": "application/octet-stream"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"POST {path}: {answer.status} {text[:300]!r}")
        return get(connection, artifact_path(json.loads(text)))

    command = [binary, "serve", "--listen", f"127.0.0.1:{port}", "--data-dir", data]
    return running(command, port, fetch, root / "darkroom.log")


def artifact_path(job):
    """The first link to an artifact of the job's own, wherever the answer keeps it."""
    waiting = [job]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str) and "/artifacts/" in value and not value.endswith("/original"):
            return value
        waiting.extend(value.values() if isinstance(value, dict) else value if isinstance(value, list) else [])
    raise RuntimeError(f"no artifact in {job}")
