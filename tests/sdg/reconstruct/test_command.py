"""The whole way by the command line: a photograph, an object, its check, a frame with its label."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from stages.sdg.cli import main
from tests.own_process import REPOSITORY
from tests.sdg.reconstruct.scans import truck
from tests.sdg.reconstruct.standin import calls, checkout
from tests.sdg.reconstruct.test_mask import photo

BOX = "130,60,380,320"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the settings of this repository."""
    shutil.copytree(REPOSITORY / "conf", tmp_path / "conf")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m stages.sdg`` here, in a process of its own, as bpy and usd-core must not meet."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "stages.sdg", *arguments], env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip


@pytest.mark.blender
def test_from_a_photograph_to_a_labelled_frame(project: Path) -> None:
    home = checkout(project / "sam3d", REPOSITORY)
    told = [
        "reconstruct",
        str(photo(project / "Our Truck.png")),
        "--box",
        BOX,
        "--class",
        "pallet_truck",
        "--height",
        "1.3",
    ]
    done = command(*told, "--sam3d-home", str(home))
    assert done.returncode == 0, done.stderr
    assert "size        1.433 x 0.573 x 1.300 m" in done.stdout
    assert "SAM 3D Objects" in done.stdout
    assert "pixels by GrabCut in the box" in done.stdout
    folder = project / "assets" / "reconstructed" / "our_truck"
    assert sorted(path.name for path in folder.iterdir()) == ["our_truck.usdc", "reconstruction.json", "turntable.jpg"]
    picture = cv2.imread(str(folder / "turntable.jpg"))
    assert picture.shape == (640, 1920, 3)
    record = json.loads((folder / "reconstruction.json").read_text())
    assert record["mesh"]["made_by"] == "SAM 3D Objects"
    assert record["photo"]["file"] == "Our Truck.png"
    assert str(project) not in json.dumps(record)
    config = (project / "conf" / "config.yaml").read_text()
    entry = {"name": "our_truck", "source": "assets/reconstructed/our_truck/our_truck.usdc", "class": "pallet_truck"}
    assert yaml.safe_load(config)["assets"] == [entry]

    # another size needs no second run of the model, and the entry stays as it is
    again = command(*told[:-1], "1.2", "--sam3d-home", str(home), "--turntable", "fake")
    assert again.returncode == 0, again.stderr
    assert "x 1.200 m" in again.stdout
    assert calls(home) == 1
    assert (project / "conf" / "config.yaml").read_text() == config

    check = command("assets", "check")
    assert check.returncode == 0, check.stdout + check.stderr
    assert "instance    /Asset: pallet_truck" in check.stdout or ": pallet_truck (" in check.stdout

    label = frame_with("our_truck")
    assert label["class_name"] == "pallet_truck"
    assert label["pixels"] > 100


FRAME = """
import json, sys
from pathlib import Path
from stages.compose.compose import compose_settings
from stages.sdg.plan.planner import plan_frame
from stages.sdg.label.labels import label_frame
from stages.sdg.render.registry import create_renderer
settings = compose_settings(
    ["dataset=tiny", "renderer.samples=1", "renderer.bounces=0", "renderer.runtime.device=cpu",
     "randomization.content.negatives=0", "randomization.sensor.enabled=false"], Path("conf"))
renderer = create_renderer("blender", settings.renderer)
for number in range(200):
    plan = plan_frame(settings, number)
    if not any(item.family == sys.argv[1] for item in plan.placements):
        continue
    label = label_frame(plan, renderer.render(plan), settings.scene.classes)
    seen = [item for item in label.instances if item.family == sys.argv[1] and item.visible_pixels > 100]
    if seen:
        print(json.dumps({"class_name": seen[0].class_name, "pixels": seen[0].visible_pixels, "frame": number}))
        break
sys.stdout.flush()
import os
os._exit(0)
"""


def frame_with(family: str) -> dict[str, object]:
    """The label of an own object in the first frame of the settings here that shows it, by Blender."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FRAME, family],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    # Cycles prints there too
    found = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert found, done.stdout[-1000:] + done.stderr[-2000:]
    return dict(json.loads(found[-1]))


ISAAC = """
import json
from pathlib import Path
from pxr import Usd, UsdSemantics
from stages.compose.compose import compose_settings
from stages.sdg.plan.planner import plan_frame
from stages.sdg.render.usd.export import open_frame
def find():
    settings = compose_settings(["dataset=tiny", "randomization.content.negatives=0"], Path("conf"))
    for number in range(200):
        plan = plan_frame(settings, number)
        item = next((item for item in plan.placements if item.family == "mine"), None)
        if item is not None:
            stage, paths = open_frame(plan)
            prim = stage.GetPrimAtPath(paths[item.id])
            return str(UsdSemantics.LabelsAPI(prim, "class").GetLabelsAttr().Get()[0])
print(find(), flush=True)
"""


def test_it_is_on_the_stage_that_isaac_renders(project: Path) -> None:
    truck().export("mine.stl")
    done = command("reconstruct", "--mesh", "mine.stl", "--class", "pallet_truck", "--up", "z", "--turntable", "fake")
    assert done.returncode == 0, done.stderr
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    seen = subprocess.run([sys.executable, "-c", ISAAC], env=environment, capture_output=True, text=True, check=False)
    assert seen.stdout.strip() == "pallet_truck", seen.stderr[-2000:]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "there is nothing to begin with"),
        (["photo.png", "--box", BOX], 8, "a photograph needs SAM 3D Objects: give --sam3d-home DIR"),
        (["--mesh", "mine.stl", "--class", "car"], 2, "--class 'car' is none of"),
        (["--mesh", "mine.stl", "--class", "none"], 2, "nothing says how large a none is"),
        (["--mesh", "mine.stl", "--name", "My Truck"], 2, "is no identifier"),
        (["--mesh", "mine.stl", "--name", "pallet"], 2, "is the name of a built-in family"),
        (["--mesh", "nowhere.stl"], 3, "nowhere.stl is not there"),
        (["--mesh", "mine.stl", "--name", "foreign"], 3, "was not made by this command"),
        (["--mesh", "mine.stl", "--out", "conf/config.yaml"], 3, "cannot be written (Not a directory)"),
        (["--mesh", "mine.stl", "--out", "/proc/x"], 3, "/proc/x/mine cannot be written"),
        (["--mesh", "mine.stl", "--box", "1,1,9,9"], 2, "--box says where the object is in a photograph"),
        (["--mesh", "mine.stl", "--mask", "mask.png"], 2, "--mask says where the object is in a photograph"),
        (["--mesh", "mine.stl", "--timeout", "0.01"], 3, "takes longer than 0.01 s to mend"),
    ],
)
def test_mistakes_end_in_one_sentence(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    arguments: list[str], code: int, words: str,
) -> None:  # fmt: skip
    monkeypatch.delenv("SAM3D_HOME", raising=False)
    truck().export("mine.stl")
    (project / "assets" / "reconstructed" / "foreign").mkdir(parents=True)
    given = arguments if "--class" in arguments else [*arguments, "--class", "pallet_truck"]
    before = (project / "conf" / "config.yaml").read_text()
    assert main(["reconstruct", *given]) == code
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert (project / "conf" / "config.yaml").read_text() == before
    assert [path.name for path in (project / "assets" / "reconstructed").iterdir()] == ["foreign"]


@pytest.mark.parametrize("box", ["1,2,3", "a,b,c,d", "50,0,10,20", "0,0,nan,5"])
def test_a_box_that_is_none_is_refused_by_the_parser(box: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["reconstruct", "photo.png", "--class", "pallet", "--box", box])
    assert "is no box" in capsys.readouterr().err


def test_a_killed_run_leaves_no_half_object_and_the_next_one_goes_on(project: Path) -> None:
    made = truck()
    for _ in range(4):
        made = made.subdivide()
    made.export("mine.stl")
    told = [
        sys.executable,
        "-m",
        "stages.sdg",
        "reconstruct",
        "--mesh",
        "mine.stl",
        "--class",
        "pallet_truck",
        "--turntable",
        "fake",
    ]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    for wait_for in (".cache/assets/.mending-*", "assets/reconstructed/.mine.partial"):
        process = subprocess.Popen(told, env=environment, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 120
        while not list(project.glob(wait_for)) and time.monotonic() < end and process.poll() is None:
            time.sleep(0.02)
        process.kill()
        process.wait()
        assert not (project / "assets" / "reconstructed" / "mine").exists()
        assert yaml.safe_load((project / "conf" / "config.yaml").read_text())["assets"] == []
    done = subprocess.run(told, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (project / "assets" / "reconstructed").iterdir()] == ["mine"]
    assert not list((project / ".cache" / "assets").glob(".mending-*"))


def test_help_is_instant_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from stages.sdg.cli import _parser; _parser()\n"
        "print([m for m in ('bpy', 'pxr', 'cv2', 'torch', 'trimesh', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_cut_out_is_on_the_picture(project: Path) -> None:
    from stages.sdg.reconstruct.job import _save_cutout
    from stages.sdg.reconstruct.mask import cut_out
    from stages.sdg.reconstruct.turntable import sheet

    _save_cutout(cut_out(photo(project / "a.png"), (130, 60, 380, 320), None, None), project / "cut.png")
    rows = [np.zeros((320, 320, 3), np.uint8)] * 8
    made = sheet(rows, project / "cut.png")
    assert made.shape == (640, 640 + 1280, 3)
    blue, _, red = made[:, :640].reshape(-1, 3).astype(int).T
    assert ((red > 120) & (blue < 90)).mean() > 0.05
    assert sheet(rows, None).shape == (640, 1280, 3)
