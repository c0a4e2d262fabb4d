"""The process that serves a bundle: socket, start-up line, signals."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import threading
import time

from stages.common.errors import ServiceError
from stages.deploy.bundle import Bundle

DRAIN_SECONDS = 25
"""Time for requests under way after SIGTERM; SageMaker kills a container 30 s after it."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt (glibc's malloc.h)."""

KEPT_BYTES = 32 * 2**20
"""Free memory that a thread keeps, and from which on an allocation goes back at once; the largest threshold that glibc
takes."""


def serve(bundle: Bundle, host: str, port: int, threads: int, client_timeout: float, follow: int | None) -> None:
    """Serve until SIGTERM or Ctrl-C, then answer what has come in and return.

    Prints one line once it is ready: model, input, classes, and the address.

    Args:
        bundle: checked.
        host: address to listen on.
        port: 0 takes a free one.
        threads: inference threads; 0 means one per core that this process may use.
        client_timeout: seconds that a client may take to send a request.
        follow: process id of a parent to end with.

    Raises:
        ServiceError: when the address cannot be listened on.
        InputError: when the model cannot be loaded.
    """
    import uvicorn

    from stages.deploy.app import make_app
    from stages.deploy.inference import Inference
    from stages.deploy.protocol import impatient

    _keep_memory()
    inference = Inference(bundle, threads or _cores())
    config = uvicorn.Config(
        make_app(inference, bundle.settings.serving, client_timeout),
        http=impatient(client_timeout),
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    with _listen(host, port) as listener:
        # uvicorn raises the signal again when it is done; the exit then is an ordinary one
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        if follow is not None:
            threading.Thread(target=_end_with, args=(follow,), daemon=True).start()
        print(_ready(bundle, host, listener.getsockname()[1]), flush=True)
        uvicorn.Server(config).run(sockets=[listener])


def _keep_memory() -> None:
    """Keep what a picture needed for the next one.

    glibc gives a thread's pages back as soon as the picture is done, and the kernel clears them anew for the next: that
    took up to 7 % of a request's processor time. Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)


def _cores() -> int:
    """Cores that this process may use; not every system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
        # connections inherit it; asyncio sets it only on sockets that were made for TCP by name, which this one is not,
        # and without it an answer's second packet waits for the client's delayed acknowledgement, 40 ms
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, OverflowError) as error:
        # a name that cannot be looked up has a number below 0, a port that is none has none
        number = getattr(error, "errno", None) or 0
        reason = os.strerror(number) if number > 0 else "no such port" if number == 0 else "no such address"
        raise ServiceError(
            f"cannot listen on {host} port {port} ({reason}): choose another one, or 0 for any that is free"
        ) from error


def _ready(bundle: Bundle, host: str, port: int) -> str:
    width, height = bundle.settings.input_size
    at = f"[{host}]" if ":" in host else host
    return f"serving {bundle.model} ({width}x{height}, {len(bundle.settings.names)} classes) on http://{at}:{port}"


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
