"""The self-check: the same three plans by two renderers, each in worker processes of its own."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np

from stages.common.errors import RenderError
from stages.common.files import atomic_write
from stages.common.settings import Settings
from stages.compose.compose import compose_settings
from stages.sdg.assets.imports.prepare import prepare_all
from stages.sdg.check.compare import Agreement, Side, compare, reasons, table
from stages.sdg.run.crew import resolved
from stages.sdg.run.job import FACTORY
from stages.sdg.run.messages import Done, Job
from stages.sdg.run.pool import Pool
from stages.sdg.run.store import read_fragment
from stages.sdg.shards.records import label_from_json

FRAMES = (2, 5, 11)
"""The known plans: frames of seed 0 of scene ``warehouse``."""

FIXED = ("scene=warehouse", "randomization=standard", "presets=none", "targets=none", "custom=none", "assets=[]",
         "seed=0", "randomization.sensor.enabled=false", "dataset=tiny", "dataset.frames.sizes=[640x480]",
         "renderer.runtime.workers=1")  # fmt: skip


def check(
    renderer: str, reference: str, overrides: Sequence[str], conf: Path, out: Path, frames: Sequence[int] = FRAMES
) -> tuple[Agreement, str]:
    """Render the known plans twice and compare.

    Args:
        renderer: group of ``conf/renderer`` to check.
        reference: the one to compare with.
        overrides: more settings, of the checked renderer alone where they begin with ``renderer.``.
        conf: folder of the groups.
        out: for pictures, labels and what is printed.
        frames: numbers of the plans.

    Returns:
        The agreement, and all of it as text.

    Raises:
        RenderError: when a frame cannot be rendered.
    """
    shared = [text for text in overrides if not text.startswith("renderer.")]
    mine = compose_settings([f"renderer={reference}", *FIXED, *shared], conf)
    theirs = compose_settings([f"renderer={renderer}", *FIXED, *overrides], conf)
    one, two = _rendered(mine, frames, out / reference), _rendered(theirs, frames, out / renderer)
    found = compare(one, two)
    text = _text(found, renderer, reference, out)
    with atomic_write(out / "check.txt") as stream:
        stream.write(text + "\n")
    return found, text


def _rendered(settings: Settings, frames: Sequence[int], out: Path) -> list[Side]:
    keeper = Path(__file__).with_name("annotator.py")
    custom = settings.custom.model_copy(update={"files": [str(keeper)], "annotators": ["isaac_says"]})
    filled = resolved(settings.model_copy(update={"custom": custom}))
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as work:
        runtime = filled.renderer.runtime
        job = Job(filled, Path(work), FACTORY, prepare_all(filled))
        pool = Pool(job, size=1, timeout=runtime.frame_timeout, lifetime=len(frames) + 1)
        with closing(pool.render(frames)) as outcomes:
            for outcome in outcomes:
                if not isinstance(outcome, Done):
                    lines = " | ".join(outcome.log)
                    raise RenderError(
                        f"{settings.renderer.name} could not render frame {outcome.frame} ({outcome.reason}; {lines}): "
                        f"see `python -m stages.sdg --frame {outcome.frame} -S renderer={settings.renderer.name}`"
                    )
        return [_side(Path(work), frame, out) for frame in frames]


def _side(work: Path, frame: int, out: Path) -> Side:
    members = _members(read_fragment(work, frame)[1])
    for suffix, data in members.items():
        with atomic_write(out / f"{frame:07d}.{suffix}", "wb") as stream:
            stream.write(data)
    instance = cv2.imdecode(np.frombuffer(members["instance.png"], np.uint8), cv2.IMREAD_UNCHANGED)
    return Side(label_from_json(members["json"]), instance.astype(np.uint16), json.loads(members["isaac.json"]))


def _members(block: bytes) -> dict[str, bytes]:
    """A frame's members by suffix, from its tar entries."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(block + bytes(2 * tarfile.BLOCKSIZE))) as archive:
        for entry in archive:
            stream = archive.extractfile(entry)
            assert stream is not None, "members are files"
            found[entry.name.partition(".")[2]] = stream.read()
    return found


def _text(found: Agreement, renderer: str, reference: str, out: Path) -> str:
    lines = [table(found), ""]
    lines += [f"note: {note}" for note in dict.fromkeys(found.notes)]
    why = reasons(found)
    if found.is_good:
        lines.append(f"{renderer} and {reference} agree{'; what differs all the same:' if why else ''}")
    else:
        lines.append(f"{renderer} and {reference} differ; why that may be:")
    lines += [f"  * {reason}" for reason in why or ([] if found.is_good else ["no common sign: look at the pictures"])]
    lines.append(
        f"{len(found.pairs)} objects in both; of those over 20 pixels the mean box IoU is {found.mean_iou:.4f}, the "
        f"least {found.least_iou:.4f}, of masks {found.mean_mask:.4f} and {found.least_mask:.4f}; pictures and labels "
        f"in {out}"
    )
    return "\n".join(lines)
