import hashlib
import socket

import pytest

from stages.common.errors import InputError
from stages.evaluate.fetch import fetch, read_checksums

CONTENT = {"1564564867702,99.jpg": b"one", "a b.jpg": b"two", "c.jpg": b"three"}
SUMS = {name: hashlib.sha256(data).hexdigest() for name, data in CONTENT.items()}


@pytest.fixture
def files(tmp_path):
    return {name: tmp_path / "photographs/dataset" / name for name in CONTENT}


@pytest.fixture
def filled(server):
    for name, data in CONTENT.items():
        (server.folder / name).write_bytes(data)
    return server


def test_files_are_fetched_once(filled, files):
    assert fetch(filled.address, files, SUMS) == 3
    assert {name: path.read_bytes() for name, path in files.items()} == CONTENT
    assert fetch(filled.address + "/", files, SUMS) == 0
    assert len(filled.asked) == 3


def test_a_run_that_was_cut_off_goes_on(filled, files):
    (filled.folder / "c.jpg").unlink()
    with pytest.raises(InputError, match=r"cannot be fetched from 127\.0\.0\.1:\d+ \(it answers 404"):
        fetch(filled.address, files, SUMS)
    (filled.folder / "c.jpg").write_bytes(CONTENT["c.jpg"])
    assert fetch(filled.address, files, SUMS) == 1
    assert filled.asked.count("/a%20b.jpg") == 1


def test_a_file_that_was_altered_is_fetched_again(filled, files):
    fetch(filled.address, files, SUMS)
    files["c.jpg"].write_bytes(b"half")
    assert fetch(filled.address, files, SUMS) == 1
    assert files["c.jpg"].read_bytes() == CONTENT["c.jpg"]


def test_what_may_pass_is_tried_again_and_what_may_not_is_not(filled, files):
    filled.failures = [503]
    assert fetch(filled.address, files, SUMS) == 3
    asked = len(filled.asked)
    filled.failures = [403]
    files["c.jpg"].unlink()
    with pytest.raises(InputError, match=r"it answers 403 .*set real\.root to a copy"):
        fetch(filled.address, files, SUMS)
    assert len(filled.asked) == asked + 1


def test_another_file_than_the_labelled_one_is_not_kept(filled, files):
    (filled.folder / "a b.jpg").write_bytes(b"<html>sign in</html>")
    with pytest.raises(InputError, match=r"'a b\.jpg' from .* is not the photograph that was labelled") as error:
        fetch(filled.address, files, SUMS)
    assert "\n" not in str(error.value)
    assert not files["a b.jpg"].exists()
    assert [path.name for path in files["a b.jpg"].parent.iterdir()] == ["1564564867702,99.jpg"]


def test_no_server_and_a_silent_one_end_with_a_sentence(files):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(InputError, match=r"cannot be fetched from 127\.0\.0\.1:\d+ \(.*refused"):
            fetch(address, files, SUMS)
        silent.listen()
        with pytest.raises(InputError, match=r"cannot be fetched from .*timed out"):
            fetch(address, files, SUMS, timeout=0.2)
    with pytest.raises(InputError, match="cannot be fetched from nowhere"):
        fetch("nowhere", files, SUMS)


def test_a_photograph_without_a_checksum_is_not_trusted(filled, files):
    with pytest.raises(InputError, match=r"real\.checksums has no line for 'c\.jpg'"):
        fetch(filled.address, files, {name: value for name, value in SUMS.items() if name != "c.jpg"})


def test_checksum_lists(tmp_path):
    path = tmp_path / "SHA256SUMS"
    path.write_text("".join(f"{digest}  {name}\n" for name, digest in SUMS.items()))
    assert read_checksums(path) == SUMS
    path.write_text("<html>")
    with pytest.raises(InputError, match="have the line '<html>', not 'SHA256  NAME'"):
        read_checksums(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_checksums(tmp_path / "absent")
