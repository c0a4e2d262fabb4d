"""Which way is up and forward."""

from __future__ import annotations

import math

import numpy as np
import pytest
import trimesh
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from stages.sdg.assets.imports.raw import RawMesh, RawScene
from stages.sdg.reconstruct.classes import SURE, USUAL, usual_side
from stages.sdg.reconstruct.soup import Soup, stirred
from stages.sdg.reconstruct.upright import Stand, resting_poses, stand
from tests.sdg.reconstruct.scans import truck


def soup_of(mesh: trimesh.Trimesh) -> Soup:
    return stirred([RawMesh("/m", np.array(mesh.vertices), np.array(mesh.faces))])


def stood(
    mesh: trimesh.Trimesh, up: str = "auto", front: str = "auto", known: str = "", cls: str = "pallet_truck"
) -> tuple[np.ndarray, Stand]:  # type: ignore[type-arg]
    scene = RawScene("test", up=known or "z", up_from="the file says" if known else "assumed")  # type: ignore[arg-type]
    made = stand(soup_of(mesh), scene, up, front, cls)
    return np.array(mesh.vertices) @ made.turn.T, made


def is_upright(points: np.ndarray) -> bool:  # type: ignore[type-arg]
    height = points[:, 2] - points[:, 2].min()
    upper = points[height > 0.75]
    return bool(abs(height.max() - 1.225) < 0.02 and np.ptp(upper[:, 0]) < 0.2 and np.ptp(points[:, 0]) > 1.3)


@given(st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1))
@limits(max_examples=12)
def test_a_truck_stands_up_from_any_position(quaternion: tuple[float, ...]) -> None:
    from scipy.spatial.transform import Rotation

    mesh = truck()
    mesh.vertices = mesh.vertices @ Rotation.from_quat(quaternion).as_matrix().T
    points, made = stood(mesh)
    assert is_upright(points)
    np.testing.assert_allclose(made.turn @ made.turn.T, np.eye(3), atol=1e-6)
    assert np.linalg.det(made.turn) == pytest.approx(1)
    assert made.up.startswith("the side that it rests on best")


@pytest.mark.parametrize("cls", ["pallet", "stillage", "small_load_carrier"])
def test_boxes_of_a_class_lie_as_they_are_used(cls: str) -> None:
    for turn in (
        trimesh.transformations.rotation_matrix(a, b) for a in (1.57, 0.7) for b in ((1, 0, 0), (0.3, 1, 0.2))
    ):
        points, _ = stood(trimesh.creation.box(USUAL[cls]).apply_transform(turn), cls=cls)
        np.testing.assert_allclose(np.ptp(points, axis=0), USUAL[cls], rtol=0.01)


def test_what_the_file_says_is_taken_and_settled_onto_the_floor() -> None:
    flat = trimesh.transformations.rotation_matrix(-math.pi / 2, (1, 0, 0))
    points, made = stood(truck().apply_transform(flat), known="y")
    assert is_upright(points)
    assert made.up == "y: the file says, and it rests so"
    tilted = trimesh.transformations.rotation_matrix(0.15, (0.2, 0.4, 1)) @ flat
    points, made = stood(truck().apply_transform(tilted), known="y")
    assert is_upright(points)
    assert "tilted by 7." in made.up or "tilted by 8." in made.up


def test_a_file_that_says_something_odd_is_believed_and_remarked_on() -> None:
    points, made = stood(truck(), known="x")
    assert np.ptp(points[:, 2]) == pytest.approx(1.35, abs=0.02)
    points, made = stood(truck().apply_transform(trimesh.transformations.rotation_matrix(0.8, (0, 1, 0.2))), known="z")
    assert "would not stay standing" in made.notes[0]
    assert "--up rest" in made.notes[0]
    points, _ = stood(
        truck().apply_transform(trimesh.transformations.rotation_matrix(0.8, (0, 1, 0.2))), "rest", known="z"
    )
    assert is_upright(points)


@pytest.mark.parametrize(("up", "height"), [("x", 1.35), ("-x", 1.35), ("y", 0.54), ("-z", 1.225), ("z", 1.225)])
def test_a_given_axis_is_taken_as_it_is(up: str, height: float) -> None:
    points, made = stood(truck(), up)
    assert np.ptp(points[:, 2]) == pytest.approx(height, abs=1e-6)
    assert made.up == f"given: {up}"
    if up.endswith("z"):
        upper, lower = points[points[:, 2] > np.percentile(points[:, 2], 90)], points[points[:, 2] < 0]
        assert (np.ptp(upper[:, 0]) > 1.0) == (up == "-z")
        assert (len(lower) > 0) == (up == "-z")


@given(st.floats(-math.pi, math.pi))
@limits(max_examples=20)
def test_the_longer_side_is_the_length(angle: float) -> None:
    made = truck().apply_transform(trimesh.transformations.rotation_matrix(angle, (0, 0, 1)))
    points, _ = stood(made, "z")
    np.testing.assert_allclose(np.ptp(points, axis=0), [1.35, 0.54, 1.225], atol=0.01)


@pytest.mark.parametrize(("front", "tiller"), [("x", -1), ("-x", 1)])
def test_a_given_front_points_along_x(front: str, tiller: int) -> None:
    points, made = stood(truck(), "z", front)
    top = points[points[:, 2] > 0.8].mean(0)
    assert np.sign(top[0]) == tiller
    assert made.front == f"given: {front}"


def test_a_round_thing_is_not_turned_about() -> None:
    made = trimesh.creation.cylinder(0.5, 1.0, sections=64)
    turn = stood(made, "z", cls="none")[1].turn
    assert abs(np.arctan2(turn[1, 0], turn[0, 0]) % (math.pi / 2)) < 1e-6


def test_a_flat_thing_has_no_resting_pose_and_a_box_has_six() -> None:
    assert resting_poses(soup_of(trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]]))) == []
    poses = resting_poses(soup_of(trimesh.creation.box((1.5, 1, 0.8))))
    assert len(poses) == 6
    assert np.abs(poses[0].up).argmax() == 2
    assert sum(pose.probability for pose in poses) == pytest.approx(1, abs=0.02)


def test_every_class_has_a_side_to_go_by() -> None:
    assert usual_side("pallet_truck") == ("height", 1.22)
    assert usual_side("pallet") == ("length", 1.2)
    assert usual_side("none") is None
    assert set(SURE) == set(USUAL)
