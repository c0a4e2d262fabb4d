"""Runs the checks of this folder, and the parity with the Blender backend."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.usd_parity import boxes, compare, iou
from stages.sdg.render.usd.normals import corner_normals
from tests.own_process import REPOSITORY, checks, run_checks


@pytest.mark.parametrize("path", checks(__file__), ids=lambda path: path.stem)
def test_checks(path: Path) -> None:
    run_checks(path)


@pytest.mark.blender
def test_blender_sees_in_the_file_what_our_backend_renders(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.usd_parity", "-n", "3", "--folder", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["labelled_boxes"] > 10
    assert found["labelled_mean_iou"] >= 0.99
    assert found["labelled_min_iou"] >= 0.95
    assert found["pinhole_pixels_max"] < 0.1
    assert found["lens_pixels_max"] < 0.1


def test_the_comparison_sees_differences() -> None:
    ours = np.zeros((60, 80), np.uint16)
    ours[10:40, 20:60], ours[50:55, 0:5] = 3, 4
    theirs = np.roll(ours, 4, axis=1)
    assert boxes(ours) == {3: (20, 10, 60, 40), 4: (0, 50, 5, 55)}
    assert compare(boxes(ours), boxes(theirs), {3}) == [(3, 36 / 44, True)]
    assert compare(boxes(ours), {}, set()) == [(3, 0.0, False)]
    assert iou((0, 0, 2, 2), (5, 5, 6, 6)) == 0


@given(st.integers(0, 2**31), st.booleans())
def test_normals_are_unit_vectors_on_the_outer_side(seed: int, smooth: bool) -> None:
    rng = np.random.default_rng(seed)
    vertices = rng.normal(size=(8, 3)).astype(np.float32)
    triangles = rng.integers(0, 8, (10, 3)).astype(np.int32)
    normals = corner_normals(vertices, triangles, smooth=smooth)
    corners = vertices[triangles].astype(np.float64)
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    solid = np.linalg.norm(faces, axis=1) > 1e-6
    np.testing.assert_allclose(np.linalg.norm(normals[solid], axis=2), 1, atol=1e-5)
    assert ((normals[solid] * faces[solid][:, None]).sum(-1) > 0).all()
    assert (normals[~solid & (np.abs(faces).max(1) == 0)] == 0).all()
