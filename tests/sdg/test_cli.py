"""``python -m stages.sdg`` as its users call it."""

from __future__ import annotations

import base64
import gzip
import shlex
import subprocess
import sys
import tarfile
from pathlib import Path

import cv2
import pytest
import yaml

from stages.common.pages import data_uri
from stages.sdg.cli import main
from tests.sdg.gallery.folders import data_of
from tests.sdg.run import flat
from tests.settings import REPOSITORY


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``params.yaml`` and the frames that it asks for."""
    place = tmp_path_factory.mktemp("a project")
    values = flat.settings(count=32, test_count=1, shard_size=20, workers=2).model_dump()
    (place / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    done = command(place)
    assert done.returncode == 0, done.stderr
    assert "data/frames: 33 frames, 33 of them rendered in " in done.stdout
    assert "of the time outside the renderer" in done.stdout
    assert "sdg: 33 of 33 frames" in done.stderr
    return place


def command(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stages.sdg", *arguments],
        cwd=place,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin", "HOME": str(place)},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def inside(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(project)
    return project


def test_the_stage_run_again_does_nothing(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out == "data/frames: all 33 frames were there\n"


@pytest.mark.parametrize(("number", "shard"), [(2, "train-00000"), (31, "train-00001"), (1_000_000, "test-00000")])
def test_one_frame_again_has_the_bytes_of_its_shard(
    number: int, shard: str, inside: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--frame", str(number), "--out", str(tmp_path)]) == 0
    assert "; the same bytes as in its shard" in capsys.readouterr().out
    with tarfile.open(inside / "data" / "frames" / "shards" / f"{shard}.tar") as archive:
        members = [entry for entry in archive if entry.name.startswith(f"{number:07d}.")]
        assert len(members) == 3
        for entry in members:
            data = archive.extractfile(entry)
            assert data is not None
            assert (tmp_path / entry.name).read_bytes() == data.read()
    lines = (inside / "data" / "frames" / "plan.jsonl").read_text().splitlines(keepends=True)
    assert (tmp_path / f"{number:07d}.plan.json").read_text() in lines
    assert cv2.imread(str(tmp_path / f"{number:07d}.labels.jpg")).shape == (120, 160, 3)


def test_a_frame_beyond_the_set_may_be_tried(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--frame", "77"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("runs/frames/0000077: train frame 77 of seed 0: scenario ")
    assert "bytes" not in out
    assert (inside / "runs" / "frames" / "0000077" / "0000077.jpg").exists()


def test_the_fake_renderer_has_no_scene_to_save(
    inside: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["--frame", "0", "--save-blend", str(tmp_path / "a.blend"), "--out", str(tmp_path)]) == 4
    assert "error: the fake renderer cannot save frame 0 to" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_preview_may_be_a_sheet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["preview", "-n", "3", "--out", "some/sheet.jpg", "dataset=tiny", "seed=4"]) == 0
    assert capsys.readouterr().out == "some/sheet.jpg: 3 frames by fake with their labels\n"
    assert cv2.imread("some/sheet.jpg").shape[0] == 2 * 364 - 4
    assert [path.name for path in tmp_path.iterdir()] == ["some"]


def test_a_preview_is_a_page_whose_commands_render_its_frames_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["preview", "-n", "3", "dataset=tiny", "seed=4", "dataset.frames.sizes=[[160x120, 3], 96x96]"]) == 0
    assert capsys.readouterr().out == "runs/preview.html: 3 frames by fake with their labels\n"
    page = data_of(Path("runs/preview.html"))
    assert all(frame["depth"] for frame in page["frames"])  # asked for by itself
    frame = page["frames"][2]
    program, *arguments = shlex.split(frame["command"])
    assert [program, *arguments[:4]] == ["python", "-m", "stages.sdg", "--frame", "2"]
    assert main(arguments[2:]) == 0
    again = Path("runs/frames/0000002/0000002.jpg").read_bytes()
    assert frame["picture"] == data_uri(again, "image/jpeg")
    plan = Path("runs/frames/0000002/0000002.plan.json").read_text(encoding="utf-8")
    assert gzip.decompress(base64.b64decode(frame["plan"])).decode() == plan.rstrip("\n")


def test_a_preview_shows_frames_that_are_there(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = inside / "page.html"
    assert main(["preview", "--frames", "data/frames", "-n", "11", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}: 11 frames of data/frames with their labels\n"
    frames = data_of(out)["frames"]
    assert [frame["frame"] for frame in frames] == [*range(0, 33, 3)]
    assert frames[3]["command"] == "python -m stages.sdg --frame 9"
    assert "no longer what these frames follow from" not in out.read_text(encoding="utf-8")


def test_a_preview_of_frames_says_when_the_settings_are_others(
    inside: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = yaml.safe_load((inside / "params.yaml").read_text())
    (tmp_path / "other.yaml").write_text(yaml.safe_dump({**values, "seed": 5}))
    for params, warning in {
        "other.yaml": "are no longer what these frames follow from",
        "none.yaml": "The commands need settings, but ",
    }.items():
        out = tmp_path / "page.html"
        options = ["--params", str(tmp_path / params)]
        assert main([*options, "preview", "--frames", "data/frames", "--out", str(out)]) == 0
        assert warning in out.read_text(encoding="utf-8")
        assert data_of(out)["frames"][0]["command"] == f"python -m stages.sdg --frame 0 --params {options[1]}"


def test_a_preview_of_no_frames_names_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview", "--frames", str(tmp_path), "--out", str(tmp_path / "page.html")]) == 3
    assert f"{tmp_path}/manifest.json is missing" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_preview_of_wrong_settings_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview", "randomization=hevy"]) == 2
    assert "hevy" in capsys.readouterr().err


def test_list_prints_what_is_registered(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert set(lines) == {"scenarios", "assets", "renderers", "annotators", "formats", "randomizers"}
    assert {"blender", "fake"} <= set(lines["renderers"].split(", "))
    assert {"pallet_truck", "pallet"} <= set(lines["assets"].split(", "))
    assert lines["scenarios"]
    assert {"yolo", "coco", "kitti"} <= set(lines["formats"].split(", "))


def test_list_prints_code_of_the_users_own() -> None:
    # in a process of its own: what is registered stays
    done = subprocess.run(
        [sys.executable, "-m", "stages.sdg", "list", "custom=example"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = {kind: names.split(", ") for kind, names in (line.split(": ", 1) for line in done.stdout.splitlines())}
    assert "dim_lamps" in lines["randomizers"]
    assert "visible" in lines["annotators"]
    assert "csv_boxes" in lines["formats"]


def test_missing_settings_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--params", str(tmp_path / "none.yaml")]) == 2
    assert "none.yaml is missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--frame", "-1"],
        ["--frame", "x"],
        ["--out", "a"],
        ["-S", "seed=4"],
        ["preview", "-n", "0"],
        ["preview", "-n", "x"],
        ["preview", "--out", "page.pdf"],
        ["preview", "--frames", "data/frames", "seed=4"],
        ["preview", "--frames", "data/frames", "--renderer", "fake"],
        ["render"],
    ],
)
def test_wrong_arguments_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "error: " in capsys.readouterr().err


def test_help_is_instant() -> None:
    program = "import sys; from stages.sdg.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    program += "print('HEAVY', [name for name in ('bpy', 'cv2', 'numpy', 'torch', 'pydantic') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("HEAVY []\n")
    for word in ("reads", "writes", "takes", "data/frames", "randomization", "preview", "list"):
        assert word in done.stdout
