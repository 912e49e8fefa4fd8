"""What is measured: Darkroom and its peer, started, watched and stopped in the same way."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.parse
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")
PASSWORD = "a bench needs a password"


class Subject:
    """A running server."""

    token = None

    def __init__(self, command, environment, url=None):
        self.log = open("/dev/null", "wb")
        self.process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=self.log, text=True, start_new_session=True
        )
        self.url = url or self.listens()

    def listens(self):
        for line in self.process.stdout:
            if found := re.search(r"http://[\d.]+:\d+", line):
                return found.group()
        sys.exit(f"the server did not start: exit code {self.process.wait()}")

    def post(self, path, body, content_type):
        headers = {"Content-Type": content_type} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        with urllib.request.urlopen(urllib.request.Request(self.url + path, body, headers), timeout=120) as answer:
            return json.loads(answer.read())

    def wait(self, path, body, content_type):
        """Until it answers."""
        for _ in range(6000):
            try:
                return self.post(path, body, content_type)
            except (urllib.error.URLError, ConnectionError):
                if self.process.poll() is not None:
                    sys.exit(f"{self.process.args[0]} ended with exit code {self.process.returncode}")
                time.sleep(0.01)
        sys.exit("the server does not answer")

    def processes(self):
        """The process and all below it."""
        found, wanted = [], [self.process.pid]
        while wanted:
            pid = wanted.pop()
            found.append(pid)
            for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                wanted += [int(child) for child in children.read_text().split()]
        return found

    def processor_seconds(self):
        seconds = 0
        for pid in self.processes():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            seconds += (int(fields[11]) + int(fields[12])) / TICKS
        return seconds

    def resident_mib(self):
        """What all processes hold in memory together; shared pages count once (for one process, VmRSS)."""
        processes = self.processes()
        if len(processes) == 1:
            return status(processes[0], "VmRSS")
        rollups = [pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in processes]
        return sum(int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1)) for text in rollups) / 1024

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def status(pid, key):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{key}:\s+(\d+)", text, re.M).group(1)) / 1024


def darkroom(binary, store, data, settings):
    """Ours, with a signed-in user who has no quota. Nothing is taken from the result cache: every request is worked on."""
    sets = {"models.dir": store / "models", "models.runtime": store / "runtime", "cache.enabled": "false"}
    sets |= {"quota.requests_per_second": 0, "quota.bytes_per_day": 0, **settings}
    flags = [flag for key, value in sets.items() for flag in ("--set", f"{key}={value}")]
    add = [binary, "users", "add", "bench", "--password-stdin", "--data-dir", data]
    subprocess.run(add, input=PASSWORD + "\n", text=True, check=True, capture_output=True)
    subject = Subject([binary, "serve", "--listen", "127.0.0.1:0", "--data-dir", data, *flags], {})
    form = urllib.parse.urlencode({"grant_type": "password", "username": "bench", "password": PASSWORD}).encode()
    subject.token = subject.post("/token", form, "application/x-www-form-urlencoded")["access_token"]
    return subject


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def peer(python, here, model, workers):
    """The peer with so many worker processes, which share the processors."""
    manifest = tomllib.loads((model / "manifest.toml").read_text())
    threads = max(1, os.cpu_count() // workers)
    environment = {"MODEL": str(model / manifest["file"]), "THREADS": str(threads), "KIND": "digit"}
    if manifest["task"] == "classify":
        image = manifest["image"]
        numbers = lambda key: ",".join(str(value) for value in image[key])
        environment |= {
            "KIND": "photo",
            "SIZE": str(image["size"][0]),
            "RESIZE_TO": str(image["resize_to"]),
            "FILTER": image["filter"],
            "MEAN": numbers("mean"),
            "STD": numbers("std"),
            "LABELS": str(model / manifest["labels"]),
        }
    port = free_port()
    command = [python, "-m", "uvicorn", "peer:app", "--app-dir", str(here), "--port", str(port)]
    command += ["--workers", str(workers), "--log-level", "error", "--no-access-log"]
    return Subject(command, environment, url=f"http://127.0.0.1:{port}")
