"""Requests that nobody sends by mistake, and what became of them."""

from __future__ import annotations

import io
import random
import socket
import struct
import threading
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from PIL import Image

PATIENCE = 60.0
"""Seconds for an answer to a request that is whole."""

STALL = 2.0
"""Seconds that ``/ping`` may take (SageMaker's limit)."""


@dataclass
class Outcome:
    """What came of an attack.

    Attributes:
        statuses: by kind of request; 0 where the server closed without an answer.
        pings: seconds of each.
        crashed: whether the process ended.
    """

    statuses: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    pings: list[float] = field(default_factory=list)
    crashed: bool = False

    def mistakes(self) -> list[str]:
        """Sentences about what must not be."""
        found = ["the server ended"] if self.crashed else []
        for kind, statuses in sorted(self.statuses.items()):
            found += [f"{kind}: status {code}" for code in statuses if code >= 500 and code != 503]
        slowest = max(self.pings, default=0.0)
        if slowest > STALL:
            found.append(f"/ping took {slowest:.1f} s")
        return found

    def report(self) -> str:
        """A table."""
        lines = [f"{kind:22} {dict(sorted(statuses.items()))}" for kind, statuses in sorted(self.statuses.items())]
        total = sum(sum(statuses.values()) for statuses in self.statuses.values())
        pings = sorted(self.pings)
        lines.append(f"{total} requests; {len(pings)} pings, slowest {pings[-1] if pings else 0:.2f} s")
        return "\n".join(lines)


def attack(port: int, count: int, rng: random.Random, is_alive: Callable[[], bool], clients: int = 6) -> Outcome:
    """Send ``count`` hostile requests from several clients, and look at ``/ping`` all the while.

    Args:
        port: of the server on this machine.
        count: of the requests.
        rng: that draws them.
        is_alive: whether the server's process runs.
        clients: at a time.
    """
    outcome, lock, done = Outcome(), threading.Lock(), threading.Event()
    wares = Wares()
    seeds = iter([rng.randrange(2**32) for _ in range(count)])

    def client() -> None:
        while is_alive():
            with lock:
                seed = next(seeds, None)
            if seed is None:
                return
            kind, status = one(port, wares, random.Random(seed))
            with lock:
                outcome.statuses[kind][status] += 1

    def watch() -> None:
        while not done.wait(0.1):
            started = time.monotonic()
            status = exchange(port, b"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 30)
            outcome.pings.append(time.monotonic() - started if status == 200 else 30.0)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    watcher = threading.Thread(target=watch)
    for thread in (*threads, watcher):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    watcher.join()
    outcome.crashed = not is_alive()
    return outcome


def one(port: int, wares: Wares, rng: random.Random) -> tuple[str, int]:
    """Draw a kind, send a request of it, and give the status."""
    kinds = list(KINDS)
    kind = rng.choices(kinds, [KINDS[name][1] for name in kinds])[0]
    make = KINDS[kind][0]
    message = make(wares, rng)
    if kind == "slow client":
        return kind, trickle(port, message, rng)
    return kind, exchange(port, message, PATIENCE, half_close=kind == "wrong length")


def exchange(port: int, message: bytes, seconds: float, half_close: bool = False) -> int:
    """Send bytes and read to the end; 0 when no answer came."""
    parts: list[bytes] = []
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
            try:
                connection.sendall(message)
                if half_close:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # refused before all was sent: the answer may be there nevertheless
            while part := connection.recv(65536):
                parts.append(part)
    except OSError:
        pass
    return status_of(b"".join(parts))


def trickle(port: int, message: bytes, rng: random.Random) -> int:
    """Send a request a few bytes at a time, until the server or the client has enough."""
    parts: list[bytes] = []
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            for start in range(0, min(len(message), 400), 20):
                connection.sendall(message[start : start + 20])
                time.sleep(rng.uniform(0.02, 0.25))
            while part := connection.recv(65536):
                parts.append(part)
    except OSError:
        pass
    return status_of(b"".join(parts))


def status_of(answer: bytes) -> int:
    """Of the first answer in some bytes."""
    return int(answer[9:12]) if answer[:5] == b"HTTP/" and answer[9:12].isdigit() else 0


def post(body: bytes, content_type: str = "image/jpeg", length: str | None = None, more: str = "") -> bytes:
    """A request; ``length`` in place of the true one."""
    head = (
        f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nConnection: close\r\n{more}"
        f"Content-Length: {len(body) if length is None else length}\r\n\r\n"
    )
    return head.encode("latin-1") + body


class Wares:
    """Good pictures to spoil, made once."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        pixels = cv2.resize(rng.integers(0, 256, (12, 16, 3), np.uint8), (320, 240))
        self.whole = {suffix: bytes(cv2.imencode(suffix, pixels)[1]) for suffix in (".jpg", ".png", ".webp", ".bmp")}
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "JPEG", progressive=True)
        self.progressive = stream.getvalue()
        self.bombs = [png_of_zeros(6300, 6300), png_of_zeros(16_000, 2400), png_of_zeros(60_000, 60_000, rows=50)]

    def spoilt(self, suffix: str, rng: random.Random) -> bytes:
        """A picture with bytes changed, cut, repeated or moved."""
        data = bytearray(self.whole[suffix])
        for _ in range(rng.choice((1, 2, 8, 64))):
            place = rng.randrange(len(data))
            match rng.randrange(4):
                case 0:
                    data[place] = rng.randrange(256)
                case 1:
                    del data[place : place + rng.randrange(1, 200)]
                case 2:
                    data[place:place] = data[place : place + rng.randrange(1, 200)]
                case _:
                    data[place : place + 2] = struct.pack(">H", rng.choice((0, 1, 0x7FFF, 0xFFFF)))
            if len(data) < 4:
                break
        return bytes(data)


def png_of_zeros(width: int, height: int, rows: int | None = None) -> bytes:
    """A small file of very many black pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    packer = zlib.compressobj(9)
    line = bytes(1 + width)
    packed = b"".join(packer.compress(line) for _ in range(rows or height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def text_bomb(_wares: Wares, rng: random.Random) -> bytes:
    """A PNG with a comment of a hundred megabytes."""
    content = b"Comment\0\0" + zlib.compress(bytes(rng.choice((10, 100)) * 2**20), 9)
    chunk = struct.pack(">I", len(content)) + b"zTXt" + content + struct.pack(">I", zlib.crc32(b"zTXt" + content))
    good = png_of_zeros(64, 64)
    return post(good[:33] + chunk + good[33:], "image/png")


def fuzzed(suffix: str) -> Callable[[Wares, random.Random], bytes]:
    return lambda wares, rng: post(wares.spoilt(suffix, rng), "application/octet-stream")


def bomb(wares: Wares, rng: random.Random) -> bytes:
    return post(rng.choice(wares.bombs), "image/png")


def scans(wares: Wares, rng: random.Random) -> bytes:
    """A progressive JPEG whose last scan comes thousands of times, in a frame of many pixels."""
    data = bytearray(wares.progressive)
    frame = data.index(b"\xff\xc2")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 6000, 6000)
    last = bytes(data[data.rindex(b"\xff\xda") : -2])
    return post(bytes(data[:-2]) + rng.choice((50, 99, 5000)) * last + bytes(data[-2:]))


def huge_frame(wares: Wares, rng: random.Random) -> bytes:
    """A small JPEG that says it is large."""
    data = bytearray(wares.whole[".jpg"])
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", rng.choice((1, 0, 6000, 65_535)), rng.choice((1, 6000, 65_535)))
    return post(bytes(data))


def polyglot(wares: Wares, rng: random.Random) -> bytes:
    """A picture that is something else as well."""
    picture = wares.whole[rng.choice((".jpg", ".png", ".bmp"))]
    other = rng.choice(
        (
            b"<script>alert(1)</script>",
            b"PK\x03\x04" + bytes(30),
            b"%PDF-1.7\n",
            b"GIF89a" + bytes(8),
            b"\x7fELF",
            b"<svg/>",
        )
    )
    body = rng.choice((picture + other, other + picture, picture[: len(picture) // 2] + other, other * 50))
    return post(body, rng.choice(("image/jpeg", "image/png", "image/gif", "text/html", "application/json", "")))


def wrong_length(wares: Wares, rng: random.Random) -> bytes:
    body = wares.whole[".jpg"]
    length = rng.choice(
        (str(len(body) + 100), str(len(body) - 100), "0", "-1", "1e9", "99999999999", "abc", "5, 6", "0x10")
    )
    return post(body, length=length)


def wrong_framing(wares: Wares, rng: random.Random) -> bytes:
    """HTTP that is none, or means two things."""
    body = wares.whole[".jpg"]
    return rng.choice(
        (
            post(body, more="Transfer-Encoding: chunked\r\n"),
            post(body, more="Content-Length: 3\r\n"),
            b"POST /invocations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
            b"POST /invocations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\nabc\r\n0\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(200),
            b"GET /\r\n\r\n",
            rng.randbytes(500) + b"\r\n\r\n",
            b"POST /invocations HTTP/1.1\r\nHost: x\r\n" + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
            b"POST /invocations HTTP/1.1\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
            b"POST /invocations HTTP/9.9\r\nHost: x\r\n\r\n",
            post(body, more="X-Amzn-SageMaker-Custom-Attributes: threshold=\xff\r\n"),
            post(body, more="Accept: " + "*/*;q=" + "9" * 5000 + "\r\n"),
            post(body, more="Expect: 200-ok\r\n"),
            post(b"", "image/jpeg"),
        )
    )


def noise(_wares: Wares, rng: random.Random) -> bytes:
    return post(
        rng.choice((b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"BM", b"RIFF")) + rng.randbytes(rng.randrange(1, 4000))
    )


def slow(wares: Wares, _rng: random.Random) -> bytes:
    return post(wares.whole[".jpg"])


KINDS: dict[str, tuple[Callable[[Wares, random.Random], bytes], float]] = {
    "fuzzed JPEG": (fuzzed(".jpg"), 30),
    "fuzzed PNG": (fuzzed(".png"), 15),
    "fuzzed WebP": (fuzzed(".webp"), 10),
    "fuzzed BMP": (fuzzed(".bmp"), 5),
    "PNG bomb": (bomb, 1),
    "PNG text bomb": (text_bomb, 1),
    "JPEG of many scans": (scans, 1),
    "JPEG of a huge frame": (huge_frame, 5),
    "polyglot": (polyglot, 10),
    "wrong length": (wrong_length, 8),
    "wrong framing": (wrong_framing, 8),
    "noise": (noise, 5),
    "slow client": (slow, 1),
}
"""Makers of requests, with how often they are drawn."""
