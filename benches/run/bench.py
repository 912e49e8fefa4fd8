"""Datasets worked through: Darkroom's runs against the stack of the original service, and against our own library in a
loop. Rates are photographs a second over everything: asking, reading, queueing, working, recording, gathering.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

import dataset
import opencv_models
import ours
import peers

FACES = [{"op": "faces", "which": "first"}]
DLIB, CELERY = "Celery, dlib", "Celery, YuNet and SFace"
LOOP, LIBRARY, OURS = "two processes in a loop, YuNet and SFace", "our library in a loop of two threads", "Darkroom"

# Times that all of them work through the photographs.
ROUNDS = 3

THUMBNAIL = [{"op": "thumbnail", "width": 256, "height": 256}]


class Bench:
    def __init__(self, args, folder):
        self.args, self.folder, self.misses = args, folder, []

    def demand(self, what, value, least):
        met = value >= least
        print(f"{what}: {value:.2f} ({least} asked{'' if met else ': MISSED'})")
        if not met:
            self.misses.append(what)

    def faces(self):
        photos = self.folder / "faces"
        dataset.faces(self.args.photographs, photos, self.args.photos)
        paths = dataset.files(photos)
        os.environ["YUNET"] = opencv_models.weights("yunet", self.folder)
        os.environ["SFACE"] = opencv_models.weights("sface", self.folder)
        print(f"\n## Faces of {len(paths)} photographs of 640 x 480\n\n| | photographs/s | with a face |\n|---|---:|---:|")
        warm = self.folder / "warm"
        dataset.faces(self.args.photographs, warm, 8 * peers.PROCESSES, seed=2)
        started = ours.server(self.args.target / "darkroom", self.args.models, self.folder)
        with peers.celery(self.folder) as work, started as server:
            server.run(warm, FACES)
            contestants = {
                DLIB: lambda: through_celery(work, "dlib", paths),
                CELERY: lambda: through_celery(work, "opencv", paths),
                LOOP: lambda: through_pool(paths),
                LIBRARY: lambda: ours.in_a_loop(self.args, ["faces", photos, *ours.models(self.args.models)]),
                OURS: lambda: through_run(server, photos),
            }
            rates = in_turn(contestants)
        for name, (rate, faces) in rates.items():
            print(f"| {name} | {rate:.1f} | {faces} |")
        print()
        mine = rates[OURS][0]
        self.demand("times the original's stack", mine / rates[DLIB][0], 6)
        self.demand("times the same models in Celery", mine / rates[CELERY][0], 1.5)
        self.demand("share of our library's rate", mine / rates[LIBRARY][0], 0.95)
        loop = mine / rates[LOOP][0]
        print(f"times the same models in a loop of Python, which loses everything when it is killed: {loop:.2f}")

    def thumbnails(self):
        sources, photos = self.folder / "sources", self.folder / "many"
        dataset.faces(self.args.photographs, sources, 200, seed=3)
        dataset.many(dataset.files(sources), photos, self.args.thumbnails)
        print(f"\n## Thumbnails of {self.args.thumbnails} photographs of 640 x 480\n")
        # Before, between and after: what else the machine does falls on all of them.
        loops = [self.loop(photos)]
        with ours.server(self.args.target / "darkroom", self.args.models, self.folder) as server:
            server.run(sources, THUMBNAIL)
            before = server.processor_seconds()
            run, seconds = server.run(photos, THUMBNAIL)
            rows = [("as a run of a server", run["total"] / seconds, server.processor_seconds() - before)]
            peak = server.peak_mib()
        loops.append(self.loop(photos))
        seconds, busy = ours.command(self.args.target / "darkroom", self.folder, photos)
        rows.append(("as a run of the command line", self.args.thumbnails / seconds, busy))
        loops.append(self.loop(photos))
        loop, busy = (sum(values) / len(loops) for values in zip(*loops))
        print("| | photographs/s | processor time of each |\n|---|---:|---:|")
        for name, rate, busy in [("the library in a loop", loop, busy), *rows]:
            print(f"| {name} | {rate:.0f} | {1000 * busy / self.args.thumbnails:.2f} ms |")
        print(f"\nthe server's peak memory {peak:.0f} MiB")
        for name, rate, _ in rows:
            self.demand(f"share of the library's rate, {name}", rate / loop, 0.9)

    def loop(self, photos):
        """Thumbnails by our library with two threads: photographs a second, and processor seconds."""
        before = ours.children_seconds()
        rate, _ = ours.in_a_loop(self.args, ["thumbnails", photos, "--out", self.folder / "loop", "--size", "256"])
        return rate, ours.children_seconds() - before

    def store(self):
        print("\n## A million items that do nothing\n", flush=True)
        items = ["10000", "100000"] if self.args.quick else ["10000", "100000", "1000000"]
        # The database is made beside the rest of the bench.
        environment = {**os.environ, "TMPDIR": str(self.folder)}
        subprocess.run([self.args.target / "examples/bench_runs", *items], check=True, env=environment)


def in_turn(contestants):
    """The median rate of each over rounds in which all of them work, one after the other: a machine that others share is
    slower at one time than at another. Beside it, what they found in the last round."""
    rounds = [{name: run() for name, run in contestants.items()} for _ in range(ROUNDS)]
    median = lambda name: statistics.median(rates[name][0] for rates in rounds)
    return {name: (median(name), rounds[-1][name][1]) for name in contestants}


def through_run(server, photos):
    run, seconds = server.run(photos, FACES)
    mean = server.ask(f"/v1/runs/{run['id']}/aggregate")["aggregates"][0]
    return run["total"] / seconds, mean["count"]


def through_pool(paths):
    rate, vectors = peers.pool(paths)
    return rate, found(vectors)


def through_celery(work, task, paths):
    """Photographs a second, and how many have a face."""
    # The models are in memory, and every process has answered, before the clock starts.
    work(task, paths[: 8 * peers.PROCESSES])
    start = time.perf_counter()
    vectors = work(task, paths)
    return len(paths) / (time.perf_counter() - start), found(vectors)


def found(vectors):
    return sum(vector is not None for vector in vectors)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", type=pathlib.Path, required=True)
    parser.add_argument("--models", type=pathlib.Path, required=True)
    parser.add_argument("--photographs", type=pathlib.Path, required=True)
    parser.add_argument("--only", default="faces,thumbnails,store")
    parser.add_argument("--photos", type=int, default=400)
    parser.add_argument("--thumbnails", type=int, default=10_000)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    args.target = args.target.resolve()
    if args.quick:
        args.photos, args.thumbnails = min(args.photos, 60), min(args.thumbnails, 1_000)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args, pathlib.Path(folder))
        for name in args.only.split(","):
            getattr(bench, name)()
    print("\nmissed: " + (", ".join(bench.misses) or "nothing"))


if __name__ == "__main__":
    main()
