"""The bundle: whole, checked, the same bytes each time."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from stages.common.errors import InputError
from stages.deploy.bundle import Bundle, open_bundle, pack
from tests.deploy.conftest import LIMITS, NAMES


@pytest.fixture
def own(model: Path, tmp_path: Path) -> Bundle:
    """A bundle to spoil."""
    return pack(model, tmp_path / "bundle", LIMITS)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_what_is_read_is_what_was_packed(own: Bundle) -> None:
    again = open_bundle(own.folder)
    assert again == own
    assert again.settings.names == NAMES
    assert again.settings.input_size == (64, 64)
    assert again.settings.postprocessing.threshold == 0.5
    assert again.settings.serving == LIMITS


def test_the_same_model_gives_the_same_bytes(own: Bundle, model: Path, tmp_path: Path) -> None:
    assert contents(pack(model, tmp_path / "again", LIMITS).folder) == contents(own.folder)


def test_the_sums_are_those_of_sha256sum(own: Bundle) -> None:
    done = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=own.folder, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.count(": OK") == len(contents(own.folder)) - 1


def test_packing_replaces_what_was_there(own: Bundle, model: Path) -> None:
    (own.folder / "left over").write_text("x")
    pack(model, own.folder, LIMITS)
    assert "left over" not in contents(own.folder)
    assert [path.name for path in own.folder.parent.iterdir()] == ["bundle"]


def test_where_the_model_comes_from(model: Path, tmp_path: Path) -> None:
    beside = tmp_path / "best.onnx"
    beside.write_bytes(model.read_bytes())
    (tmp_path / "training.json").write_text(json.dumps({"run_id": "abc", "data_revision": "123.dir", "epochs": []}))
    bundle = pack(beside, tmp_path / "bundle", LIMITS)
    assert bundle.settings.training == {"run_id": "abc", "data_revision": "123.dir"}
    assert "- data revision: `123.dir`" in (bundle.folder / "README.md").read_text()


def test_no_model_leaves_the_old_bundle(own: Bundle, tmp_path: Path) -> None:
    before = contents(own.folder)
    (tmp_path / "bad.onnx").write_text("no model")
    with pytest.raises(InputError, match="is not an ONNX model"):
        pack(tmp_path / "bad.onnx", own.folder, LIMITS)
    assert contents(own.folder) == before


@pytest.mark.parametrize("name", ["model.onnx", "bundle.json", "labels.txt", "README.md"])
def test_a_changed_file_is_noticed(own: Bundle, name: str) -> None:
    path = own.folder / name
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(InputError) as caught:
        open_bundle(own.folder)
    assert str(caught.value) == (
        f"'{path}' is not what it was when the bundle was made: make it again with python -m stages.deploy"
    )


def test_a_missing_file_is_noticed(own: Bundle) -> None:
    (own.folder / "model.onnx").unlink()
    with pytest.raises(InputError, match=r"model\.onnx' is missing: make it again with python -m stages\.deploy"):
        open_bundle(own.folder)


def test_settings_of_another_version_are_noticed(own: Bundle) -> None:
    path = own.folder / "bundle.json"
    path.write_text("{}")
    (own.folder / "SHA256SUMS").write_text("")
    with pytest.raises(InputError, match=r"bundle\.json' is not this version's"):
        open_bundle(own.folder)
