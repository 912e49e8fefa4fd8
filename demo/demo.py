"""The demo: real photographs through Darkroom, over HTTP and from the command line, and a contact sheet to look at.

Standard library only. Exits 1 if any photograph does not come back as it should.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
import uuid

from sheet import write_sheet

# The model that says what is in a photograph.
MODEL = "efficientnet-lite0"

# One upload, one job, three results.
OPERATIONS = [
    {"op": "thumbnail", "width": 480, "height": 480, "name": "fit"},
    {"op": "thumbnail", "width": 160, "height": 160, "mode": "fill", "gravity": "smart", "format": "webp", "name": "square"},
    {"op": "classify", "model": MODEL, "top": 1},
]


class Server:
    """`darkroom serve` on a free port, stopped on leaving."""

    def __init__(self, binary, data_dir, models):
        self.command = [binary, "serve", "--listen", "127.0.0.1:0", "--data-dir", str(data_dir)]
        self.command += ["--set", f"models.dir={models / 'models'}", "--set", f"models.runtime={models / 'runtime'}"]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self.process.stdout:
            if found := re.search(r"http://[\d.]+:\d+", line):
                self.url = found.group()
                return self
        sys.exit(f"the server did not start: exit code {self.process.wait()}")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.stdout.read()
        if code := self.process.wait(timeout=30):
            sys.exit(f"the server stopped with exit code {code}")

    def request(self, path, body=None, headers=None):
        request = urllib.request.Request(self.url + path, data=body, headers=headers or {})
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.read()

    def submit(self, photo):
        """Uploads one photo, waits for it, and gives the finished job with its wall time in milliseconds."""
        boundary = uuid.uuid4().hex
        parts = [
            (f'name="operations"\r\nContent-Type: application/json', json.dumps(OPERATIONS).encode()),
            (f'name="image"; filename="{photo.name}"\r\nContent-Type: application/octet-stream', photo.read_bytes()),
        ]
        body = b"".join(
            f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"
            for head, content in parts
        ) + f"--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Prefer": "wait=30"}
        started = time.perf_counter()
        job = json.loads(self.request("/v1/jobs", body, headers))
        return job, (time.perf_counter() - started) * 1000


def over_http(server, photos, out):
    """Each photo as an upload. Gives a row a photo for the table and the sheet."""
    rows = []
    for photo in photos:
        job, milliseconds = server.submit(photo)
        if job["state"] != "succeeded":
            sys.exit(f"{photo.name}: {job['state']}: {job['failure']}")
        files = []
        for artifact in (a for result in job["results"] for a in result["artifacts"]):
            path = out / f"{photo.stem}-{artifact['name']}"
            path.write_bytes(server.request(artifact["url"]))
            files.append(path)
        rows.append({
            "name": photo.name,
            "bytes": photo.stat().st_size,
            "label": label(job["results"][2]["document"]["labels"][0]),
            "size": "{width} × {height}".format(**job["results"][0]["document"]),
            "result_bytes": files[0].stat().st_size,
            "work": job["attempts"][-1]["timings"]["work_us"] / 1000,
            "total": milliseconds,
            "files": [path.relative_to(out.parent) for path in files],
        })
    return rows


def label(found):
    """A label with how sure the model is; a model of a thousand things knows only those."""
    return f"{found['label'].replace('_', ' ')} {found['score']:.0%}"


def broken_file(server):
    """What a client is told about a file that is no image."""
    request = urllib.request.Request(
        f"{server.url}/v1/jobs?op=thumbnail&width=100&wait=10",
        data=b"These are not pixels.",
        headers={"Content-Type": "image/jpeg"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            job = json.loads(response.read())
            return f"{response.status} {job['state']}: {(job['failure'] or {}).get('message')}"
    except urllib.error.HTTPError as error:
        problem = json.loads(error.read())
        return f"{error.code} {problem['code']}: {problem['detail']}"


def from_the_command_line(binary, photos, data_dir, out):
    """The same folder through `darkroom run`. Gives its rows and its wall time in seconds."""
    command = [binary, "run", "thumbnail", "--width", "512", "--height", "512", "--data-dir", str(data_dir), "--out", str(out), str(photos)]
    started = time.perf_counter()
    finished = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    seconds = time.perf_counter() - started
    if finished.returncode:
        sys.exit(f"`darkroom run` ended with exit code {finished.returncode}")
    return [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()], seconds


def print_table(rows):
    head = ("photograph", "bytes", "thumbnail", "bytes", "work ms", "in all ms", "what it looks like")
    print("{:<26}{:>10}  {:>12}{:>9}{:>9}{:>11}  {}".format(*head))
    for row in rows:
        print("{name:<26}{bytes:>10,}  {size:>12}{result_bytes:>9,}{work:>9.1f}{total:>11.1f}  {label}".format(**row))
    times = sorted(row["total"] for row in rows)
    print(f"{len(rows)} photographs, median {times[len(times) // 2]:.1f} ms from upload to result")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--darkroom", required=True, help="the binary")
    parser.add_argument("--photos", required=True, type=pathlib.Path, help="a folder of photographs")
    parser.add_argument("--models", required=True, type=pathlib.Path, help="the data folder of `darkroom models fetch`")
    parser.add_argument("--out", required=True, type=pathlib.Path, help="where results go")
    args = parser.parse_args()

    shutil.rmtree(args.out, ignore_errors=True)
    thumbnails = args.out / "http"
    thumbnails.mkdir(parents=True)
    photos = sorted(p for p in args.photos.iterdir() if p.suffix in {".jpg", ".png", ".gif", ".tif"})

    print(f"\n{len(photos)} photographs over HTTP, each for two thumbnails and a label:\n")
    with Server(args.darkroom, args.out / "data", args.models) as server:
        rows = over_http(server, photos, thumbnails)
        print_table(rows)
        print(f"and a file that is no image: {broken_file(server)}")

    print("\nThe same folder with `darkroom run`:\n", flush=True)
    results, seconds = from_the_command_line(args.darkroom, args.photos, args.out / "run-data", args.out / "run")
    print(f"{len(results)} rows in {os.path.relpath(args.out / 'run' / 'results.jsonl')}, {seconds:.2f} s in all")

    sheet = write_sheet(args.out / "index.html", rows)
    print(f"\nLook at them: {os.path.relpath(sheet)}\n")


if __name__ == "__main__":
    main()
