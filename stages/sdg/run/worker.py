"""A worker process: ``python -m stages.sdg.run.worker CHANNEL PARENT``, started by the pool and by nobody else.

It talks over its own channel, so whatever the renderer prints does no harm; that goes to the worker's log.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection

from stages.common.errors import RenderError, SettingsError, StageError
from stages.sdg.assets.imports.prepare import adopt
from stages.sdg.render.passes import RendererBackend
from stages.sdg.run.frame import make_frame
from stages.sdg.run.messages import Done, Failed, Job, Ready, Refused, Reply, disk_error
from stages.sdg.run.store import write_fragment
from stages.sdg.shards.writer import frame_block

PR_SET_PDEATHSIG = 1
"""From ``linux/prctl.h``: the signal that a process gets when its parent dies."""


def main(channel: Connection, parent: int) -> None:
    """Make frames until told to stop or the parent is gone."""
    _die_with(parent)
    # Ctrl-C reaches the whole process group; the parent decides what happens then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        job: Job = channel.recv()
        adopt(job.settings, job.own)
        start = time.perf_counter()
        try:
            renderer = make_renderer(job)
        except StageError as error:
            channel.send(Refused(error))
            return
        channel.send(Ready(time.perf_counter() - start))
        while (number := channel.recv()) is not None:
            channel.send(_attempt(job, renderer, number))
        renderer.close()
    except (EOFError, BrokenPipeError):
        pass


def make_renderer(job: Job) -> RendererBackend:
    """The renderer that the job's factory makes.

    Raises:
        StageError: as the factory does, above all for an unknown name or a missing package.
    """
    module, _, function = job.factory.partition(":")
    factory: Callable[..., RendererBackend] = getattr(importlib.import_module(module), function)
    return factory(job.settings.renderer.backend, job.settings.renderer)


def _attempt(job: Job, renderer: RendererBackend, number: int) -> Reply:
    try:
        frame = make_frame(job.settings, renderer, number)
        start = time.perf_counter()
        write_fragment(job.work, number, frame.plan, frame_block(number, frame.members))
        frame.seconds["write"] = time.perf_counter() - start
        return Done(number, frame.seconds)
    except RenderError as error:
        return Failed(number, str(error))
    except SettingsError as error:
        return Refused(error)
    except Exception as error:
        traceback.print_exc()
        refusal = disk_error(error, job.work) if isinstance(error, OSError) else None
        return Refused(refusal) if refusal else Failed(number, f"{type(error).__name__}: {error}")


def _die_with(parent: int) -> None:
    """See to it that this process does not outlive its parent, not even one that was killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(1)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    main(Connection(int(sys.argv[1])), int(sys.argv[2]))
    # Blender's own clean-up at exit is slow and may crash; nothing is left to be saved.
    sys.stdout.flush()
    os._exit(0)
