"""How fast a data set goes to object storage: as a channel, file by file, and by ``aws s3 sync``.

    python -m benchmarks.channel_upload --frames 20000 --aws PATH/TO/aws

A local S3 server (``rclone serve s3``) is reached through a proxy that adds 20 ms to each answer. Server, proxy,
channel and ``aws`` are processes of their own, start-up included, in an order that turns from round to round.
``put_object`` for each file is measured on a sample and multiplied, since all of it takes a quarter of an hour; so is
the same with eight at a time. ``aws s3 sync`` gets the tars that the channel consists of, so packing counts for the
channel alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
import numpy as np

from benchmarks.channel_push import SHARD_BYTES
from stages.common.aws.objects import WORKERS
from stages.common.channel import digest, pack
from stages.common.sums import Sums
from stages.push.channel import SUMS
from tests.push.conftest import KEY, SECRET, free_port, serve_s3

REPOSITORY = Path(__file__).resolve().parents[1]
FRAME, LABEL = 60_000, 80
BUCKET = "bench"
PACKED, FIRST = "channel, tars packed, sums known", "channel, from nothing"


def write_tree(folder: Path, frames: int) -> Path:
    """A YOLO tree of random bytes, which no transfer can compress."""
    rng = np.random.default_rng(0)
    for kind in ("images", "labels"):
        (folder / kind / "train").mkdir(parents=True)
    for number in range(frames):
        (folder / f"images/train/{number:06d}.jpg").write_bytes(rng.bytes(FRAME))
        (folder / f"labels/train/{number:06d}.txt").write_text("0 0.5 0.5 0.1 0.1\n" * (LABEL // 18))
    (folder / "data.yaml").write_text("train: images/train\nval: images/train\nnames: [pallet]\n")
    return folder


class Delay:
    """A TCP proxy that holds everything back for half of the added round trip, each way."""

    def __init__(self, port: int, target: int, seconds: float) -> None:
        self._port, self._target, self._half = port, target, seconds / 2

    def run(self, ready: Any) -> None:
        """Serve until the process is ended; ``ready`` is an event of :mod:`multiprocessing`."""
        asyncio.run(self._serve(ready))

    async def _serve(self, ready: Any) -> None:
        server = await asyncio.start_server(self._connect, "127.0.0.1", self._port, limit=1 << 20)
        ready.set()
        async with server:
            await server.serve_forever()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target, limit=1 << 20)
        await asyncio.gather(self._pass_on(reader, far_writer), self._pass_on(far_reader, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)

        async def deliver() -> None:
            while True:
                due, data = await held.get()
                await asyncio.sleep(max(due - time.monotonic(), 0))
                if not data:
                    writer.close()
                    return
                writer.write(data)
                await writer.drain()

        task = asyncio.create_task(deliver())
        try:
            while data := await reader.read(1 << 18):
                await held.put((time.monotonic() + self._half, data))
        except ConnectionError:
            pass
        await held.put((time.monotonic() + self._half, b""))
        with suppress(ConnectionError):
            await task


@contextmanager
def served(folder: Path, latency: float) -> Iterator[str]:
    """An S3 server in ``folder``; gives the address of the slow way to it."""
    with serve_s3(folder) as server:
        target, port = int(server.endpoint.rpartition(":")[2]), free_port()
        spawn = multiprocessing.get_context("spawn")
        ready = spawn.Event()
        proxy = spawn.Process(target=Delay(port, target, latency).run, args=(ready,), daemon=True)
        proxy.start()
        ready.wait()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            proxy.terminate()


def timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


class Bench:
    """All ways, each into a prefix of its own that is emptied afterwards."""

    def __init__(self, tree: Path, work: Path, buckets: Path, endpoint: str, aws: str) -> None:
        self.tree, self.work, self.buckets, self.endpoint, self.aws = tree, work, buckets, endpoint, aws
        self.client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
        self.client.create_bucket(Bucket=BUCKET)
        self.files = sorted(path for path in tree.rglob("*") if path.is_file())
        self.calls: list[str] = []
        self.turn = 0
        self.sum = digest(tree)

    def next_turn(self) -> None:
        """Make room, and go on under another prefix: the server remembers what was in a folder."""
        for folder in (self.buckets / BUCKET).iterdir():
            shutil.rmtree(folder)
        self.turn += 1

    def by_file(self, sample: int, threads: int) -> float:
        """Seconds for all files, from those for some."""
        chosen = self.files[:: max(len(self.files) // sample, 1)][:sample]

        def put(path: Path) -> None:
            self.client.put_object(Bucket=BUCKET, Key=f"files/{path.relative_to(self.tree)}", Body=path.read_bytes())

        with ThreadPoolExecutor(threads) as pool:
            return timed(lambda: list(pool.map(put, chosen))) * len(self.files) / len(chosen)

    def channel(self) -> float:
        """What is to be done: the sum of the data set, packing, sending."""
        where = [str(self.tree), str(self.work / "cache"), BUCKET, f"turn-{self.turn}", self.endpoint]
        command = [sys.executable, "-m", "benchmarks.channel_push", *where]

        def push() -> None:
            self.calls = json.loads(subprocess.run(command, check=True, capture_output=True, cwd=REPOSITORY).stdout)

        return timed(push)

    def channel_first(self) -> float:
        """The same when no file's sum is known yet."""
        (self.work / "cache" / SUMS).unlink(missing_ok=True)
        return self.channel()

    def channel_packed(self) -> float:
        """With tars that are there already, as ``aws s3 sync`` has them, and known sums: after an interruption."""
        self._known()
        self._pack()
        return self.channel()

    def channel_packed_first(self) -> float:
        """With tars that are there already, but every file of the data set is read for its sum."""
        self._pack()
        return self.channel_first()

    def _known(self) -> None:
        sums = Sums(self.work / "cache" / SUMS, self.tree)
        digest(self.tree, sums.of)
        sums.save()

    def _pack(self) -> None:
        shutil.copytree(self.work / "shards", self.work / "cache" / self.sum, copy_function=os.link)

    def sync(self) -> float:
        """``aws s3 sync`` of the tars, by its own defaults."""
        command = [
            self.aws,
            "s3",
            "sync",
            str(self.work / "shards"),
            f"s3://{BUCKET}/turn-{self.turn}",
            "--no-progress",
            "--quiet",
        ]
        return timed(lambda: subprocess.run([*command, "--endpoint-url", self.endpoint], check=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--sample", type=int, default=1000, help="files that are put one by one")
    parser.add_argument("--latency", type=float, default=0.02, help="seconds that are added to each answer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--aws", default="aws", help="the AWS command line")
    args = parser.parse_args()
    os.environ.update(AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=SECRET, AWS_DEFAULT_REGION="us-east-1")
    os.environ.update(AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE=os.devnull)
    with tempfile.TemporaryDirectory() as folder:
        work, buckets = Path(folder, "work"), Path(folder, "buckets")
        buckets.mkdir()
        tree = write_tree(work / "tree", args.frames)
        pack(tree, work / "shards", SHARD_BYTES)
        with served(buckets, args.latency) as endpoint:
            bench = Bench(tree, work, buckets, endpoint, args.aws)
            rows: dict[str, list[float]] = {}
            ways = [
                (PACKED, bench.channel_packed),
                ("aws s3 sync of the same tars", bench.sync),
                ("channel, tars packed, all sums made anew", bench.channel_packed_first),
                (FIRST, bench.channel_first),
            ]
            for number in range(args.rounds):  # in turns, so that a busy moment strikes all
                for name, way in ways if number % 2 == 0 else ways[::-1]:
                    rows.setdefault(name, []).append(way())
                    print(f"{name:<44} {rows[name][-1]:9.2f} s   load {os.getloadavg()[0]:.1f}", flush=True)
                    if name == FIRST:
                        rows.setdefault("channel again, unchanged", []).append(bench.channel())
                        requests = list(bench.calls)
                    bench.next_turn()
            rows["put_object a file (sample)"] = [bench.by_file(args.sample, 1)]
            rows[f"put_object a file, {WORKERS} at a time (sample)"] = [bench.by_file(args.sample, WORKERS)]
            tars = len(list((work / "shards").glob("*.tar")))
    print(f"{args.frames} frames, {len(bench.files)} files, {tars} tars, {args.latency * 1000:g} ms added")
    for name, seconds in rows.items():
        spread = ", ".join(f"{value:.2f}" for value in seconds)
        print(f"{name:<44} {statistics.median(seconds):9.2f} s   ({spread})")
    print(json.dumps({"requests of an unchanged push": requests, "load": os.getloadavg()}))


if __name__ == "__main__":
    main()
