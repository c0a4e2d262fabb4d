"""Mending, by its parts, on meshes whose right answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from stages.sdg.assets.imports.raw import RawMaterial, RawMesh, RawScene, Unreadable
from stages.sdg.reconstruct.clean import clean, volumes
from stages.sdg.reconstruct.holes import fill_holes
from stages.sdg.reconstruct.rotate import about_z, matrices, to_z
from stages.sdg.reconstruct.soup import separated, stirred
from stages.sdg.reconstruct.thin import thin
from stages.sdg.reconstruct.topology import edges_of, facing, in_pieces


def raw(*meshes: trimesh.Trimesh, **options: object) -> RawScene:
    return RawScene(
        "test",
        [RawMesh(f"/m{i}", np.array(m.vertices), np.array(m.faces), **options) for i, m in enumerate(meshes)],  # type: ignore[arg-type]
    )


def whole(scene: RawScene) -> trimesh.Trimesh:
    soup = stirred(scene.meshes)
    return trimesh.Trimesh(soup.vertices, soup.triangles, process=True)


def ball(level: int = 3) -> trimesh.Trimesh:
    return trimesh.creation.icosphere(level)


@given(st.integers(0, 10_000), st.floats(0.005, 0.08))
@limits(max_examples=25)
def test_a_ball_with_holes_is_closed_again(seed: int, share: float) -> None:
    made = ball()
    kept = np.random.default_rng(seed).random(len(made.faces)) > share
    scene = raw(trimesh.Trimesh(made.vertices, made.faces[kept], process=False))
    done = clean(scene, largest_hole=0.5)
    mended = whole(scene)
    assert done.watertight
    # trimesh counts edges its own way
    assert mended.is_watertight
    assert mended.is_winding_consistent
    assert mended.volume == pytest.approx(made.volume, rel=0.02)


@given(st.integers(0, 10_000), st.floats(0.05, 0.95))
@limits(max_examples=25)
def test_turned_triangles_are_turned_back(seed: int, share: float) -> None:
    made = trimesh.util.concatenate([ball(2), trimesh.creation.box().apply_translation((3, 0, 0))])
    faces = made.faces.copy()
    wrong = np.random.default_rng(seed).random(len(faces)) < share
    faces[wrong] = faces[wrong][:, ::-1]
    scene = raw(trimesh.Trimesh(made.vertices, faces, process=False))
    done = clean(scene, largest_hole=0.3, keep_all=True)
    assert done.turned == wrong.sum()
    mended = whole(scene)
    assert mended.is_winding_consistent
    assert mended.volume == pytest.approx(made.volume, rel=1e-6)


def test_a_large_opening_stays_open_and_is_told() -> None:
    made = trimesh.creation.box()
    lid = made.face_normals[:, 2] > 0.9
    scene = raw(trimesh.Trimesh(made.vertices, made.faces[~lid], process=False))
    done = clean(scene, largest_hole=0.3)
    assert (done.holes, done.open_edges, done.watertight, done.volume) == (0, 4, False, None)
    done = clean(scene, largest_hole=3.0)
    assert (done.holes, done.watertight) == (1, True)
    assert done.volume == pytest.approx(1.0)


def test_two_holes_that_touch_are_two() -> None:
    x, y = np.meshgrid(np.arange(6.0), np.arange(6.0))
    points = np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], 1)
    quads = [(i + 6 * j, i + 1 + 6 * j, i + 7 + 6 * j, i + 6 + 6 * j) for j in range(5) for i in range(5)]
    missing = {(1 + 6 * 1), (2 + 6 * 2)}
    faces = [f for a, b, c, d in quads if a not in missing for f in ((a, b, c), (a, c, d))]
    soup, closed = fill_holes(stirred([RawMesh("/m", points, np.array(faces))]), 5.0)
    assert closed == 2
    corners = soup.vertices[soup.triangles]
    assert np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2].sum() / 2 == pytest.approx(25)


def test_new_triangles_carry_on_colour_material_and_texture() -> None:
    made = ball()
    meshes = []
    for number, side in enumerate((made.triangles_center[:, 0] < 0, made.triangles_center[:, 0] >= 0)):
        inner = np.flatnonzero(side & (np.abs(made.triangles_center[:, 0]) > 0.4))
        rows = np.setdiff1d(np.flatnonzero(side), inner[::40])  # holes that lie within one material
        colours = np.full((len(rows), 3, 3), 0.2 + 0.6 * number, np.float32)
        uv = np.full((len(rows), 3, 2), 0.25 + 0.5 * number, np.float32)
        meshes.append(
            RawMesh(
                f"/m{number}",
                np.array(made.vertices),
                np.array(made.faces[rows]),
                RawMaterial(f"{number}"),
                uv,
                colours,
            )
        )
    scene = RawScene("test", meshes)
    assert clean(scene, largest_hole=0.6).watertight
    assert [mesh.material.name for mesh in scene.meshes] == ["0", "1"]
    for number, mesh in enumerate(scene.meshes):
        assert mesh.uv is not None
        assert mesh.colours is not None
        np.testing.assert_allclose(mesh.uv, 0.25 + 0.5 * number, atol=1e-6)
        np.testing.assert_allclose(mesh.colours, 0.2 + 0.6 * number, atol=1e-6)


def test_specks_go_and_parts_that_belong_stay() -> None:
    body = trimesh.creation.box((1, 0.5, 0.3)).subdivide()
    wheel = ball(1).apply_scale(0.03).apply_translation((0.3, 0.2, -0.19))
    chain = [ball(1).apply_scale(0.008).apply_translation((0.5 + 0.02 * i, 0, 0)) for i in range(6)]
    speck = ball(1).apply_scale(0.01).apply_translation((40, 2, 3))
    scene = raw(body, wheel, *chain, speck)
    assert clean(scene, largest_hole=0.3).specks == 1
    assert len(scene.meshes) == 8
    scene = raw(body, speck)
    assert clean(scene, largest_hole=0.3, keep_all=True).specks == 0


def test_two_large_things_apart_both_stay() -> None:
    scene = raw(ball(2), ball(2).apply_translation((30, 0, 0)))
    assert clean(scene, largest_hole=0.3).specks == 0


def test_triangles_that_repeat_or_have_no_area_go() -> None:
    made = trimesh.creation.box()
    faces = np.concatenate([made.faces, made.faces[:3], made.faces[:2, ::-1], [[0, 0, 1], [3, 3, 3]]])
    done = clean(raw(trimesh.Trimesh(made.vertices, faces, process=False)), largest_hole=0.3)
    assert (done.flat, done.after, done.watertight) == (7, 12, True)


def test_more_than_half_without_numbers_is_refused() -> None:
    made = ball(2)
    vertices = np.array(made.vertices)
    vertices[: len(vertices) // 2] = np.nan
    with pytest.raises(Unreadable, match="no numbers"):
        clean(raw(trimesh.Trimesh(vertices, made.faces, process=False)), largest_hole=0.3)


@pytest.mark.parametrize("count", [500, 2_000])
def test_thinning_states_an_error_that_holds(count: int) -> None:
    made = ball(5)
    thinned = thin(stirred(raw(made).meshes), count)
    assert len(thinned.soup.triangles) <= count * 1.05
    assert thinned.largest is not None
    used = thinned.soup.vertices[np.unique(thinned.soup.triangles)]
    # its own vertices are off by no more than is stated, a little more where none of the original's was looked at
    assert np.abs(np.linalg.norm(used, axis=1) - 1).max() < 2 * thinned.largest + 1e-3
    assert thinned.largest < 0.1


def test_very_many_triangles_are_thinned_in_a_grid_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.sdg.reconstruct.thin.MANY", 30_000)
    made = ball(6)
    thinned = thin(stirred(raw(made).meshes), 5_000)
    assert len(made.faces) > 2 * 30_000 > len(thinned.soup.triangles)
    assert thinned.largest is not None
    assert thinned.largest < 0.03
    assert volumes(thinned.soup.vertices[thinned.soup.triangles]).sum() == pytest.approx(made.volume, rel=0.02)


@given(st.integers(0, 10_000))
@limits(max_examples=30)
def test_topology_agrees_with_trimesh(seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = trimesh.util.concatenate([ball(1).apply_translation((5 * i, 0, 0)) for i in range(3)])
    faces = made.faces[rng.random(len(made.faces)) > 0.3]
    mesh = trimesh.Trimesh(made.vertices, faces, process=False)
    edges = edges_of(faces)
    assert len(edges.ends) == len(mesh.edges_unique)
    assert edges.count.sum() == 3 * len(faces)
    assert in_pieces(faces).max() + 1 == len(trimesh.graph.connected_components(mesh.edges, nodes=np.unique(faces)))
    flipped = faces.copy()
    wrong = rng.random(len(faces)) < 0.5
    flipped[wrong] = flipped[wrong][:, ::-1]
    sign = facing(flipped)
    flipped[sign < 0] = flipped[sign < 0][:, ::-1]
    assert trimesh.Trimesh(made.vertices, flipped, process=False).is_winding_consistent


def test_meshes_come_back_as_they_went_in() -> None:
    scene = raw(ball(1), trimesh.creation.box())
    back = separated(stirred(scene.meshes))
    for before, after in zip(scene.meshes, back, strict=True):
        np.testing.assert_array_equal(before.vertices[before.triangles], after.vertices[after.triangles])
        assert after.uv is None
        assert after.colours is None


@given(st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.01))
def test_up_becomes_z(vector: tuple[float, float, float]) -> None:
    up = np.array(vector) / np.linalg.norm(vector)
    turn = to_z(up)
    np.testing.assert_allclose(turn @ up, [0, 0, 1], atol=1e-6)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-6)
    assert np.linalg.det(turn) == pytest.approx(1)


@given(st.tuples(*[st.floats(-5, 5)] * 4))
def test_quaternions_are_rotations(quaternion: tuple[float, ...]) -> None:
    from scipy.spatial.transform import Rotation

    (made,) = matrices(np.array([quaternion]))
    if np.linalg.norm(quaternion) > 1e-6:
        expected = Rotation.from_quat([*quaternion[1:], quaternion[0]]).as_matrix()
        np.testing.assert_allclose(made, expected, atol=1e-6)
    np.testing.assert_allclose(about_z(0.3), matrices(np.array([[np.cos(0.15), 0, 0, np.sin(0.15)]]))[0], atol=1e-9)
