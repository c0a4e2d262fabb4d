"""A renderer in microseconds that can be told to misbehave, and folders to expect of it.

``FAULTS`` in the environment holds JSON: what happens to a frame, by its number.
"""

from __future__ import annotations

import ctypes
import functools
import json
import os
import signal
import time
from pathlib import Path

import numpy as np

from stages.common.errors import MissingDependencyError, RenderError
from stages.common.settings import Settings
from stages.common.settings.pictures import Renderer
from stages.sdg.plan.types import FramePlan
from stages.sdg.render.passes import Amodal, Passes
from stages.sdg.run.frame import Frame, make_frame
from stages.sdg.shards.manifest import layout
from stages.sdg.shards.writer import frame_block, write_shard
from tests.settings import compose

FACTORY = "tests.sdg.run.flat:create"


class Flat:
    """Every labelled thing is an upright bar; the light is noise that depends on the plan alone."""

    def render(self, plan: FramePlan, *, normals: bool = False) -> Passes:
        misbehave(plan.frame)
        shape = (plan.camera.height, plan.camera.width)
        instance = np.zeros(shape, np.uint16)
        amodal = {}
        for place, item in enumerate(item for item in plan.placements if item.label):
            left = 2 + 9 * place
            instance[20:60, left : left + 8] = item.id
            amodal[item.id] = Amodal(320, 320, (left, 20, left + 8, 60))
        linear = np.random.default_rng(plan.frame).random((*shape, 3), np.float32)
        normal = np.full((*shape, 3), (0, 0, 1), np.float32) if normals else None
        return Passes(linear, instance, np.full(shape, 3, np.float32), amodal, normal, {"render": 0.0})

    def save_scene(self, plan: FramePlan, path: str) -> None:
        Path(path).write_text(f"scene of frame {plan.frame}")

    def close(self) -> None:
        pass


def create(name: str, settings: Renderer) -> Flat:
    match os.environ.get("START"):
        case "missing":
            raise MissingDependencyError("a library is missing; install it")
        case "crash":
            print("cannot open the display", flush=True)
            os.kill(os.getpid(), signal.SIGABRT)
    return Flat()


def misbehave(frame: int) -> None:
    if record := os.environ.get("RECORD"):
        with open(record, "a") as stream:
            stream.write(f"{os.getpid()} {frame}\n")
    time.sleep(float(os.environ.get("DELAY", "0")))
    match json.loads(os.environ.get("FAULTS", "{}")).get(str(frame)):
        case "crash":
            print("about to crash", flush=True)
            ctypes.string_at(0)
        case "crash once":
            once(frame)
        case "hang":
            time.sleep(1000)
        case "refuse":
            raise RenderError(f"frame {frame} is too hard; take another")
        case "bug":
            raise ZeroDivisionError("1 / 0")
        case "noise":
            os.write(1, b"Fra:1 Mem:40M\r\x1b[2K" * 5000)


def once(frame: int) -> None:
    marker = Path(os.environ["RECORD"]).with_name(f"crashed-{frame}")
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def settings(count: int = 6, test_count: int = 1, shard_size: int = 4, workers: int = 1, **runtime: float) -> Settings:
    """The tiny data set in another size."""
    return resized(compose(), count=count, test_count=test_count, shard_size=shard_size, workers=workers, **runtime)


def resized(base: Settings, **changes: float) -> Settings:
    """Settings with other numbers in ``dataset.frames`` or ``renderer.runtime``, whichever has that name."""
    frames, runtime = base.dataset.frames, base.renderer.runtime
    sizes = {name: value for name, value in changes.items() if name in type(frames).model_fields}
    running = {name: value for name, value in changes.items() if name not in sizes}
    dataset = base.dataset.model_copy(update={"frames": frames.model_copy(update=sizes)})
    renderer = base.renderer.model_copy(update={"runtime": runtime.model_copy(update=running)})
    return base.model_copy(update={"dataset": dataset, "renderer": renderer})


@functools.cache
def frame(number: int) -> Frame:
    return make_frame(settings(), Flat(), number)


def expected(wanted: Settings, place: Path) -> dict[str, bytes]:
    """Shards and plans of a run, made one by one in this process; by path in the folder."""
    frames = wanted.dataset.frames
    spans = layout(frames.count, frames.test_count, frames.shard_size)
    files = {}
    for span in spans:
        path = place / f"{span.name}.tar"
        write_shard(path, [frame_block(number, frame(number).members) for number in span.numbers])
        files[f"shards/{span.name}.tar"] = path.read_bytes()
    lines = [f"{frame(number).plan}\n" for span in spans for number in span.numbers]
    return files | {"plan.jsonl": "".join(lines).encode()}


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a folder by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
