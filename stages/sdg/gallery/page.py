"""From stored frames to the page."""

from __future__ import annotations

import base64
import gzip
import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.common.files import atomic_write
from stages.common.pages import data_uri, environment
from stages.common.settings import CLASSES
from stages.sdg.gallery.keypoints import keypoints_of
from stages.sdg.gallery.pictures import decode, depth_view, fitting_jpeg, outlines
from stages.sdg.shards.manifest import read_manifest
from stages.sdg.shards.reader import ShardFrame, pick_frames, pick_plans, spread

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
SCRIPTS = ("data", "filters", "overlay", "statistics", "tree", "viewer", "main")
"""ES modules of the page; each imports the others as ``gallery/NAME``."""

JPEG = "image/jpeg"


@dataclass(frozen=True)
class Origin:
    """Where frames come from.

    Attributes:
        title: in a line.
        options: of ``python -m stages.sdg --frame N`` that make it render the frame as it was.
        warning: what keeps that command from doing so, or nothing.
    """

    title: str
    options: tuple[str, ...] = ()
    warning: str = ""

    def command(self, frame: int) -> str:
        """The shell command that renders a frame again."""
        return shlex.join(["python", "-m", "stages.sdg", "--frame", str(frame), *self.options])


def write_gallery(folder: Path, path: Path, limit: int, origin: Origin, classes: Sequence[str] = CLASSES) -> int:
    """Write a page that shows frames of a folder, and needs no other file and no network.

    Args:
        folder: frames with their manifest.
        path: of the page; written whole or not at all.
        limit: frames on it at most, spread evenly over the set.
        origin: of the frames.
        classes: in the order of their numbers, which gives the colours.

    Returns:
        How many frames are on it.

    Raises:
        InputError: when the folder holds no readable frames.
    """
    chosen = spread([number for shard in read_manifest(folder).shards for number in shard.numbers], limit)
    plans = pick_plans(folder, chosen)
    frames = [
        {**_frame(frame), "command": origin.command(frame.label.frame), "plan": _packed(plans.get(frame.label.frame))}
        for frame in pick_frames(folder, chosen)
    ]
    data = {"classes": [{"name": name, "colour": _colour(name, classes)} for name in classes], "frames": frames}
    scripts = {
        f"gallery/{name}": data_uri((TEMPLATES / f"{name}.js").read_bytes(), "text/javascript") for name in SCRIPTS
    }
    template = environment(TEMPLATES).get_template("gallery.html.j2")
    style = (TEMPLATES / "gallery.css").read_text(encoding="utf-8")
    text = template.render(origin=origin, data=data, style=style, imports={"imports": scripts})
    with atomic_write(path) as stream:
        stream.write(text)
    return len(frames)


def _frame(frame: ShardFrame) -> dict[str, Any]:
    """What the page says and shows of a frame, as JSON values."""
    label, files = frame.label, frame.files
    stem = f"frame {label.frame}"
    paths = outlines(decode(files["instance.png"], f"the instance mask of {stem}"), label)
    keypoints = keypoints_of(frame)
    depth = depth_view(files["depth.png"], f"the depth of {stem}") if "depth.png" in files else None
    return {
        "frame": label.frame,
        "split": label.split,
        "scenario": label.scenario,
        "width": label.width,
        "height": label.height,
        "tags": label.tags,
        "picture": data_uri(fitting_jpeg(files["jpg"], f"the picture of {stem}"), JPEG),
        "depth": depth and {"picture": data_uri(depth.jpeg, JPEG), "near": depth.near, "far": depth.far},
        "objects": [
            {
                "id": item.id,
                "class": item.class_name,
                "family": item.family,
                "variant": item.variant,
                "box": _short(item.xyxy),
                "loose": _short(item.xyxy_loose),
                "pixels": item.visible_pixels,
                "occlusion": round(item.occlusion, 4),
                "truncation": round(item.truncation, 4),
                "distance": round(item.distance, 3),
                "outline": paths.get(item.id, ""),
                "keypoints": [
                    [point.name, *_short((point.x, point.y)), point.visibility] for point in keypoints.get(item.id, ())
                ],
            }
            for item in label.instances
        ],
    }


def _short(sides: Sequence[float]) -> list[float]:
    return [int(side) if math.floor(side) == side else round(side, 2) for side in sides]


def _packed(plan: str | None) -> str | None:
    """A plan's JSON, gzip in base64: plans of full halls are longer than their pictures."""
    return plan and base64.b64encode(gzip.compress(plan.encode(), mtime=0)).decode("ascii")


def _colour(name: str, classes: Sequence[str]) -> str:
    from stages.sdg.label.draw import colour_of

    blue, green, red = colour_of(name, classes)
    return f"#{red:02x}{green:02x}{blue:02x}"
