"""Turns thumbs.json into Markdown: ratios, memory, quality, and a line for every demand."""

import json
import statistics
import sys

COLUMNS = ["ours", "ours-speed", "ours-quality", "sharp", "sharp-full", "sharp-threads", "pyvips", "pillow", "oximg",
           "oximg-fast", "thumbor", "darkroom", "limit"]
TASKS = ["100", "512", "five"]
KEY = """\
CPU time (user and system, all threads) for one image, in proportion to ours = 1.00; above 1 is slower than ours.
`ours` is the default margin, `ours-speed` sharp's margin, `ours-quality` at least twice the target for the filter.
`sharp-full` is `fastShrinkOnLoad: false`, `sharp-threads` lets libvips use both cores. JPEG output, quality 80, 4:2:0.
`oximg`, `thumbor` and `darkroom` are servers: CPU time of the process for a request, HTTP included; `darkroom` also
queues, stores and fetches durably. `oximg-fast` is its cheapest documented setting. `limit` is libjpeg-turbo reading
every entropy code, DC pixels of luma only, nothing resampled or encoded. Five sizes: 2048,
1024, 512, 256, 100 (1 megapixel: 1024 to 64)."""


def markdown(data):
    figures = Figures(data)
    parts = ["# Thumbnails against their peers", "", KEY, "", *figures.ratios(), "", "## Demands", "", *demands(figures),
             *section("Images a second on two cores, to 512 px (a process on each)", figures.two_cores()),
             "", "## Peak memory, MB (largest of the rounds; in brackets before the first image)", "", *figures.memory(),
             "", "## Quality: SSIM of luma / PSNR of RGB in dB", "",
             "Against full decode and Lanczos on encoded values, without an encoder (PNG); five sizes: the worst.",
             "oximg averages in linear light, so its distance from this reference is not a loss.", "", *figures.quality()]
    for peer, reason in data["skipped"].items():
        parts += ["", f"SKIPPED {peer}: {reason}"]
    return "\n".join(parts) + "\n"


def section(title, lines):
    return ["", f"## {title}", "", *lines] if lines else []


class Figures:
    def __init__(self, data):
        self.data = data["figures"]
        self.scores, self.parallel = data["quality"], data["two_cores"]

    def peers(self):
        seen = {peer for tasks in self.data.values() for task in tasks.values() for peer in task}
        return [peer for peer in COLUMNS if peer in seen]

    def cases(self):
        return [(name, task) for name, tasks in self.data.items() for task in TASKS if task in tasks]

    def cpu(self, name, task, peer):
        runs = self.data[name].get(task, {}).get(peer)
        return statistics.median(run["cpu"] for run in runs) if runs else None

    def ratio(self, name, task, peer, base="ours", base_task=None):
        """Median of the rounds' own ratios: each compares two runs that were neighbours in time."""
        runs = self.data[name].get(task, {}).get(peer)
        against = self.data[name].get(base_task or task, {}).get(base)
        if not runs or not against:
            return None
        return statistics.median(run["cpu"] / other["cpu"] for run, other in zip(runs, against))

    def peak_kib(self, name, task, peer):
        runs = self.data[name].get(task, {}).get(peer)
        return max(run["peak_kib"] for run in runs) if runs else None

    def ratios(self):
        peers = self.peers()
        rows = [["input", "to", "ours, ms", *peers[1:]]]
        for name, task in self.cases():
            own = self.cpu(name, task, "ours")
            rows.append([name, task, f"{own * 1000:.1f}", *(cell(self.ratio(name, task, peer)) for peer in peers[1:])])
        return table(rows)

    def memory(self):
        peers = [peer for peer in self.peers() if peer not in ("limit", "sharp-threads")]
        rows = [["input", "to", *peers]]
        for name, task in self.cases():
            rows.append([name, task, *(self.memory_cell(name, task, peer) for peer in peers)])
        return table(rows)

    def memory_cell(self, name, task, peer):
        peak = self.peak_kib(name, task, peer)
        if peak is None:
            return ""
        idle = self.data[name][task][peer][0].get("idle_kib")
        return f"{peak / 1024:.0f}" + (f" ({idle / 1024:.0f})" if idle else "")

    def two_cores(self):
        if not self.parallel:
            return []
        peers = [peer for peer in self.peers() if any(peer in rates for rates in self.parallel.values())]
        rows = [["input", *peers]]
        for name, rates in self.parallel.items():
            rows.append([name, *(f"{statistics.median(rates[peer]):.1f}" if peer in rates else "" for peer in peers)])
        return table(rows)

    def quality(self):
        if not self.scores:
            return ["not judged yet"]
        peers = [peer for peer in self.peers() if any(peer in task for tasks in self.scores.values() for task in tasks.values())]
        rows = [["input", "to", *peers]]
        for name, tasks in self.scores.items():
            for task, scores in tasks.items():
                rows.append([name, task, *(
                    f"{scores[peer]['ssim']:.4f} / {scores[peer]['psnr']:.1f}" if peer in scores else "" for peer in peers)])
        return table(rows)


def demands(figures):
    jpeg = [case for case in figures.cases() if case[0].endswith(".jpg") and not case[0].startswith("huge")]
    png = [case for case in figures.cases() if case[0] == "12mp.png"]
    webp = [case for case in figures.cases() if case[0] == "12mp.webp"]
    normal = [case for case in figures.cases() if not case[0].startswith("huge")]
    lines = [
        faster(figures, "JPEG, sharp's own margin: at least 1.15 times as fast as sharp", jpeg, "sharp", "ours-speed", 1.15),
        faster(figures, "JPEG, better margin: at least 1.15 times sharp's fastShrinkOnLoad:false",
               jpeg, "sharp-full", "ours-quality", 1.15),
        faster(figures, "PNG: at least 1.8 times sharp", png, "sharp", "ours", 1.8),
        faster(figures, "WebP: at least 1.25 times sharp", webp, "sharp", "ours", 1.25),
        five_sizes(figures),
        memory(figures, normal),
        faster(figures, "not behind oximg (its default)", normal, "oximg", "ours", 1.0),
        faster(figures, "not behind oximg at its cheapest setting", normal, "oximg-fast", "ours-speed", 1.0),
        *huge(figures),
    ]
    return [f"- {line}" for line in lines if line]


def faster(figures, demand, cases, peer, base, least):
    found = {case: figures.ratio(*case, peer, base) for case in cases}
    return verdict(demand, {case: ratio for case, ratio in found.items() if ratio}, least)


def verdict(demand, ratios, least):
    if not ratios:
        return f"{demand}: not measured"
    worst = min(ratios.values())
    missed = [f"{name} to {task} {ratio:.2f}" for (name, task), ratio in ratios.items() if ratio < least]
    if missed:
        return f"{demand}: **NOT met** in {len(missed)} of {len(ratios)}: {', '.join(missed)}"
    return f"{demand}: met, lowest {worst:.2f} of {len(ratios)} cases"


def five_sizes(figures):
    shares = {(name, "five"): figures.ratio(name, "five", "ours", "ours", "largest") for name, task in figures.cases()
              if task == "five" and figures.ratio(name, "five", "ours", "ours", "largest")}
    if not shares:
        return None
    dear = [f"{name} {share:.2f}" for (name, _), share in shares.items() if share >= 1.6]
    line = "five sizes for less than 1.6 times the largest: "
    return line + (f"**NOT met**: {', '.join(dear)}" if dear else f"met, highest {max(shares.values()):.2f}")


def memory(figures, cases):
    found = {case: (figures.peak_kib(*case, "sharp"), figures.peak_kib(*case, "ours")) for case in cases}
    return verdict("a quarter of sharp's memory: at least 4 times less (whole process)",
                   {case: sharp / ours for case, (sharp, ours) in found.items() if sharp and ours}, 4.0)


def huge(figures):
    for name in ("huge.jpg", "huge.png"):
        peak = figures.peak_kib(name, "512", "ours") if name in figures.data else None
        if peak:
            word = "met" if peak < 32 * 1024 else "**NOT met**"
            yield f"{name} (20,000 x 20,000) to 512 px in under 32 MB resident: {word}, {peak / 1024:.1f} MB"


def cell(ratio):
    return f"{ratio:.2f}" if ratio else ""


def table(rows):
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    words = 2 if rows[0][1] == "to" else 1
    lines.insert(1, "|" + "---|" * words + "---:|" * (len(rows[0]) - words))
    return lines


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        print(markdown(json.load(file)))
