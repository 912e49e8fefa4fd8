"""What every in-process peer speaks: the same arguments in, one line of JSON out.

    PEER INPUT --sizes 512,256 [--variant WORD] [--format jpeg|png] [--budget SECONDS] [--out DIR]

One render makes every size of one input, `fit` inside size x size and never enlarged. `--budget 0` is a single cold
render; otherwise one warm-up render, then renders until that many seconds of the process's CPU time are spent.
"""

import argparse
import json
import pathlib
import time

QUALITY = 80
LEAST_RENDERS = 1


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("input")
    parser.add_argument("--sizes", type=lambda text: [int(size) for size in text.split(",")], required=True)
    parser.add_argument("--variant", default="")
    parser.add_argument("--format", choices=["jpeg", "png"], default="jpeg")
    parser.add_argument("--budget", type=float, default=0.5)
    parser.add_argument("--out", type=pathlib.Path)
    return parser.parse_args()


def memory_kib(field):
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise KeyError(field)


def measure(args, render):
    """Runs `render() -> {size: bytes}` as the protocol says and prints the line."""
    idle = memory_kib("VmRSS")
    if args.budget > 0:
        render()
    # process_time is CLOCK_PROCESS_CPUTIME_ID: user and system time of every thread of the process.
    cpu, wall, renders = time.process_time(), time.perf_counter(), 0
    while True:
        outputs = render()
        renders += 1
        spent = time.process_time() - cpu
        if args.budget == 0 or (spent >= args.budget and renders >= LEAST_RENDERS):
            break
    wall = time.perf_counter() - wall
    print(json.dumps({
        "cpu": spent / renders,
        "wall": wall / renders,
        "renders": renders,
        "peak_kib": memory_kib("VmHWM"),
        "idle_kib": idle,
        "bytes": sum(len(data) for data in outputs.values()),
    }))
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        for size, data in outputs.items():
            (args.out / f"{size}.{args.format}").write_bytes(data)
