"""Stand-ins for Replicator's writers: the files that omni.replicator.core 1.12 writes, of scenes made by hand.

They follow the writers' documented layout, types and known defects: inclusive pixel indices, joined labels, rows of
child prims, label columns with dictionaries, KITTI's dropped boxes, COCO's category ``other``.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 80, 120
BOX = np.dtype([
    ("semanticId", "<u4"), ("x_min", "<i4"), ("y_min", "<i4"), ("x_max", "<i4"), ("y_max", "<i4"),
    ("occlusionRatio", "<f4"),
])  # fmt: skip


@dataclass
class Prim:
    """A labelled prim: pixels that are its own, and whether they are hidden by nearer ones or not."""

    path: str
    labels: str
    box: tuple[int, int, int, int]  # exclusive
    occlusion: float = 0.0
    depth: float = 4.0


@dataclass
class Scene:
    """What a camera sees; later prims are nearer."""

    prims: list[Prim] = field(default_factory=list)

    def ids(self) -> np.ndarray:
        """(H, W): 2 + place of the prim that is seen; 0 is the background."""
        ids = np.zeros((HEIGHT, WIDTH), np.uint32)
        for place, prim in enumerate(self.prims):
            left, top, right, bottom = prim.box
            ids[top:bottom, left:right] = 2 + place
        return ids

    def tight(self) -> list[tuple[Prim, tuple[int, int, int, int]]]:
        """Prims that are seen, children included in their parents, with inclusive extents."""
        ids, found = self.ids(), []
        for prim in self.prims:
            inside = [2 + n for n, other in enumerate(self.prims) if f"{other.path}/".startswith(f"{prim.path}/")]
            rows, columns = np.nonzero(np.isin(ids, inside))
            if len(rows):
                found.append((prim, (columns.min(), rows.min(), columns.max(), rows.max())))
        return found

    def loose(self) -> list[tuple[Prim, tuple[int, int, int, int]]]:
        """All prims, hidden or not."""
        boxes = []
        for prim in self.prims:
            inside = [other.box for other in self.prims if f"{other.path}/".startswith(f"{prim.path}/")]
            low, high = np.min(inside, 0), np.max(inside, 0)
            boxes.append((prim, (low[0], low[1], high[2] - 1, high[3] - 1)))
        return boxes

    def depth(self) -> np.ndarray:
        """(H, W) float32, infinite where nothing is."""
        table = np.array([np.inf, np.inf, *(prim.depth for prim in self.prims)], np.float32)
        return table[self.ids()]

    def picture(self) -> np.ndarray:
        """(H, W, 4) uint8, a grey for each prim."""
        grey = (self.ids() * 40 % 256).astype(np.uint8)
        return np.dstack([grey, grey, grey, np.full_like(grey, 255)])


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def basic_writer(
    folder: Path,
    frames: list[dict[str, Scene]],
    *,
    common: bool = False,
    sequence: str = "",
    masks: bool = True,
    boxes: bool = True,
    colorize: bool = True,
    depth: str = "",
    loose: bool = False,
    padding: int = 4,
    suffix: str = "png",
    semantic: bool = False,
    prim_paths: bool = True,
    bare_labels: bool = False,
) -> Path:
    """BasicWriter: for each frame the scene by render product.

    Old versions wrote no ``_prim_paths`` files (``prim_paths``) and labels that are text alone (``bare_labels``).
    """
    for frame, products in enumerate(frames):
        several = len(products) > 1
        for product, scene in products.items():

            def path(annotator: str, name: str, ending: str, frame=frame, product=product, several=several):
                stem = f"{name}_{sequence}{frame:0{padding}}.{ending}"
                if not several:
                    return folder / stem
                return folder / (f"{annotator}/{product}_{stem}" if common else f"{product}/{annotator}/{stem}")

            rgb = scene.picture()
            save(path("rgb", "rgb", suffix), rgb if suffix == "png" else rgb[..., :3])
            kinds = {"tight": scene.tight()} if boxes else {}
            for kind, rows in (kinds | ({"loose": scene.loose()} if loose else {})).items():
                name = f"bounding_box_2d_{kind}"
                labels = list(dict.fromkeys(prim.labels for prim, _ in rows))
                values = [(labels.index(prim.labels), *box, prim.occlusion) for prim, box in rows]
                file = path(name, name, "npy")
                file.parent.mkdir(parents=True, exist_ok=True)
                np.save(file, np.array(values, BOX))
                told = {str(n): v if bare_labels else {"class": v} for n, v in enumerate(labels)}
                write_json(path(name, f"{name}_labels", "json"), told)
                if prim_paths:
                    write_json(path(name, f"{name}_prim_paths", "json"), [prim.path for prim, _ in rows])
            if masks:
                _instances(scene, path, colorize)
            if semantic:
                _semantics(scene, path, colorize, bare_labels)
            if depth:
                file = path(depth, depth, "npy")
                file.parent.mkdir(parents=True, exist_ok=True)
                np.save(file, scene.depth())
    (folder / "metadata.txt").write_text("BasicWriter\n")
    return folder


def _instances(scene: Scene, path, colorize: bool) -> None:
    ids, name = scene.ids(), "instance_segmentation"
    known = [(0, "BACKGROUND", "BACKGROUND"), (1, "UNLABELLED", "UNLABELLED")]
    known += [(2 + n, prim.path, prim.labels) for n, prim in enumerate(scene.prims)]
    colours = {number: (number * 37 % 256, number * 91 % 256, number * 53 % 256, 255) for number, _, _ in known}
    colours[0], colours[1] = (0, 0, 0, 0), (0, 0, 0, 255)
    if colorize:
        table = np.array([colours[n] for n in range(len(known))], np.uint8)
        save(path(name, name, "png"), table[ids])
    else:
        save(path(name, name, "png"), ids.astype(np.uint16))
    keys = {number: str(colours[number]) if colorize else str(number) for number, _, _ in known}
    write_json(path(name, f"{name}_mapping", "json"), {keys[n]: prim for n, prim, _ in known})
    write_json(path(name, f"{name}_semantics_mapping", "json"), {keys[n]: {"class": v} for n, _, v in known})


def _semantics(scene: Scene, path, colorize: bool, bare: bool) -> None:
    """A number or a colour for each set of labels; 0 is the background."""
    labels = ["BACKGROUND", "UNLABELLED", *dict.fromkeys(prim.labels for prim in scene.prims)]
    name, numbers = "semantic_segmentation", [0, 1, *(labels.index(prim.labels) for prim in scene.prims)]
    values = np.array(numbers, np.uint8)[scene.ids()]
    colours = [(0, 0, 0, 0), *((140 - 9 * n, 25, 60 + n, 255) for n in range(1, len(labels)))]
    save(path(name, name, "png"), np.array(colours, np.uint8)[values] if colorize else values)
    keys = [str(colour) if colorize else str(n) for n, colour in enumerate(colours)]
    told = {key: label if bare else {"class": label} for key, label in zip(keys, labels, strict=True)}
    write_json(path(name, f"{name}_labels", "json"), told)


def kitti_writer(
    folder: Path,
    frames: list[dict[str, Scene]],
    *,
    omit: bool = True,
    kitti_names: bool = False,
    mapping: tuple[str, ...] = (),
    camera: str = "Camera",
    colorize: bool = False,
) -> Path:
    """KittiWriter; ``mapping`` holds the classes that its instance masks know, ``colorize`` adds ``instance_rgb``."""
    rgb, labels, instances = ("image_02", "label_02", "instance") if kitti_names else (
        "rgb", "object_detection", "instance_segmentation",
    )  # fmt: skip
    for frame, products in enumerate(frames):
        for product, scene in products.items():
            base = folder / (f"{product}/{camera}" if len(products) > 1 else camera)
            save(base / rgb / f"{frame}.png", scene.picture())
            rows = []
            for (prim, (left, top, right, bottom)), (_, loose) in zip(scene.tight(), scene.loose(), strict=True):
                if bottom - top < 25:
                    continue
                # kitti.py of 1.12.27 compares with the size itself: a box at the border is in the viewport
                if left < 0 or top < 0 or right > WIDTH or bottom > HEIGHT:
                    continue
                area = (right - left) * (bottom - top) / ((loose[2] - loose[0]) * (loose[3] - loose[1]) + 1e-5)
                occluded = 0 if area >= 0.95 else 1 if area >= 0.5 else 2
                label = prim.labels if omit else {"class": prim.labels}
                rows.append([label, "0.00", occluded, "0.00", left, top, right, bottom, *["0.00"] * 7])
            text = io.StringIO()
            csv.writer(text, delimiter=" ").writerows(rows)
            (base / labels).mkdir(parents=True, exist_ok=True)
            (base / labels / f"{frame}.txt").write_bytes(text.getvalue().encode())
            ids, renumbered, counts = scene.ids(), np.zeros((HEIGHT, WIDTH), np.uint16), dict[str, int]()
            for place, prim in enumerate(scene.prims):
                if prim.labels in mapping:
                    counts[prim.labels] = counts.get(prim.labels, 0) + 1
                    renumbered[ids == 2 + place] = counts[prim.labels] + mapping.index(prim.labels) * 256
            save(base / instances / f"{frame}.png", renumbered)
            if colorize:
                some = [(n * 91 % 256, 40, n + 1, 255) for n in range(len(scene.prims))]
                colours = np.array([(0, 0, 0, 0), (0, 0, 0, 255), *some], np.uint8)
                save(base / "instance_rgb" / f"{frame}.png", colours[ids])
            depth = np.nan_to_num(scene.depth(), posinf=0.0)
            save(base / "depth" / f"{frame}.png", (depth * 256).astype(np.uint16))
    return folder


def coco_writer(
    folder: Path, frames: list[dict[str, Scene]], categories: dict[str, int], identity: str = "abcdefgh"
) -> Path:
    """CocoWriter; labels that are not among its categories become ``other``."""
    images, annotations, used = [], [], {}
    table = {name: {"name": name, "id": n, "supercategory": "x", "color": (n, 9 * n, 200), "isthing": 1}
             for name, n in categories.items()}  # fmt: skip
    table["other"] = {"name": "other", "id": 183, "supercategory": "other", "color": (1, 1, 1), "isthing": 0}
    for frame, products in enumerate(frames):
        for product, scene in products.items():
            name = f"{product}/rgb_Camera_{identity}.{frame:04}.png"
            save(folder / name, scene.picture())
            images.append({"file_name": name, "id": len(images), "height": HEIGHT, "width": WIDTH, "license": 0})
            for prim, (left, top, right, bottom) in scene.tight():
                entry = table.get(prim.labels, table["other"])
                used[entry["name"]] = entry
                annotations.append({
                    "id": len(annotations), "image_id": images[-1]["id"],
                    "bbox": [int(left), int(top), int(right - left), int(bottom - top)],
                    "area": float((right - left) * (bottom - top)), "bbox_mode": 1, "category_id": entry["id"],
                    "iscrowd": 0, "segmentation": [],
                })  # fmt: skip
            colours = [(0, 0, 0), (0, 0, 0), *(table.get(prim.labels, table["other"])["color"] for prim in scene.prims)]
            save(
                folder / product / f"panoptic_Camera_{identity}.{frame:04}.png",
                np.array(colours, np.uint8)[scene.ids()],
            )
    content = {"info": {}, "licenses": [], "images": images, "annotations": annotations, "categories": [*used.values()]}
    write_json(folder / f"coco_annotations_{identity}.json", content)
    return folder
