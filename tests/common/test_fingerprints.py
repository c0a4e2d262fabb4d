"""Copies are found, other views of the same place are not."""

import os

import cv2
import numpy as np
import pytest

from stages.common.fingerprints import find_copies, fingerprint, fingerprints


def hall(seed, place=7):
    """A made hall: the same floor, wall and lights each time, with different things in it."""
    fixed, drawn = np.random.default_rng(place), np.random.default_rng(seed)
    picture = np.full((480, 640, 3), 150, np.uint8)
    picture[300:] = 90
    for left in fixed.integers(0, 600, 4):
        picture[10:25, left : left + 40] = 240
    for _ in range(12):
        left, top = drawn.integers(0, 540), drawn.integers(120, 400)
        width, height = drawn.integers(40, 160, 2)
        picture[top : top + height, left : left + width] = drawn.integers(0, 255, 3)
    return picture


def jpeg(picture, quality=92):
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


@pytest.fixture
def album(tmp_path):
    paths = []
    for seed in range(12):
        paths.append(tmp_path / f"{seed}.jpg")
        paths[-1].write_bytes(jpeg(hall(seed)))
    return paths


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: jpeg(picture, 30),
        lambda picture: jpeg(cv2.resize(picture, (320, 240), interpolation=cv2.INTER_AREA)),
        lambda picture: jpeg(cv2.resize(picture, (1280, 720))),
        lambda picture: jpeg(picture[:, ::-1]),
        lambda picture: jpeg(cv2.convertScaleAbs(picture, alpha=1.15, beta=8)),
        lambda picture: cv2.imencode(".png", picture)[1].tobytes(),
    ],
    ids=["recompressed", "smaller", "stretched", "mirrored", "brighter", "png"],
)
def test_a_copy_is_found_and_its_original_named(album, tmp_path, change):
    copy = tmp_path / "copy.jpg"
    copy.write_bytes(change(hall(3)))
    (match,) = find_copies(fingerprints([copy]), fingerprints(album))
    assert (match.picture, match.other, match.same) == (copy, album[3], False)


def test_the_same_bytes_are_the_same_picture(album, tmp_path):
    copy = tmp_path / "copy.jpg"
    copy.write_bytes(album[5].read_bytes())
    (match,) = find_copies(fingerprints([copy]), fingerprints(album))
    assert match.same
    assert match.other == album[5]


def test_other_pictures_of_the_same_hall_are_no_copies(album, tmp_path):
    others = []
    for seed in range(100, 160):
        others.append(tmp_path / f"other-{seed}.jpg")
        others[-1].write_bytes(jpeg(hall(seed)))
    assert list(find_copies(fingerprints(others), fingerprints(album))) == []


def test_plain_surfaces_and_damaged_files_have_only_their_content(tmp_path):
    assert fingerprint(b"<html>").bits == ""
    assert fingerprint(b"").bits == ""
    assert fingerprint(jpeg(np.full((90, 90, 3), 70, np.uint8))).bits == ""


def test_hashes_are_kept_until_the_file_changes(album, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    first = fingerprints(album, cache)
    monkeypatch.setattr("stages.common.fingerprints.fingerprint", None)
    assert fingerprints(album, cache) == first
    monkeypatch.undo()
    album[0].write_bytes(jpeg(hall(99)))
    os.utime(album[0], ns=(1, 1))
    assert fingerprints(album, cache)[album[0]] == fingerprint(jpeg(hall(99)))
    (cache / "fingerprints.json").write_text("{half")
    assert fingerprints(album[1:], cache).items() <= first.items()
