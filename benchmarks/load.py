"""Clients of a detection service that come back as soon as they are answered."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO


@dataclass(frozen=True)
class Body:
    """What a server is sent."""

    content: bytes
    content_type: str
    path: str = "/invocations"


@dataclass
class Load:
    """What became of the requests.

    Attributes:
        latencies: seconds from a request that was answered 200 to its answer, without those that were refused before.
        waits: the same from the first try on, with the pauses that the server asked for.
        statuses: of all tries.
        seconds: from the first request to the last answer.
    """

    latencies: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0


def so_many(requests: int) -> Callable[[], bool]:
    """True for that many calls."""
    numbers = itertools.count()
    return lambda: next(numbers) < requests


def for_seconds(seconds: float) -> Callable[[], bool]:
    """True for so long."""
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() < end


def load(port: int, body: Body, clients: int, more: Callable[[], bool]) -> Load:
    """Requests of so many clients on open connections.

    A client that is answered 503 waits for as long as Retry-After says and tries again.

    Args:
        port: of the server.
        body: that all send.
        clients: at a time.
        more: whether a client shall send another one; also asked before one that was refused is sent again.
    """
    done, lock = Load(), threading.Lock()
    message = request_of(body)

    def client() -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = connection.makefile("rb")
            first: float | None = None
            while more():
                started = time.perf_counter()
                first = first or started
                connection.sendall(message)
                status, pause = one_answer(stream)
                ended = time.perf_counter()
                with lock:
                    done.statuses[status] += 1
                    if status == 200:
                        done.latencies.append(ended - started)
                        done.waits.append(ended - first)
                if status == 503:
                    time.sleep(pause)
                else:
                    first = None

    threads = [threading.Thread(target=client) for _ in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.seconds = time.perf_counter() - started
    return done


def request_of(body: Body, close: bool = False) -> bytes:
    connection = "close" if close else "keep-alive"
    head = (
        f"POST {body.path} HTTP/1.1\r\nHost: x\r\nContent-Type: {body.content_type}\r\nAccept: application/json\r\n"
        f"Content-Length: {len(body.content)}\r\nConnection: {connection}\r\n\r\n"
    )
    return head.encode() + body.content


def one_answer(stream: IO[bytes]) -> tuple[int, float]:
    """Read one answer from a connection that stays open: its status, and the seconds of its Retry-After."""
    status, length, pause, chunked = int(stream.readline()[9:12]), 0, 0.0, False
    while (line := stream.readline().strip().lower()) != b"":
        name, _, value = line.partition(b":")
        if name == b"content-length":
            length = int(value)
        elif name == b"retry-after":
            pause = float(value)
        chunked |= line.startswith(b"transfer-encoding: chunked")
    if chunked:
        while size := int(stream.readline(), 16):
            stream.read(size + 2)
        stream.readline()
    else:
        stream.read(length)
    return status, pause


def answers(port: int, path: str) -> bool:
    """Whether a GET is answered 200."""
    try:
        status, _ = ask(port, b"GET " + path.encode() + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 5)
    except OSError:
        return False
    return status == 200


def ask(port: int, request: bytes, seconds: float) -> tuple[int, bytes]:
    """One request on a connection of its own; status 0 when the server closes without an answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(request)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    answer = b"".join(parts)
    return (int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0), answer
