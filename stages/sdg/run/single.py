"""One frame again, alone, in this process."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stages.common.errors import InputError
from stages.common.files import atomic_write
from stages.common.settings import Settings
from stages.sdg.plan.planner import plan_frame
from stages.sdg.preview import draw_frame, write_jpeg
from stages.sdg.run.crew import resolved
from stages.sdg.run.frame import describe_plan, make_frame
from stages.sdg.run.job import FACTORY
from stages.sdg.run.key import content_key
from stages.sdg.run.messages import Job
from stages.sdg.run.worker import make_renderer
from stages.sdg.shards.manifest import read_manifest, shard_path
from stages.sdg.shards.reader import ShardFrame, read_blocks
from stages.sdg.shards.records import label_from_json
from stages.sdg.shards.writer import frame_block, frame_name

PLACE = Path("runs/frames")
"""Where single frames go when nothing is said."""


@dataclass(frozen=True)
class Single:
    """What rendering one frame gave.

    Attributes:
        out: folder with its files.
        plan: in one line.
        same: whether the shards hold the same bytes; None when they hold no such frame, or one that other settings or
            sources made.
    """

    out: Path
    plan: str
    same: bool | None

    def summary(self) -> str:
        """The command's last line."""
        compared = {True: "; the same bytes as in its shard", False: "; NOT the bytes of its shard", None: ""}
        return f"{self.out}: {self.plan}{compared[self.same]}"


def render_one(
    settings: Settings,
    number: int,
    folder: Path,
    *,
    out: Path | None = None,
    scene: Path | None = None,
    factory: str = FACTORY,
) -> Single:
    """Render one frame as the stage would, without touching the shards.

    Args:
        settings: of the pipeline.
        number: of the frame; it need not be one that the settings ask for.
        folder: frames to compare with.
        out: folder for the frame's members, its plan and the picture with its labels drawn; below ``runs/frames`` when
            left out.
        scene: file for the scene in the renderer's own format.
        factory: as for :func:`stages.sdg.run.job.render_frames`.

    Raises:
        RenderError: when the frame cannot be rendered, or the renderer has no scene files.
        SettingsError: when a scenario, asset or renderer is not registered.
    """
    place = out or PLACE / frame_name(number)
    filled = resolved(settings)
    plan = plan_frame(filled, number)
    with _stdout_as_stderr():
        renderer = make_renderer(Job(filled, place, factory))
        if scene is not None:
            scene.parent.mkdir(parents=True, exist_ok=True)
            renderer.save_scene(plan, str(scene.absolute()))
        frame = make_frame(filled, renderer, number)
        renderer.close()
    for suffix, data in {**frame.members, "plan.json": f"{frame.plan}\n".encode()}.items():
        with atomic_write(place / f"{frame_name(number)}.{suffix}", "wb") as stream:
            stream.write(data)
    drawn = draw_frame(ShardFrame(label_from_json(frame.members["json"]), frame.members), settings.scene.classes)
    write_jpeg(place / f"{frame_name(number)}.labels.jpg", drawn)
    stored = _stored(folder, content_key(settings), number)
    same = None if stored is None else stored == frame_block(number, frame.members)
    return Single(place, describe_plan(plan), same)


def _stored(folder: Path, key: str, number: int) -> bytes | None:
    """The frame's tar entries in the shards of ``folder``, if they are there and of this key."""
    try:
        manifest = read_manifest(folder)
        for shard in manifest.shards if manifest.key == key else ():
            if number in shard.numbers:
                return dict(read_blocks(shard_path(folder, shard), shard))[number]
    except (InputError, FileNotFoundError):
        pass
    return None


@contextmanager
def _stdout_as_stderr() -> Iterator[None]:
    """Send what is written to file descriptor 1 to standard error: Blender writes there past Python."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
