from __future__ import annotations

import base64
import gzip
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stages.common.errors import InputError
from stages.sdg.gallery import Origin, write_gallery
from stages.sdg.shards.records import plan_from_line
from tests.sdg import made_up
from tests.sdg.gallery import folders
from tests.sdg.gallery.folders import data_of


@pytest.fixture
def page(tmp_path: Path) -> Path:
    folder = folders.write(tmp_path / "frames", folders.four())
    path = tmp_path / "out" / "page.html"
    assert write_gallery(folder, path, 48, Origin("seed=4", ("-S", "seed=4", "-S", "a=[b c]"))) == 4
    return path


def test_the_page_holds_labels_plans_and_commands(page: Path) -> None:
    data = data_of(page)
    first, *_, last = data["frames"]
    assert (first["frame"], first["scenario"], first["split"], first["width"]) == (0, "aisle", "train", 160)
    pallet = first["objects"][0]
    assert (pallet["class"], pallet["box"], pallet["occlusion"]) == ("pallet", [10, 10, 60, 40], 0.5)
    assert pallet["outline"] == "M10 10l0 29l49 0l0 -29z"
    assert (first["depth"]["near"], first["depth"]["far"]) == pytest.approx((1.2, 19.8), abs=0.2)
    assert last["objects"] == []
    assert first["command"] == "python -m stages.sdg --frame 0 -S seed=4 -S 'a=[b c]'"
    line = gzip.decompress(base64.b64decode(first["plan"])).decode()
    assert plan_from_line(line) == replace(made_up.plan(0), scenario="aisle")
    colours = {item["name"]: item["colour"] for item in data["classes"]}
    assert len(set(colours.values())) == len(colours)
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours.values())


def test_the_page_is_one_file_and_nothing_in_it_leaves_its_place(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [path.name for path in page.parent.iterdir()] == ["page.html"]
    assert text.count("</script>") == 3  # imports, data, start
    assert "default-src 'none'" in text
    # no address but name spaces, and none of those is fetched
    assert set(re.findall(r"https?://[^\"'\s<]+", text)) == set()
    assert data_of(page)["frames"][0]["tags"]["note"] == folders.NASTY


def test_the_same_frames_give_the_same_page(page: Path, tmp_path: Path) -> None:
    write_gallery(tmp_path / "frames", tmp_path / "b.html", 48, Origin("seed=4", ("-S", "seed=4", "-S", "a=[b c]")))
    assert (tmp_path / "b.html").read_bytes() == page.read_bytes()


def test_frames_come_from_all_over_the_set(tmp_path: Path) -> None:
    folder = folders.write(tmp_path, [folders.label(number, "aisle", ()) for number in range(20)])
    assert write_gallery(folder, tmp_path / "page.html", 4, Origin("x")) == 4
    assert [frame["frame"] for frame in data_of(tmp_path / "page.html")["frames"]] == [0, 5, 10, 15]


def test_unfinished_frames_have_no_plans_and_may_lack_depth(tmp_path: Path) -> None:
    folder = folders.write(tmp_path, folders.four(), depth=False, complete=False)
    write_gallery(folder, tmp_path / "page.html", 9, Origin("x"))
    assert {(frame["plan"], frame["depth"]) for frame in data_of(tmp_path / "page.html")["frames"]} == {(None, None)}


def test_nothing_is_written_of_frames_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"manifest\.json is missing"):
        write_gallery(tmp_path / "none", tmp_path / "page.html", 9, Origin("x"))
    folder = folders.write(tmp_path / "frames", folders.four())
    (folder / "plan.jsonl").unlink()
    with pytest.raises(InputError, match=r"plan\.jsonl is missing"):
        write_gallery(folder, tmp_path / "page.html", 9, Origin("x"))
    made_up.write_folder(tmp_path / "other", 2, 0)
    with pytest.raises(InputError, match="the instance mask of frame 0 is no picture; make the frames again"):
        write_gallery(tmp_path / "other", tmp_path / "page.html", 9, Origin("x"))
    assert not (tmp_path / "page.html").exists()


def test_48_frames_of_the_hardest_pictures_are_less_than_15_megabytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (1080, 1920, 3), np.uint8)
    import cv2

    jpeg = cv2.imencode(".jpg", noise, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    plain = folders.members
    monkeypatch.setattr(folders, "members", lambda of, *, depth: {**plain(of, depth=depth), "jpg": jpeg})
    folder = folders.write(tmp_path, [folders.label(number, "aisle", ()) for number in range(3)])
    write_gallery(folder, tmp_path / "page.html", 48, Origin("x"))
    assert (tmp_path / "page.html").stat().st_size / 3 * 48 < 15e6
