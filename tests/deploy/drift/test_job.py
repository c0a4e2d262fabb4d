"""The drift job on what SageMaker captures."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from stages.common.detection.detector import Detector
from stages.common.errors import InputError, ServiceError
from stages.deploy.answer import answer as answered
from stages.deploy.bundle import Bundle, open_bundle, pack
from stages.deploy.deploy import deploy
from stages.deploy.drift.captured import count, in_bucket
from stages.deploy.drift.measures import Histograms
from stages.deploy.drift.reference import make_reference
from stages.deploy.drift.report import drift_of_endpoint, drift_of_folder
from stages.deploy.endpoint.account import Account
from tests.deploy.conftest import LIMITS, NAMES
from tests.deploy.endpoint.aws import Aws, captured
from tests.deploy.endpoint.conftest import ENDPOINT, account, clients, fake, settings_of  # noqa: F401


def shot(bright: int, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(bright, bright + 40, (200, 300, 3), np.uint8)
    return bytes(cv2.imencode(".jpg", pixels)[1])


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with frames to test on and statistics; the folder of the frames."""
    root = tmp_path_factory.mktemp("dataset")
    pictures = root / "yolo" / "images" / "test"
    pictures.mkdir(parents=True)
    for number in range(40):
        (pictures / f"{number:07d}.jpg").write_bytes(shot(120, number))
    heights = {"<16": 0, "16-32": 5, "32-64": 5, "64-128": 90, "128-256": 0, "256-512": 0, ">=512": 0}
    statistics = {
        "boxes": {"train": {"forklift": 50, "pallet": 50}},
        "box_height_pixels": dict.fromkeys(NAMES, heights),
    }
    (root / "statistics.json").write_text(json.dumps(statistics))
    return pictures


@pytest.fixture
def packed(model: Path, dataset: Path, tmp_path: Path) -> Bundle:
    return pack(model, tmp_path / "bundle", LIMITS, make_reference(model, dataset, LIMITS.max_pixels))


def answer(bundle: Bundle, count: int = 2) -> dict[str, Any]:
    """What the model says to every such picture, or only its best detections."""
    found = Detector(bundle.model, threads=1).detect(np.zeros((200, 300, 3), np.uint8))
    said = answered(found, bundle.settings.names, 300, 200, bundle.settings.model_sha256)
    return said | {"detections": said["detections"][:count]}


def test_the_reference_travels_in_the_bundle(packed: Bundle, model: Path, dataset: Path, tmp_path: Path) -> None:
    again = open_bundle(packed.folder)
    reference = json.loads((again.folder / "reference.json").read_text())
    assert (reference["answers"], reference["pictures"], reference["threshold"]) == (40, 40, 0.5)
    assert reference["counts"]["objects"]["2-3"] == 40
    assert reference["trained"]["category"] == {"forklift": 50, "pallet": 50}
    assert reference["trained"]["box_height_pixels"]["64-128"] == 180
    assert make_reference(model, tmp_path / "nowhere", 1_000_000) is None


@pytest.mark.parametrize("encoding", ["JSON", "BASE64", "CSV"])
def test_every_encoding_is_read(packed: Bundle, encoding: str) -> None:
    lines = captured([(shot(120, 0), answer(packed))], "BASE64" if encoding == "BASE64" else "JSON")
    lines = lines.replace(b'"encoding": "JSON"', f'"encoding": "{encoding}"'.encode())
    seen = count(lines.splitlines(), Histograms(NAMES, 0.5), packed.settings.model_sha256, 1_000_000)
    assert (seen.histograms.answers, seen.histograms.pictures, seen.unreadable) == (1, 1, 0)


def test_what_cannot_be_read_is_counted_and_left_out(packed: Bundle) -> None:
    good = captured([(shot(120, 0), answer(packed))]).splitlines()
    foreign = captured([(shot(120, 0), answer(packed) | {"model": "another"})]).splitlines()
    broken = captured([(b"no picture", answer(packed))]).splitlines()
    outputs_alone = json.loads(good[0])
    del outputs_alone["captureData"]["endpointInput"]
    lines = [b"", b"{", b"[]", b'{"captureData": {}}', *foreign, *broken, json.dumps(outputs_alone).encode(), *good]
    lines.append(good[0].replace(b'"encoding": "JSON"', b'"encoding": "ROT13"'))
    seen = count(lines, Histograms(NAMES, 0.5), packed.settings.model_sha256, 1_000_000)
    assert (seen.histograms.answers, seen.histograms.pictures, seen.unreadable, seen.others) == (3, 1, 5, 1)


@pytest.mark.parametrize("kept", ["text", ["a", "list"], 7, {"encoding": "BASE64", "data": 7}])
def test_a_picture_that_was_kept_as_something_else_is_left_out(packed: Bundle, kept: object) -> None:
    record = json.loads(captured([(shot(120, 0), answer(packed))]))
    record["captureData"]["endpointInput"] = kept
    seen = count([json.dumps(record).encode()], Histograms(NAMES, 0.5), packed.settings.model_sha256, 1_000_000)
    assert (seen.histograms.answers, seen.histograms.pictures, seen.unreadable) == (1, 0, 0)


@pytest.mark.parametrize(
    ("hours", "found"), [(0.7, [b"14"]), (0.99, [b"14", b"13"]), (1, [b"14", b"13"]), (1.9, [b"14", b"13", b"12"])]
)
def test_each_hour_that_is_asked_for_is_read(fake: Aws, hours: float, found: list[bytes]) -> None:  # noqa: F811
    folder = f"s3://models/sim-to-cloud/endpoints/{ENDPOINT}/capture/{ENDPOINT}/AllTraffic/2026/07/01"
    for hour in (11, 12, 13, 14):
        fake.put(f"{folder}/{hour}/00-00-000-a.jsonl", str(hour).encode())
    assert list(in_bucket(Account(settings_of(fake)), hours, datetime(2026, 7, 1, 14, 47, tzinfo=UTC))) == found


@pytest.mark.parametrize("hours", [float("nan"), float("inf"), 1e12, 0, -1])
def test_hours_that_cannot_be_looked_back(fake: Aws, hours: float, tmp_path: Path) -> None:  # noqa: F811
    with pytest.raises(InputError, match=r"is no time to look back: give more than 0 and at most 8760$"):
        drift_of_endpoint(settings_of(fake), hours, tmp_path / "drift.json", strict=False)
    assert fake.calls == []


def captures(packed: Bundle, bright: int, boxes: int = 2, number: int = 60) -> bytes:
    said = answer(packed, boxes)
    return captured([(shot(bright, 100 + one), said) for one in range(number)])


def test_what_is_alike_has_not_drifted(packed: Bundle, tmp_path: Path) -> None:
    (tmp_path / "captured").mkdir()
    (tmp_path / "captured" / "a.jsonl").write_bytes(captures(packed, 120))
    out = tmp_path / "drift.json"
    said = drift_of_folder(tmp_path / "captured", packed.folder, out, 0.25, strict=False)
    written = json.loads(out.read_text())
    of_frames = {name: one for name, one in written["measures"].items() if not name.endswith("_trained")}
    assert not [name for name, one in of_frames.items() if one["sure"]]
    assert (written["answers"], written["pictures"]) == (60, 60)
    assert "of 60 answers" in said


def test_darker_pictures_with_fewer_objects_are_told(packed: Bundle, tmp_path: Path) -> None:
    (tmp_path / "captured").mkdir()
    (tmp_path / "captured" / "a.jsonl").write_bytes(captures(packed, 20, boxes=1))
    out = tmp_path / "drift.json"
    with pytest.raises(ServiceError, match=r"has drifted: .*(brightness|objects)"):
        drift_of_folder(tmp_path / "captured", packed.folder, out, 0.25, strict=True)
    measures = json.loads(out.read_text())["measures"]
    assert measures["brightness"]["sure"]
    assert measures["objects"]["sure"]
    page = out.with_suffix(".md").read_text()
    assert "| brightness |" in page
    assert "60 answers, 60 with their picture" in page


def test_too_little_is_said_so(packed: Bundle, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(captures(packed, 120, number=3))
    with pytest.raises(InputError, match=r"hold 3 answers of this model .*fewer than 30: look back further"):
        drift_of_folder(tmp_path, packed.folder, tmp_path / "drift.json", 0.25, strict=False)
    assert not (tmp_path / "drift.json").exists()


def test_the_job_of_an_endpoint(fake: Aws, model: Path, dataset: Path, tmp_path: Path) -> None:  # noqa: F811
    """Deployed with its reference, captured in S3, told to CloudWatch."""
    settings = settings_of(fake)
    with pytest.raises(ServiceError, match="does not exist"):
        drift_of_endpoint(settings, 24, tmp_path / "drift.json", strict=False)
    deploy(model, dataset, tmp_path / "bundle", tmp_path / "deploy.json", settings)
    bundle = open_bundle(tmp_path / "bundle")
    folder = f"s3://models/sim-to-cloud/endpoints/{ENDPOINT}/capture/{ENDPOINT}/AllTraffic"
    now = datetime.now(UTC)
    fake.put(f"{folder}/{now - timedelta(hours=2):%Y/%m/%d/%H}/00-00-000-a.jsonl", captures(bundle, 20))
    fake.put(f"{folder}/{now - timedelta(hours=60):%Y/%m/%d/%H}/00-00-000-b.jsonl", captures(bundle, 120))
    said = drift_of_endpoint(settings, 24, tmp_path / "drift.json", strict=False)
    assert "brightness" in said
    assert json.loads((tmp_path / "drift.json").read_text())["answers"] == 60
    told = {
        {one.name: one.value for one in datum.dimensions}["Measure"]: datum.value
        for datum in fake.cloudwatch.metric_data
        if datum.name == "Drift"
    }
    assert told["Worst"] > 0.25
    assert {"brightness", "objects", "category_trained"} <= set(told)
    fake.sagemaker._models.clear()
    with pytest.raises(ServiceError, match="has lost its configuration or its model: deploy the model again"):
        drift_of_endpoint(settings, 24, tmp_path / "drift.json", strict=False)
    fake.sagemaker.endpoint_configs.clear()
    with pytest.raises(ServiceError, match="has lost its configuration or its model: deploy the model again"):
        drift_of_endpoint(settings, 24, tmp_path / "drift.json", strict=False)
