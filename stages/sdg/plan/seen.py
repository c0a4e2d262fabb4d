"""What a plan's camera will see of its labelled things, estimated without rendering."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.common.settings.targets import Counted
from stages.sdg.plan.footprints import Room
from stages.sdg.plan.lens import project, world_to_camera
from stages.sdg.plan.outline import corners, surface, whole_of, world_boxes
from stages.sdg.plan.own import OwnObject
from stages.sdg.plan.sight import cut_by
from stages.sdg.plan.types import Camera, Placement

NEAR = 0.05
"""Points nearer to the camera's plane count as behind it, metres."""


@dataclass(frozen=True)
class Seen:
    """One labelled thing in the picture.

    Attributes:
        id: of the placement.
        label: its class.
        width, height: of its unoccluded box within the picture, pixels.
        relative_height: the height as a share of the picture's.
        occlusion: share of it in the picture that something hides.
        truncation: share of it outside the picture.
        distance: to its nearest point along the optical axis, metres.
    """

    id: int
    label: str
    width: float
    height: float
    relative_height: float
    occlusion: float
    truncation: float
    distance: float

    def counts(self, counted: Counted) -> bool:
        """Whether it is one of the objects that targets count."""
        return (
            self.occlusion <= 1 - counted.min_visible
            and self.truncation <= counted.max_truncation
            and min(self.width, self.height) >= counted.min_box
        )


class Sights:
    """A scene as one camera sees it.

    Args:
        camera: that looks.
        placements: the scene's things.
        rooms: of families that are the user's own.
    """

    def __init__(self, camera: Camera, placements: Sequence[Placement], rooms: Mapping[str, Room]) -> None:
        self.camera = camera
        self.eye = np.array([row[3] for row in camera.camera_to_world[:3]])
        self.rooms, self.known = rooms, 0
        self.boxes, self.owners = np.empty((0, 7)), np.empty(0, np.int64)
        self.add(placements)

    def add(self, placements: Sequence[Placement]) -> None:
        """Take in those of the scene's things that came after the ones that are known."""
        boxes, owners = world_boxes(placements[self.known :], self.rooms)
        self.known = len(placements)
        self.boxes, self.owners = np.concatenate([self.boxes, boxes]), np.concatenate([self.owners, owners])
        self._azimuth, self._half, self._nearest = _bearings(self.eye, self.boxes)

    def see(self, placement: Placement) -> Seen | None:
        """What the picture shows of a placement of the scene; None where none of it is in the picture."""
        own = self.owners == whole_of(placement)
        return self.see_boxes(placement.id, placement.label or "", self.boxes[own], ~own)

    def see_boxes(
        self, number: int, label: str, boxes: NDArray[np.float64], others: NDArray[np.bool_] | None = None
    ) -> Seen | None:
        """The same for a thing of the given boxes (N, 7), hidden by ``others`` of the scene's boxes, or by all."""
        extent = self.extent(boxes)
        if extent is None:
            return None
        width, height, nearest = extent
        points, weight = self._outline(boxes)
        inside = self._inside(points)
        total, within = float(weight.sum()), float(weight[inside].sum())
        if within <= 0:
            return None
        hidden = self.hidden(points[inside], others)
        return Seen(
            id=number,
            label=label,
            width=width,
            height=height,
            relative_height=height / self.camera.height,
            occlusion=float(weight[inside][hidden].sum()) / within,
            truncation=1 - within / total,
            distance=nearest,
        )

    def extent(self, boxes: NDArray[np.float64]) -> tuple[float, float, float] | None:
        """Width and height in the picture of a thing of these boxes (N, 7), and its least depth, or None outside it."""
        outer = corners(boxes)
        outer = outer[world_to_camera(self.camera, outer)[:, 2] > NEAR]
        if not len(outer):
            return None
        pixels, depth = project(self.camera, outer)
        size = np.array([self.camera.width, self.camera.height], float)
        low, high = np.clip(pixels.min(0), 0, size), np.clip(pixels.max(0), 0, size)
        if (high - low).min() <= 0:
            return None
        return float(high[0] - low[0]), float(high[1] - low[1]), float(depth.min())

    def _outline(self, boxes: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Points of a thing that nothing of itself hides, and the solid angle of each."""
        points, weight = surface(boxes, self.eye)
        if len(boxes) > 1:
            shown = ~cut_by(self.eye, points, boxes)
            points, weight = points[shown], weight[shown]
        return points, weight

    def guarded(self, boxes: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Points in the picture of a thing of these boxes (N, 7), their weights, and which of them the scene hides."""
        points, weight = self._outline(boxes)
        inside = self._inside(points)
        points = points[inside]
        return points, weight[inside], self.hidden(points)

    def hidden(self, points: NDArray[np.float64], others: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
        """Which points (P, 3) the scene's boxes hide, all of them or ``others``."""
        line = points[:, :2] - self.eye[:2]
        middle = np.arctan2(*line.mean(0)[::-1])
        spread = float(np.abs(_turn(np.arctan2(line[:, 1], line[:, 0]) - middle)).max())
        near = np.abs(_turn(self._azimuth - middle)) <= self._half + spread
        near &= self._nearest <= np.linalg.norm(line, axis=1).max()
        if others is not None:
            near &= others
        return cut_by(self.eye, points, self.boxes[near])

    def _inside(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        ahead = world_to_camera(self.camera, points)[:, 2] > NEAR
        inside = np.zeros(len(points), bool)
        if ahead.any():
            pixels, _ = project(self.camera, points[ahead])
            inside[ahead] = ((pixels >= 0) & (pixels <= (self.camera.width, self.camera.height))).all(1)
        return inside


def _bearings(
    eye: NDArray[np.float64], boxes: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Azimuth of each box (N, 7), half the angle that it takes at most, and its least distance, in the plane."""
    gap = boxes[:, :2] - eye[:2]
    distance, reach = np.hypot(gap[:, 0], gap[:, 1]), np.hypot(boxes[:, 3], boxes[:, 4])
    half = np.where(distance > reach, np.arcsin(np.minimum(1, reach / np.maximum(distance, 1e-9))), np.pi)
    return np.arctan2(gap[:, 1], gap[:, 0]), half, distance - reach


def _turn(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same angle within -pi to pi."""
    return np.asarray((angle + np.pi) % (2 * np.pi) - np.pi)


def seen(
    camera: Camera, placements: Sequence[Placement], labels: Collection[str], own: Mapping[str, OwnObject]
) -> list[Seen]:
    """What the picture shows of all placements with one of the labels; ``own`` are the user's own objects by name.

    The things that an own object consists of are not told apart: each counts as the whole, and none hides another.
    """
    sights = Sights(camera, placements, {name: item.room for name, item in own.items()})
    wanted = [placement for placement in placements if placement.label in labels]
    return [found for placement in wanted if (found := sights.see(placement)) is not None]
