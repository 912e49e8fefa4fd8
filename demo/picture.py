"""Draws what `./x demo` prints as docs/demo.svg: `./x demo | python3 demo/picture.py`."""

import html
import pathlib
import re
import sys

# The table is longer than a picture should be: so many rows of it are shown.
ROWS = 9
LINE, CHARACTER, MARGIN = 19, 8.43, 18
COLOURS = {"plain": "#d7dde5", "dim": "#8792a2", "bright": "#7ee2a8", "error": "#ffb86b"}


def main():
    lines = ["$ ./x demo", ""] + shorter(sys.stdin.read().splitlines())
    width = MARGIN * 2 + CHARACTER * max(map(len, lines))
    height = MARGIN * 2 + LINE * len(lines)
    texts = "\n".join(text(number, line) for number, line in enumerate(lines))
    pathlib.Path("docs/demo.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}"'
        f' height="{height}" role="img" aria-label="What ./x demo prints">\n'
        f'<rect width="100%" height="100%" rx="10" fill="#161b22"/>\n'
        f'<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14">\n{texts}\n</g>\n</svg>\n'
    )


def shorter(lines):
    """Without what the build says, and with the first rows of the table only."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    lines = [line for line in lines if not line.startswith("==>")]
    rows = [at for at, line in enumerate(lines) if re.match(r"\S+\.(png|jpg|gif|tif)\s", line)]
    shown = lines[: rows[ROWS - 1] + 1] + [f"… {len(rows) - ROWS} more"] + lines[rows[-1] + 1 :]
    return "\n".join(shown).strip().splitlines()


def text(number, line):
    y = MARGIN + LINE * number + 14
    return f'<text x="{MARGIN}" y="{y}" fill="{COLOURS[kind(line)]}" xml:space="preserve">{html.escape(line)}</text>'


def kind(line):
    if line.startswith("$") or "median" in line:
        return "bright"
    if line.startswith("and a file"):
        return "error"
    return "dim" if line.startswith(("photograph", "…", "Look")) else "plain"


if __name__ == "__main__":
    main()
