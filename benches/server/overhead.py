"""What a job costs over its pixel work, over HTTP.

Uploads images of two sizes over kept connections, each request waiting for its finished job, and compares the
server's processor time a job with the pixel work that the job itself reports. Processor time is what counts for
throughput; the median latency of one connection is beside it, with what the disk's fsync takes of it.
"""

import argparse
import http.client
import json
import os
import pathlib
import random
import re
import signal
import statistics
import struct
import subprocess
import tempfile
import threading
import time
import zlib

TICKS = os.sysconf("SC_CLK_TCK")


def photo(width, height, seed):
    """A PNG with soft structure and some noise; no two seeds alike."""
    noise = random.Random(seed).randbytes(width * 3)
    rows = bytearray()
    for y in range(height):
        row = bytes((x * 255 // (width * 3) + y + (noise[x] & 7)) & 255 for x in range(width * 3)) if y % 16 == 0 else row
        rows += b"\0" + row
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def processor_seconds(pid):
    """User and system time of a process so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def fsync_milliseconds(folder):
    """The median of a small write made durable."""
    times = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(15):
            file.write(b"x" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - began) * 1e3)
    return statistics.median(times)


def submit(connection, body):
    """One image; its finished job and the latency in milliseconds."""
    began = time.perf_counter()
    headers = {"Content-Type": "image/png", "Prefer": "wait=60"}
    connection.request("POST", "/v1/jobs?op=thumbnail&width=128&height=128&cache=false", body, headers)
    job = json.loads(connection.getresponse().read())
    assert job["state"] == "succeeded", job
    return job, (time.perf_counter() - began) * 1e3


def load(address, pid, images, connections):
    """Puts the images through. Gives seconds, processor milliseconds a job, work milliseconds a job, latencies."""
    jobs, latencies, queue = [], [], list(images)

    def work():
        connection = http.client.HTTPConnection(address)
        while True:
            try:
                body = queue.pop()
            except IndexError:
                return
            job, latency = submit(connection, body)
            jobs.append(job)
            latencies.append(latency)

    before, began = processor_seconds(pid), time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    processor = (processor_seconds(pid) - before) * 1e3 / len(jobs)
    work_ms = statistics.mean(job["attempts"][-1]["timings"]["work_us"] for job in jobs) / 1e3
    return seconds, processor, work_ms, latencies


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--darkroom", required=True, help="the release binary")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".") as folder:
        command = [os.path.abspath(args.darkroom), "serve", "--listen", "127.0.0.1:0", "--data-dir", folder]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        address = re.search(r"http://(\S+)", server.stdout.readline()).group(1)
        print(f"fsync {fsync_milliseconds(folder):.2f} ms; a job makes seven durable steps, some at the same time\n")
        print(f"{'image':<16}{'connections':>12}{'jobs/s':>9}{'cpu ms/job':>12}{'work ms':>9}{'over ms':>9}{'over %':>8}{'p50 ms':>9}")
        for name, size, count in [("100 kilopixels", (400, 250), 400), ("12 megapixels", (4_000, 3_000), 24)]:
            distinct = [photo(*size, seed) for seed in range(min(count, 8))]
            for connections in (1, 8):
                # The decoder ignores what follows the end of a PNG; it makes every upload a blob of its own.
                images = [distinct[n % len(distinct)] + f"{connections}-{n}".encode() for n in range(count)]
                seconds, processor, work, latencies = load(address, server.pid, images, connections)
                over = processor - work
                print(f"{name:<16}{connections:>12}{count / seconds:>9.0f}{processor:>12.2f}{work:>9.2f}{over:>9.2f}{100 * over / work:>8.1f}{statistics.median(latencies):>9.1f}", flush=True)
        server.send_signal(signal.SIGTERM)
        server.wait(30)


if __name__ == "__main__":
    main()
