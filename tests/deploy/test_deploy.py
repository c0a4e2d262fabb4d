"""Deployment as the pipeline runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import yaml

from stages.common.errors import InputError, ServiceError
from stages.deploy.bundle import Bundle, pack
from stages.deploy.check import choose, compare
from stages.deploy.deploy import deploy
from stages.deploy.local import running
from tests.deploy.conftest import LIMITS, NAMES, REPOSITORY, Server, picture
from tests.settings import compose
from tests.tiny_models import write_constant_model

HERE = compose("deploy.threads=1", "deploy.check_frames=2")
NOWHERE = compose("deploy=none")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "test pictures"
    folder.mkdir()
    for number in range(5):
        (folder / f"{1_000_000 + number:07d}.jpg").write_bytes(picture(300 + number, 200))
    return folder


def test_the_service_answers_as_the_model_does(model: Path, pictures: Path, tmp_path: Path) -> None:
    receipt = tmp_path / "reports" / "deploy.json"
    said = str(deploy(model, pictures, tmp_path / "bundle", receipt, HERE))
    assert said.endswith("the local service answered 2 test frames as the model does (4 detections)")
    written = json.loads(receipt.read_text())
    assert written["target"] == "local"
    assert written["model"]["names"] == list(NAMES)
    assert written["check"] == {
        "pictures": 2,
        "detections": 4,
        "detections_low": 6,
        "box_difference": 0.0,
        "score_difference": 0.0,
    }


def test_nothing_is_served_when_not_asked_for(model: Path, tmp_path: Path) -> None:
    receipt = tmp_path / "deploy.json"
    done = deploy(model, tmp_path / "no pictures", tmp_path / "bundle", receipt, NOWHERE)
    assert str(done).endswith("served nowhere, as deploy=none says")
    assert json.loads(receipt.read_text())["check"] is None
    assert (tmp_path / "bundle" / "model.onnx").is_file()


def test_the_stage_reads_params(model: Path, pictures: Path, tmp_path: Path) -> None:
    settings = compose("deploy.threads=1", "deploy.check_frames=1").model_dump()
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(settings))
    command = ["--model", model, "--pictures", pictures, "--params", "params.yaml"]
    done = subprocess.run(
        [sys.executable, "-m", "stages.deploy", *map(str, command)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("deploy: models/bundle holds model ")
    assert (tmp_path / "reports" / "deploy.json").is_file()
    assert (tmp_path / "models" / "bundle" / "SHA256SUMS").is_file()


def test_no_pictures_to_check_with(model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        deploy(model, tmp_path / "none", tmp_path / "bundle", tmp_path / "deploy.json", HERE)
    assert str(caught.value) == (
        f"there are no pictures in '{tmp_path}/none' to check the service with: make them with dvc repro"
    )
    assert not (tmp_path / "deploy.json").exists()


def test_pictures_are_spread_over_all(pictures: Path) -> None:
    assert [path.stem for path in choose(pictures, 3)] == ["1000000", "1000001", "1000003"]
    assert len(choose(pictures, 99)) == 5


def test_another_model_behind_the_service_is_noticed(server: Server, pictures: Path, tmp_path: Path) -> None:
    other = write_constant_model(tmp_path / "best.onnx", NAMES, (64, 64), [(0, 16, 32, 48, 0.9, 1)], threshold=0.5)
    bundle = pack(other, tmp_path / "bundle", LIMITS)
    with pytest.raises(ServiceError) as caught:
        compare(server.url, bundle, other, choose(pictures, 1))
    assert str(caught.value) == (
        "the service answers 1000000.jpg otherwise than the model (it serves another model): "
        "deploy again with dvc repro --force deploy"
    )


def test_other_boxes_are_noticed(server: Server, bundle: Bundle, pictures: Path, tmp_path: Path) -> None:
    boxes = [(0, 16, 32, 48.01, 0.9, 1), (16, 16, 48, 32, 0.6, 0), (40, 40, 60, 60, 0.05, 0)]
    shifted = write_constant_model(tmp_path / "best.onnx", NAMES, (64, 64), boxes, threshold=0.5)
    with pytest.raises(ServiceError, match=r"boxes off by 0\.047 pixels, scores by 0"):
        compare(server.url, bundle, shifted, choose(pictures, 1))


def test_fewer_boxes_are_noticed(server: Server, bundle: Bundle, pictures: Path, tmp_path: Path) -> None:
    fewer = write_constant_model(tmp_path / "best.onnx", NAMES, (64, 64), [(0, 16, 32, 48, 0.9, 1)], threshold=0.5)
    with pytest.raises(ServiceError, match="2 detections, not 1 of the same classes"):
        compare(server.url, bundle, fewer, choose(pictures, 1))


def test_a_picture_that_the_service_refuses(server: Server, bundle: Bundle, tmp_path: Path, model: Path) -> None:
    (tmp_path / "big.png").write_bytes(picture(1001, 1000, ".png"))
    with pytest.raises(InputError, match=r"big\.png' cannot be used to check the service \(the picture is 1001x1000"):
        compare(server.url, bundle, model, choose(tmp_path, 1))


def test_a_service_that_is_gone(bundle: Bundle, pictures: Path, model: Path) -> None:
    with pytest.raises(ServiceError, match=r"http://127\.0\.0\.1:9/ping does not answer \(ConnectionRefusedError\)"):
        compare("http://127.0.0.1:9", bundle, model, choose(pictures, 1))


def test_a_corrupt_bundle_does_not_start(model: Path, tmp_path: Path) -> None:
    bundle = pack(model, tmp_path / "bundle", LIMITS)
    bundle.model.write_bytes(bundle.model.read_bytes()[:-1])
    with pytest.raises(ServiceError) as caught, running(bundle.folder, "127.0.0.1", 0, 1):
        pass
    assert str(caught.value) == (
        f"the server did not start ('{bundle.model}' is not what it was when the bundle was made: make it again with "
        "python -m stages.deploy): see more with python -m stages.deploy serve"
    )


def test_the_server_is_stopped_when_the_check_fails(bundle: Bundle) -> None:
    urls = []

    def fail_while_it_runs() -> None:
        with running(bundle.folder, "0.0.0.0", 0, 1) as url:
            urls.append(url)
            assert httpx.get(f"{url}/ping").status_code == 200
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_while_it_runs()
    assert urls[0].startswith("http://127.0.0.1:")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{urls[0]}/ping")
