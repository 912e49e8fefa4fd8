"""Ours: a server, asked for runs over HTTP as anybody does."""

import contextlib
import json
import os
import pathlib
import resource
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import peers


class Server:
    def __init__(self, binary, models, data, roots):
        port = peers.free_port()
        self.url = f"http://127.0.0.1:{port}"
        settings = {
            "models.dir": models / "models", "models.runtime": runtime(models),
            "sources.roots": ",".join(map(str, roots)), "quota.requests_per_second": 0, "cache.enabled": "false",
            "quota.open_jobs": 0,
        }
        words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        self.log = open(data / "log", "w")
        self.process = subprocess.Popen(
            [binary, "serve", "--listen", f"127.0.0.1:{port}", "--data-dir", str(data / "data"), *words], stdout=self.log, stderr=self.log
        )
        self.wait()

    def wait(self):
        for _ in range(200):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(self.url + "/readyz").read()
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise SystemExit(pathlib.Path(self.log.name).read_text())

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{path}: {error.code} {error.read().decode()}") from None

    def run(self, folder, operations, **more):
        """Works a folder through; the run as it ended, and the seconds from asking until it had."""
        start = time.perf_counter()
        source = {"kind": "folder", "path": str(folder)}
        run = self.ask("/v1/runs", {"source": source, "operations": operations, **more})
        while run["state"] not in ("succeeded", "failed", "cancelled", "paused"):
            # Often enough to be exact to a hundredth, and seldom enough to leave the processors to the run.
            time.sleep(0.1)
            run = self.ask(f"/v1/runs/{run['id']}")
        seconds = time.perf_counter() - start
        if run["state"] != "succeeded" or run["counts"]["failed"]:
            raise SystemExit(f"the run ended badly: {run}")
        return run, seconds

    def peak_mib(self):
        """The most memory that the process has had resident."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024

    def processor_seconds(self):
        """Of all its threads since it began, in the program and in the system for it."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def finish(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def command(binary, folder, photos):
    """`darkroom run thumbnail` over a folder: seconds from its start to its end, and processor seconds."""
    words = ["--data-dir", folder / "own", "run", "thumbnail", "--width", "256", "--height", "256"]
    before, start = children_seconds(), time.perf_counter()
    ended = subprocess.run([binary, *words, photos, "--out", folder / "made"], capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(ended.stderr)
    return time.perf_counter() - start, children_seconds() - before


def in_a_loop(args, words):
    """Our library with two threads: photographs a second, and how many gave something."""
    command = [args.target / "examples/in_a_loop", *words, "--threads", "2"]
    rate, given = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(rate), int(given)


def models(models):
    """Where the models and what runs them lie, for the loop."""
    return ["--models", models / "models", "--runtime", runtime(models)]


def runtime(models):
    """ONNX Runtime's library, beside the models."""
    return next((models.parent / "runtime").glob("libonnxruntime.so.*"), "")


def children_seconds():
    """Processor time of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextlib.contextmanager
def server(binary, models, folder):
    """A server whose data lie in `folder`, and whose runs may read what is there. The data stay: for minutes after files
    were removed, ext4 without a journal looks for the place of each new one among theirs, and whatever is measured
    next would pay for that."""
    data = pathlib.Path(tempfile.mkdtemp(dir=folder))
    started = Server(os.path.realpath(binary), models.resolve(), data, [folder])
    try:
        yield started
    finally:
        started.finish()
