"""A control group of 128 MiB and half a processor, of version 1 or 2, where this machine lets one be made."""

import os
import pathlib

MEMORY = 128 << 20
ROOT = pathlib.Path("/sys/fs/cgroup")


class Group:
    """Processes that are started with `wrap` are in it."""

    def __init__(self):
        self.folders = []
        name = f"darkroom-bench-{os.getpid()}"
        if (ROOT / "cgroup.controllers").exists():
            self.make(ROOT / name, {"memory.max": MEMORY, "memory.swap.max": 0, "cpu.max": "50000 100000"})
        else:
            self.make(ROOT / "memory" / name, {"memory.limit_in_bytes": MEMORY})
            self.make(ROOT / "cpu" / name, {"cpu.cfs_period_us": 100_000, "cpu.cfs_quota_us": 50_000})

    def make(self, folder, limits):
        folder.mkdir()
        self.folders.append(folder)
        for name, value in limits.items():
            (folder / name).write_text(str(value))

    def wrap(self, command):
        """The command, run inside of the group."""
        enter = "".join(f"echo $$ > {folder}/cgroup.procs; " for folder in self.folders)
        return ["sh", "-c", f'{enter}exec "$@"', "sh", *map(str, command)]

    def peak_mib(self):
        for name in ("memory.peak", "memory.max_usage_in_bytes"):
            if (file := self.folders[0] / name).exists():
                return int(file.read_text()) / (1 << 20)

    def kills(self):
        """How many processes the kernel has ended in it."""
        for name in ("memory.events", "memory.oom_control"):
            if (file := self.folders[0] / name).exists():
                counts = dict(line.split() for line in file.read_text().splitlines())
                return int(counts.get("oom_kill", 0))

    def remove(self):
        for folder in self.folders:
            folder.rmdir()
