"""LOCO from a server on this machine that truncates, stalls, lies, and sends web pages."""

import hashlib
import http.server
import io
import json
import threading
import time
import zipfile

import pytest

from stages.common.errors import InputError
from stages.common.settings.learning import Real
from stages.evaluate.loco import RECORD, UNLABELLED, fetch_loco
from stages.evaluate.real import LabelledSet, Unmeasured, real_set
from tests.evaluate.conftest import NAMES, annotation, loco_json, write_photograph
from tests.settings import compose

PICTURES = ["subset-1/1,07.jpg", "subset-2/1,07.jpg", "subset-3/2019-12-17_10/Cam1/1.2.jpg", "subset-4/9.jpg"]
PAGE = b"<!DOCTYPE html><title>Sign in</title>"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with byte ranges; ``server.moods`` says what goes wrong with the next answers."""

    def do_GET(self):
        server = self.server
        data = server.files[self.path]
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        server.asked.append((self.path, start))
        mood = server.moods.pop(0) if server.moods else server.mood
        if mood == "page":
            return self.answer(200, PAGE, "text/html")
        if mood == "page as zip":
            return self.answer(200, PAGE.ljust(len(data)), "application/zip")
        if isinstance(mood, int):
            return self.send_error(mood)
        if mood == "no ranges" or "without ranges" in str(mood):
            start = 0
        if start >= len(data):
            return self.send_error(416)
        rest = data[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        if mood in ("truncate", "stall", "truncate without ranges", "less without ranges"):
            self.wfile.write(rest[: len(rest) // (3 if mood.startswith("less") else 2)])
            self.wfile.flush()
            if mood == "stall":
                server.released.wait(5)
            self.close_connection = True
        elif mood == "nothing":
            self.close_connection = True
        else:
            self.wfile.write(rest)

    def answer(self, status, body, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Quiet."""


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for seed, name in enumerate([*PICTURES, "subset-1/unlabelled.jpg"]):
            archive.write(write_photograph(folder / name, seed=seed), f"dataset/{name}")
    boxes = [annotation(number, "pallet_truck", (10, 10, 40, 60)) for number in (1, 2, 3, 4)]
    return {"/zip": packed.getvalue(), "/all.json": json.dumps(loco_json(PICTURES, boxes)).encode()}


@pytest.fixture
def server(content):
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    made.files, made.asked, made.moods, made.mood = dict(content), [], [], None
    made.released = threading.Event()
    thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield made
    made.released.set()
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def settings(server, content):
    address = f"http://127.0.0.1:{server.server_address[1]}"
    return Real.model_validate(
        {
            "name": "loco",
            "annotations": "rgb/all.json",
            "training": ["subset-2", "subset-3", "subset-5"],
            "files": [
                {"address": f"{address}/zip", "path": "dataset", "size": len(content["/zip"]), "kind": "zip"},
                {"address": f"{address}/all.json", "path": "rgb/all.json", "size": 0, "kind": "coco"},
            ],
        }
    )


def names_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


WHOLE = sorted(
    [*(f"dataset/{name}" for name in PICTURES), "dataset/subset-1/unlabelled.jpg", "rgb/all.json", UNLABELLED, RECORD]
)


def test_it_is_fetched_once_and_says_what_is_not_labelled(server, settings, tmp_path):
    assert isinstance(real_set(settings, NAMES, tmp_path), Unmeasured)
    fetched = fetch_loco(settings, tmp_path)
    assert fetched.new == 2
    assert fetched.labelled == 4
    assert fetched.unlabelled == ("dataset/subset-1/unlabelled.jpg",)
    assert "1 have no entry in the annotations: they are unlabelled, not empty" in fetched.summary()
    assert names_below(tmp_path / "data/real/loco") == WHOLE
    assert (tmp_path / "data/real/loco" / UNLABELLED).read_text() == "dataset/subset-1/unlabelled.jpg\n"
    assert fetch_loco(settings, tmp_path).new == 0
    assert len(server.asked) == 2


def test_only_the_validation_subsets_are_measured(settings, tmp_path):
    fetch_loco(settings, tmp_path)
    labelled = real_set(settings, NAMES, tmp_path)
    assert isinstance(labelled, LabelledSet)
    assert [picture.name for picture in labelled.pictures] == ["dataset/subset-1/1,07.jpg", "dataset/subset-4/9.jpg"]


@pytest.mark.parametrize("mood", ["truncate", "stall"])
def test_an_answer_that_ends_early_is_gone_on_with(server, settings, content, tmp_path, mood):
    server.moods = [mood]
    assert fetch_loco(settings, tmp_path, timeout=0.3).labelled == 4
    half = len(content["/zip"]) // 2
    assert server.asked[:2] == [("/zip", 0), ("/zip", half)]


def test_a_call_that_was_cut_off_goes_on_in_the_next(server, settings, content, tmp_path):
    server.moods = ["truncate", 404]
    with pytest.raises(InputError, match="it answers 404"):
        fetch_loco(settings, tmp_path)
    assert not (tmp_path / "data/real/loco/dataset").exists()
    server.asked.clear()
    fetch_loco(settings, tmp_path)
    assert server.asked[0] == ("/zip", len(content["/zip"]) // 2)
    assert names_below(tmp_path / "data/real/loco") == WHOLE


def test_a_server_without_ranges_starts_again(server, settings, tmp_path):
    server.moods = ["truncate", "no ranges"]
    assert fetch_loco(settings, tmp_path).labelled == 4


def test_a_server_that_sends_nothing_is_left_after_some_tries(server, settings, tmp_path):
    server.moods, server.mood = ["truncate"], "nothing"
    start = time.monotonic()
    with pytest.raises(InputError, match=r"sent \d+ of \d+ bytes .* run it again, it goes on from there"):
        fetch_loco(settings, tmp_path, timeout=0.3)
    assert time.monotonic() - start < 30
    server.mood = None
    assert fetch_loco(settings, tmp_path).new == 2


def test_a_server_that_begins_anew_each_time_is_left_after_some_tries(server, settings, tmp_path):
    """Nothing comes beyond what had come before, though each second answer brings more than the one before it."""
    server.moods = [mood for _ in range(50) for mood in ("truncate without ranges", "less without ranges")]
    with pytest.raises(InputError, match=r"sent \d+ of \d+ bytes"):
        fetch_loco(settings, tmp_path, timeout=0.3)
    assert len(server.asked) < 12


def test_a_web_page_is_recognised(server, settings, tmp_path):
    server.moods = ["page"]
    with pytest.raises(InputError, match="it sends a web page instead"):
        fetch_loco(settings, tmp_path)
    server.moods = ["page as zip"]
    with pytest.raises(InputError, match="sent a web page; it was removed"):
        fetch_loco(settings, tmp_path)
    assert names_below(tmp_path / "data/real/loco") == []
    server.moods = [None, "page as zip"]
    with pytest.raises(InputError, match=r"is no annotation file: .* a web page"):
        fetch_loco(settings, tmp_path)
    assert fetch_loco(settings, tmp_path).new == 1


def test_another_size_is_refused_before_it_is_fetched(server, settings, content, tmp_path):
    server.files["/zip"] = content["/zip"] + b"more"
    with pytest.raises(InputError, match=rf"its file has {len(content['/zip']) + 4} bytes, not {len(content['/zip'])}"):
        fetch_loco(settings, tmp_path)


def test_a_damaged_archive_is_removed(server, settings, content, tmp_path):
    broken = bytearray(content["/zip"])
    broken[len(broken) // 2] ^= 255
    server.files["/zip"] = bytes(broken)
    with pytest.raises(InputError, match=r"no whole ZIP archive .*it was removed, run it again"):
        fetch_loco(settings, tmp_path)
    assert names_below(tmp_path / "data/real/loco") == []
    server.files["/zip"] = content["/zip"]
    assert fetch_loco(settings, tmp_path).new == 2


def test_an_archive_cannot_write_elsewhere(server, settings, content, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("dataset/../../../evil.jpg", b"x")
    server.files["/zip"] = packed.getvalue()
    file = settings.files[0].model_copy(update={"size": len(packed.getvalue())})
    with pytest.raises(InputError, match="outside of its folder"):
        fetch_loco(settings.model_copy(update={"files": [file]}), tmp_path)
    assert not list(tmp_path.rglob("evil.jpg"))


def test_a_file_must_stay_that_of_the_first_fetch(server, settings, content, tmp_path):
    """LOCO's annotations have neither size nor hash, and their branch may move on."""
    fetch_loco(settings, tmp_path)
    root = tmp_path / "data/real/loco"
    first = json.loads((root / RECORD).read_text())
    assert first["rgb/all.json"] == {
        "address": settings.files[1].address,
        "size": len(content["/all.json"]),
        "sha256": hashlib.sha256(content["/all.json"]).hexdigest(),
    }
    assert first["dataset"]["sha256"] == hashlib.sha256(content["/zip"]).hexdigest()
    (root / "rgb/all.json").unlink()
    changed = content["/all.json"].replace(b"[10, 10, 40, 60]", b"[10, 10, 40, 61]")
    server.files["/all.json"] = changed
    with pytest.raises(InputError, match=r"all.json' sent not the file of the first fetch .*fetch-loco --renew`"):
        fetch_loco(settings, tmp_path)
    assert json.loads((root / RECORD).read_text()) == first
    assert not (root / "rgb/all.json").exists()
    assert fetch_loco(settings, tmp_path, renew=True).new == 1
    assert fetch_loco(settings, tmp_path).new == 0
    (root / "rgb/all.json").write_bytes(content["/all.json"])
    with pytest.raises(InputError, match=r"all.json' is not the file of the first fetch"):
        fetch_loco(settings, tmp_path)
    assert fetch_loco(settings, tmp_path, renew=True).new == 0
    (root / RECORD).write_text("<html>")
    with pytest.raises(InputError, match=r"fetched.json', which says what was fetched, cannot be read; remove it"):
        fetch_loco(settings, tmp_path)


def test_the_settings_name_the_published_sizes_and_split():
    real = compose("real=loco").real
    assert [file.size for file in real.files if file.kind == "zip"] == [769_055_500]
    assert real.training == ["subset-2", "subset-3", "subset-5"]
    assert real.annotations in {file.path for file in real.files}


def test_a_full_disk_is_named(server, settings, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("stages.evaluate.download._copy", full)
    with pytest.raises(InputError, match=r"cannot be written \(No space left on device\); make room"):
        fetch_loco(settings, tmp_path)
