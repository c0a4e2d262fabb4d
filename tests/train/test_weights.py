"""What a model starts from, with and without a network."""

from __future__ import annotations

import http.server
import socket
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.common.errors import InputError
from stages.train import weights as module
from stages.train.weights import fetch, find_weights
from tests.train.tiny import model


def write_zip(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"weights")
    return path


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Publishes what lies in the folder."""
    folder = tmp_path / "published"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *args: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        monkeypatch.setattr(module, "PUBLISHED", f"http://127.0.0.1:{running.server_port}")
        monkeypatch.setattr(module, "OFFLINE", False)
        yield folder
        running.shutdown()
        thread.join()


def test_scratch_is_scratch(tmp_path: Path) -> None:
    found = find_weights(model(weights="scratch"), tmp_path, tmp_path)
    assert (found.origin, found.path, found.notice) == ("scratch", None, "")


@pytest.mark.parametrize("folder", ["cache", "project"])
def test_weights_that_are_there_are_taken(tmp_path: Path, folder: str) -> None:
    path = write_zip(tmp_path / folder / "yolo11n.pt")
    found = find_weights(model(weights="pretrained"), tmp_path / "cache", tmp_path / "project")
    assert (found.origin, found.path, len(found.sha256), found.notice) == ("pretrained", path, 64, "")


def test_published_weights_are_downloaded_once(tmp_path: Path, server: Path) -> None:
    published = write_zip(server / "yolo11n.pt")
    for _ in range(2):
        found = find_weights(model(weights="pretrained"), tmp_path / "cache", tmp_path)
        published.unlink(missing_ok=True)
        assert found.origin == "pretrained"
        assert found.path == tmp_path / "cache" / "yolo11n.pt"
    assert list((tmp_path / "cache").iterdir()) == [tmp_path / "cache" / "yolo11n.pt"]


@pytest.mark.parametrize(("content", "reason"), [(None, "HTTP 404"), (b"<html>", "what came was no checkpoint")])
def test_without_them_it_is_scratch_with_a_notice(
    tmp_path: Path, server: Path, content: bytes | None, reason: str
) -> None:
    if content is not None:
        (server / "yolo11n.pt").write_bytes(content)
    found = find_weights(model(weights="pretrained"), tmp_path / "cache", tmp_path)
    assert (found.origin, found.path, found.sha256) == ("scratch", None, "")
    assert found.notice.startswith(f"the published weights of yolo11n cannot be had ({reason}), so it learns from")
    assert not list(tmp_path.glob("cache/*"))


def test_a_server_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        reason = fetch(f"http://127.0.0.1:{mute.getsockname()[1]}/a.pt", tmp_path / "a.pt")
    assert reason in ("no answer within 0 s", "ReadTimeout")
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_a_reason(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert fetch(f"http://127.0.0.1:{port}/a.pt", tmp_path / "a.pt") == "ConnectionError"


def test_nothing_is_asked_for_when_the_user_is_offline(
    tmp_path: Path, server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_zip(server / "yolo11n.pt")
    monkeypatch.setattr(module, "OFFLINE", True)
    found = find_weights(model(weights="pretrained"), tmp_path / "cache", tmp_path)
    assert "(YOLO_OFFLINE is set)" in found.notice


def test_a_file_is_taken_from_the_project(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "mine" / "old.pt")
    found = find_weights(model(weights="mine/old.pt"), tmp_path / "cache", tmp_path)
    assert (found.origin, found.path) == ("file", path)


def test_a_file_that_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.pt' does not exist; give the path"):
        find_weights(model(weights="gone.pt"), tmp_path, tmp_path)
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(InputError, match=r"text\.pt' is not a PyTorch checkpoint"):
        find_weights(model(weights="text.pt"), tmp_path, tmp_path)
