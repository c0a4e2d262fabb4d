from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from stages.common.errors import InputError
from stages.sdg import preview
from stages.sdg.shards.manifest import Manifest, Shard, layout, shard_path, write_manifest
from stages.sdg.shards.reader import ShardFrame
from stages.sdg.shards.writer import frame_block, write_shard
from tests.sdg import made_up

GREY = cv2.imencode(".jpg", np.full((120, 160, 3), 90, np.uint8))[1].tobytes()


def write_folder(folder: Path, count: int) -> None:
    shards = []
    for span in layout(count, 1, 8):
        blocks = [frame_block(number, {**made_up.members(number), "jpg": GREY}) for number in span.numbers]
        shards.append(Shard(span.name, span.first, span.frames, *write_shard(shard_path(folder, span), blocks), "k"))
    write_manifest(folder, Manifest(True, "k", "", tuple(shards)))


def test_tiles_stand_in_a_square_grid() -> None:
    tiles = [np.full((10, 20, 3), 200 + shade, np.uint8) for shade in range(5)]
    page = preview.arrange(tiles, gap=2)
    assert page.shape == (2 * 12 - 2, 3 * 22 - 2, 3)
    assert page[0, 0, 0] == 200
    assert page[0, 22, 0] == 201
    assert page[12, 22, 0] == 204
    assert page[12, 44, 0] < 50  # nothing there


def test_tiles_may_differ_in_size() -> None:
    page = preview.arrange([np.full((10, 20, 3), 255, np.uint8), np.full((20, 10, 3), 255, np.uint8)], gap=0)
    assert page.shape == (20, 40, 3)
    assert (page == 255).all(2).sum() == 400


def test_labels_are_drawn_where_they_are() -> None:
    drawn = preview.draw_frame(ShardFrame(made_up.label(), {"jpg": GREY}), side=320)
    assert drawn.shape == (240, 320, 3)
    changed = np.abs(drawn.astype(int) - 90).max(2) > 20
    assert changed[4:80, 2:60].any()  # the box, twice as large
    assert not changed[150:, 200:].any()


@pytest.mark.parametrize(("count", "limit", "expected"), [(2, 16, 3), (30, 16, 16), (30, 1, 1)])
def test_a_sheet_shows_frames_from_all_over_the_set(count: int, limit: int, expected: int, tmp_path: Path) -> None:
    write_folder(tmp_path, count)
    path = tmp_path / "sheet.jpg"
    assert preview.write_sheet(tmp_path, path, limit) == expected
    first = path.read_bytes()
    preview.write_sheet(tmp_path, path, limit)
    assert path.read_bytes() == first
    assert cv2.imread(str(path)) is not None


def test_a_sheet_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"manifest\.json is missing"):
        preview.write_sheet(tmp_path, tmp_path / "sheet.jpg", 4)
    assert list(tmp_path.iterdir()) == []
