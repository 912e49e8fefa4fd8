"""Runs every peer over every input, interleaved, and writes thumbs.json and thumbs.md. Start it with ./run."""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import inputs
import quality
import report
import servers

PEERS = pathlib.Path(__file__).parent / "peers"
TASKS = ["100", "512", "five"]
FIVE = [2048, 1024, 512, 256, 100]
# A megapixel is never enlarged to 2048, so it has sizes of its own.
FIVE_OF_1MP = [1024, 512, 256, 128, 64]
OURS = ["ours", "ours-speed", "ours-quality"]
# Wall-clock figures are worth nothing while others compute; CPU times and their ratios stand.
BUSY_LOAD = 1.5
PORTS = {"oximg": 28471, "oximg-fast": 28472, "thumbor": 28473, "darkroom": 28474}


def main():
    # Ended from outside, it still ends its servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    args = arguments()
    files = inputs.make(args.root / "images", args.huge)
    cases = [(name, task) for name in chosen(files, args) for task in TASKS]
    bench = Bench(args, files)
    busy = os.getloadavg()[0] > BUSY_LOAD
    if busy:
        bench.skip("images a second on two cores", f"the machine is busy (load {os.getloadavg()[0]:.1f})")
    with contextlib.ExitStack() as stack:
        bench.start_servers(stack)
        for number in range(args.rounds):
            print(f"round {number + 1} of {args.rounds}", flush=True)
            for name, task in cases:
                bench.round(name, task)
            if not busy:
                bench.two_cores(sorted({name for name, _ in cases}))
            bench.save()
        print("quality …", flush=True)
        for name, task in cases:
            bench.judge(name, task)
    if args.huge:
        bench.huge()
    bench.save()
    print(bench.report())


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true", help="12-megapixel inputs, fewer rounds")
    parser.add_argument("--huge", action="store_true", help="also 20,000 x 20,000")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", help="inputs whose name contains this")
    parser.add_argument("--peers", help="comma-separated; ours is always there")
    args = parser.parse_args()
    args.rounds = args.rounds or (3 if args.quick else 5)
    args.budget = 0.3
    return args


def chosen(files, args):
    names = [name for name in files if not name.startswith("huge")]
    if args.quick:
        names = [name for name in names if name.startswith("12mp")]
    if args.only:
        names = [name for name in names if args.only in name]
    return names


class Bench:
    """The commands of the peers, the running servers, and every figure so far."""

    def __init__(self, args, files):
        self.args, self.files, self.servers = args, files, {}
        # figures[input][task][peer] is a list with one measurement a round.
        self.figures = collections.defaultdict(lambda: collections.defaultdict(lambda: collections.defaultdict(list)))
        self.quality = collections.defaultdict(lambda: collections.defaultdict(dict))
        self.parallel = collections.defaultdict(lambda: collections.defaultdict(list))
        self.skipped = {}
        python = sys.executable
        sharp = ["node", str(args.root / "node/sharp.mjs")]
        ours = [os.environ["THUMB_BIN"]]
        # A program and what is said to it besides the input.
        self.commands = {
            "ours": (ours, []),
            "ours-speed": (ours, ["--reduce", "speed"]),
            "ours-quality": (ours, ["--reduce", "quality"]),
            "sharp": (sharp, []),
            "sharp-full": (sharp, ["--variant", "full"]),
            "sharp-threads": (sharp, ["--variant", "threads"]),
            "pyvips": ([python, str(PEERS / "vips.py")], []),
            "pillow": ([python, str(PEERS / "pillow.py")], []),
            "limit": ([str(args.root / "entropy")], []),
        }
        if args.peers:
            keep = {*args.peers.split(","), *OURS}
            self.commands = {peer: command for peer, command in self.commands.items() if peer in keep}

    def start_servers(self, stack):
        root, images = self.args.root, self.args.root / "images"
        binary = pathlib.Path(os.environ["DARKROOM_BIN"])
        starts = {
            "oximg": lambda: servers.oximg(root, images, PORTS["oximg"], fast=False),
            "oximg-fast": lambda: servers.oximg(root, images, PORTS["oximg-fast"], fast=True),
            "thumbor": lambda: servers.thumbor(root, images, PORTS["thumbor"]),
            "darkroom": lambda: servers.darkroom(binary, root, images, PORTS["darkroom"]),
        }
        for peer, start in starts.items():
            if self.args.peers and peer not in self.args.peers.split(","):
                continue
            try:
                self.servers[peer] = stack.enter_context(start())
            except (OSError, RuntimeError) as error:
                self.skip(peer, error)

    def skip(self, peer, error):
        print(f"SKIPPED: {peer}: {error}", file=sys.stderr, flush=True)
        self.skipped[peer] = str(error)

    def round(self, name, task):
        """One measurement of every peer, one after the other: what slows the machine for a while slows them all."""
        figures = self.figures[name]
        for peer in self.commands:
            if takes(peer, name, task):
                figures[task][peer].append(self.run(peer, name, sizes(name, task)))
        if task == "five":
            # Five sizes are held against the price of the largest alone.
            for peer in OURS:
                figures["largest"][peer].append(self.run(peer, name, sizes(name, task)[:1]))
        for peer in list(self.servers):
            if takes(peer, name, task):
                try:
                    # Their CPU time comes in ticks of 10 ms, so they are measured for longer.
                    figures[task][peer].append(self.servers[peer].measure(name, sizes(name, task), 3 * self.args.budget))
                except (OSError, RuntimeError) as error:
                    self.skip(f"{peer} on {name} to {task}", error)

    def command(self, peer, name, boxes, budget, *more):
        program, words = self.commands[peer]
        listed = ",".join(map(str, boxes))
        return [*program, str(self.files[name]), "--sizes", listed, "--budget", str(budget), *words, *more]

    def run(self, peer, name, boxes, *more, budget=None):
        budget = self.args.budget if budget is None else budget
        command = self.command(peer, name, boxes, budget, *more)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
        return json.loads(done.stdout)

    def two_cores(self, names):
        """Images a second to 512 px with a process on each of two cores, wall clock."""
        for name in names:
            for peer in self.commands:
                if peer in ("limit", "sharp-threads"):
                    continue
                command = self.command(peer, name, [512], 0.5)
                pair = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
                self.parallel[name][peer].append(sum(1 / json.loads(process.communicate()[0])["wall"] for process in pair))

    def judge(self, name, task):
        """SSIM and PSNR of every peer's PNG against the full decode; for five sizes the worst of them."""
        with tempfile.TemporaryDirectory(dir=self.args.root) as folder:
            for peer in self.figures[name][task]:
                if peer in ("limit", "sharp-threads"):
                    continue
                out = pathlib.Path(folder) / peer
                if peer in self.servers:
                    self.save_served(peer, name, sizes(name, task), out)
                else:
                    self.run(peer, name, sizes(name, task), "--format", "png", "--out", str(out), budget=0)
                scores = [quality.compare(file, self.files[name]) for file in sorted(out.iterdir())]
                self.quality[name][task][peer] = {"ssim": min(s for s, _ in scores), "psnr": min(p for _, p in scores)}
                shutil.rmtree(out)

    def save_served(self, peer, name, boxes, out):
        import http.client

        out.mkdir(parents=True)
        connection = http.client.HTTPConnection("127.0.0.1", PORTS[peer], timeout=60)
        for size in boxes:
            data = self.servers[peer].fetch(connection, name, size, "quality", "png")
            (out / f"{size}.png").write_bytes(data)
        connection.close()

    def huge(self):
        for name in ("huge.jpg", "huge.png"):
            for peer in self.commands:
                if peer != "sharp-threads" and takes(peer, name, "512"):
                    print(f"{name} by {peer} …", flush=True)
                    self.figures[name]["512"][peer].append(self.run(peer, name, [512], budget=0))

    def save(self):
        data = {"figures": self.figures, "quality": self.quality, "two_cores": self.parallel, "skipped": self.skipped}
        (self.args.root / "thumbs.json").write_text(json.dumps(data, indent=1))
        (self.args.root / "thumbs.md").write_text(self.report())

    def report(self):
        return report.markdown(json.loads((self.args.root / "thumbs.json").read_text()))


def sizes(name, task):
    """The boxes of a task, the largest first."""
    if task == "five":
        return FIVE_OF_1MP if name.startswith("1mp") else FIVE
    return [int(task)]


def takes(peer, name, task):
    """Whether the peer has a figure for this case."""
    if peer == "limit":
        return name.endswith(".jpg") and task == "512"
    if peer in ("sharp-threads", "thumbor", "darkroom"):
        return task == "512" and not name.startswith("huge")
    return True


if __name__ == "__main__":
    main()
