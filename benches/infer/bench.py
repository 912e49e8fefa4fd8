"""Models behind HTTP: Darkroom against FastAPI, uvicorn, Pillow and ONNX Runtime, with the same model files.

Every request is a whole image. wrk puts the load on from the same machine, so it takes its part of the processors from
both sides alike. Rates are requests a second; processor time and memory are those of all of a server's processes.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import group
import inputs
import subjects

HERE = pathlib.Path(__file__).parent
CONNECTIONS = (1, 8, 64)
PHOTOS = ("/predict", "photos", inputs.PHOTO_TYPE)
DIGITS = ("/mnist/", "digits28", inputs.DIGIT_TYPE)
LARGE_DIGITS = ("/mnist/", "digits280", inputs.DIGIT_TYPE)


class Bench:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.store = pathlib.Path(args.store)
        self.bodies = folder / "bodies"
        inputs.make(self.bodies)
        self.misses = []

    def load(self, subject, question, connections, seconds=None):
        """wrk's findings, with processor milliseconds a request."""
        path, bodies, content_type = question
        environment = {"BODIES": str(self.bodies / bodies), "CONTENT_TYPE": content_type}
        # Only the classifier asks who is there.
        if subject.token and question is PHOTOS:
            environment["TOKEN"] = subject.token
        command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds or self.args.seconds}s"]
        command += ["--timeout", "60s", "--script", str(HERE / "post.lua"), subject.url + path]
        before = subject.processor_seconds()
        output = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True).stdout
        found = json.loads(output.splitlines()[-1])
        found["cpu_ms"] = (subject.processor_seconds() - before) * 1e3 / max(1, found["requests"])
        found["rate"] = found["requests"] / found["seconds"]
        if found["failed"]:
            sys.exit(f"{found['failed']} of {found['requests']} requests failed: {output}")
        return found

    def first(self, subject, question):
        path, bodies, content_type = question
        return subject.wait(path, (self.bodies / bodies / "0").read_bytes(), content_type)

    def ours(self, model=None, **settings):
        data = tempfile.mkdtemp(dir=self.folder)
        if model:
            settings["models.classify"] = model
        return subjects.darkroom(self.args.darkroom, self.store, data, settings)

    def peer(self, model, workers):
        store = self.store / "models" / model / "1"
        return subjects.peer(self.args.python, HERE, store, workers)

    def model(self, folder):
        return str(self.store / "models" / folder / "1")

    def table(self, title, question, peer_model, ours):
        """Peer with one and two workers, and each of ours, at every number of connections."""
        print(f"\n## {title}\n")
        print("| | " + " | ".join(f"{c} conn: req/s | p50 ms | p99 ms" for c in CONNECTIONS) + " | CPU ms | MiB |")
        print("|---|" + "---:|" * (3 * len(CONNECTIONS) + 2))
        peers = {f"peer, {n} worker{'s' * (n > 1)}": lambda n=n: self.peer(peer_model, n) for n in (1, os.cpu_count())}
        found = {name: self.row(name, start, question) for name, start in (peers | ours).items()}
        best = {c: max(found[name][c]["rate"] for name in peers) for c in CONNECTIONS}
        for name in ours:
            ratios = ", ".join(f"{found[name][c]['rate'] / best[c]:.2f} at {c}" for c in CONNECTIONS)
            print(f"\n{name}: times the best peer's requests a second: {ratios}")
        return found, best

    def row(self, name, start, question):
        subject = start()
        try:
            self.first(subject, question)
            # The first session is there; the others come with load.
            self.load(subject, question, 8, 2)
            found = {c: self.load(subject, question, c) for c in CONNECTIONS}
            resident = subject.resident_mib()
        finally:
            subject.stop()
        cells = [f"{f['rate']:.1f} | {f['p50']:.1f} | {f['p99']:.1f}" for f in found.values()]
        print(f"| {name} | {' | '.join(cells)} | {found[8]['cpu_ms']:.2f} | {resident:.0f} |", flush=True)
        return found

    def raw(self, model, side):
        file = next(pathlib.Path(self.model(model)).glob("*.onnx"))
        output = subprocess.run([self.args.python, HERE / "raw.py", file, str(side)], capture_output=True, text=True, check=True)
        ways = json.loads(output.stdout)
        for name, rate in ways.items():
            print(f"\nONNX Runtime alone, {name}: {rate:.1f} images a second")
        return max(ways.values())

    def demand(self, what, value, right, wanted):
        print(f"- {'met   ' if right else 'MISSED'} {what}: {value} ({wanted})", flush=True)
        if not right:
            self.misses.append(what)

    def photos(self, model, title, int8):
        ours = {"darkroom": lambda: self.ours(model)}
        if int8:
            ours["darkroom, int8"] = lambda: self.ours(int8)
        found, best = self.table(title, PHOTOS, model, ours)
        side = {"resnet50": 224, "efficientnet-lite2": 260}[model]
        raw = self.raw(model, side)
        print()
        own = found["darkroom"]
        self.demand(f"{title}: times the peer at 8", f"{own[8]['rate'] / best[8]:.2f}", own[8]["rate"] >= 1.1 * best[8], "1.1")
        self.demand(f"{title}: part of the engine alone", f"{own[8]['rate'] / raw:.3f}", own[8]["rate"] >= 0.92 * raw, "0.92")
        p50 = min(found[name][8]["p50"] for name in found if name.startswith("peer"))
        self.demand(f"{title}: p99 at 8", f"{own[8]['p99']:.0f} ms", own[8]["p99"] <= 1.5 * p50, f"1.5 × the peer's p50, {1.5 * p50:.0f}")
        if int8:
            rate = found["darkroom, int8"][8]["rate"]
            self.demand(f"{title}, int8: times the peer's float32 at 8", f"{rate / best[8]:.2f}", rate >= 2.2 * best[8], "2.2")

    def digits(self):
        ours = {"darkroom": self.ours}
        found, best = self.table("/mnist/, digits of 28 × 28", DIGITS, "digits", ours)
        raw = self.raw("digits", 28)
        print()
        own = found["darkroom"]
        self.demand("digits: times the peer at 64", f"{own[64]['rate'] / best[64]:.2f}", own[64]["rate"] >= 5 * best[64], "5")
        print(f"- ceiling: the engine alone gives {raw:.0f} images a second; darkroom {own[64]['rate']:.0f} whole requests")
        self.table("/mnist/, drawings of 280 × 280", LARGE_DIGITS, "digits", ours)

    def memory(self):
        print("\n## Memory and start\n")
        subject = self.ours()
        try:
            done = 0
            while done < self.args.requests:
                done += self.load(subject, DIGITS, 8, 5)["requests"]
            resident = subject.resident_mib()
        finally:
            subject.stop()
        self.demand(f"digits only, after {done} requests", f"{resident:.0f} MiB resident", resident <= 64, "64")
        subject = self.ours("resnet50")
        try:
            self.load(subject, PHOTOS, 8, 10)
            resident = subject.resident_mib()
        finally:
            subject.stop()
        self.demand("ResNet-50 float32", f"{resident:.0f} MiB resident", resident <= 180, "180")

    def start(self):
        """From the command to the first answer; the second start, so that everything is in its place."""
        times = []
        data = tempfile.mkdtemp(dir=self.folder)
        body = (self.bodies / "digits28" / "0").read_bytes()
        for _ in range(6):
            began = time.perf_counter()
            settings = ["--set", f"models.runtime={self.store / 'runtime'}"]
            command = [self.args.darkroom, "serve", "--listen", "127.0.0.1:0", "--data-dir", data, *settings]
            subject = subjects.Subject(command, {})
            subject.wait("/mnist/", body, inputs.DIGIT_TYPE)
            times.append((time.perf_counter() - began) * 1e3)
            subject.stop()
        typical = sorted(times[1:])[len(times[1:]) // 2]
        self.demand("start to first digit", f"{typical:.0f} ms (the very first: {times[0]:.0f})", typical <= 150, "150")

    def confined(self):
        """128 MiB and half a processor, with more load than that can do."""
        try:
            walls = group.Group()
        except OSError as error:
            print(f"- NOT TRIED in a control group: {error}")
            return
        data = tempfile.mkdtemp(dir=self.folder)
        settings = ["--set", f"models.runtime={self.store / 'runtime'}"]
        command = walls.wrap([self.args.darkroom, "serve", "--listen", "127.0.0.1:0", "--data-dir", data, *settings])
        subject = subjects.Subject(command, {})
        try:
            self.first(subject, DIGITS)
            small = self.load(subject, DIGITS, 64, 15)
            large = self.load(subject, LARGE_DIGITS, 64, 15)
            kills, peak = walls.kills(), walls.peak_mib()
        finally:
            subject.stop()
            walls.remove()
        what = f"{small['rate']:.0f} and {large['rate']:.0f} digits/s, peak {peak:.0f} MiB, {kills} killed"
        self.demand("inside 128 MiB and half a processor, 64 connections", what, kills == 0, "none killed")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--darkroom", required=True, help="the release binary")
    parser.add_argument("--store", required=True, help="the data folder with models and runtime")
    parser.add_argument("--python", default=sys.executable, help="the interpreter with the peer's packages")
    parser.add_argument("--seconds", type=int, default=8, help="of each measurement")
    parser.add_argument("--requests", type=int, default=100_000, help="before memory is looked at")
    parser.add_argument("--only", help="parts, separated by commas: resnet50, lite2, digits, memory, start, confined")
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(dir=pathlib.Path(args.store).parent, prefix="infer-"))
    try:
        bench = Bench(args, folder)
        parts = {
            "resnet50": lambda: bench.photos("resnet50", "/predict, ResNet-50", "resnet50-int8"),
            "lite2": lambda: bench.photos("efficientnet-lite2", "/predict, EfficientNet-Lite2", "efficientnet-lite2-int8"),
            "digits": bench.digits,
            "memory": bench.memory,
            "start": bench.start,
            "confined": bench.confined,
        }
        for name in args.only.split(",") if args.only else parts:
            parts[name]()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\nmissed: {', '.join(bench.misses) or 'nothing'}")


if __name__ == "__main__":
    main()
