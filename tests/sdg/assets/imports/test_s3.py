"""Objects in object storage, from a real S3 server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.common.errors import InputError, StorageError
from stages.common.settings.platform import Storage
from stages.sdg.assets.imports import s3 as module
from stages.sdg.assets.imports.prepare import prepare
from stages.sdg.assets.imports.store import read_meta
from tests.push.conftest import KEY, SECRET, S3Server, free_port, serve_s3
from tests.sdg.assets.imports.files import TEXTURED, USDA, entry, png, write_truck


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """The right key, and nobody's AWS files."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(place / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(place / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setattr(module, "ATTEMPTS", 1)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    folder = tmp_path_factory.mktemp("buckets")
    things = folder / "things"
    (things / "usd" / "textures").mkdir(parents=True)
    (things / "trucks").mkdir()
    write_truck(things / "trucks" / "a.glb")
    write_truck(things / "trucks" / "b.glb")
    (things / "usd" / "scene.usda").write_text(
        USDA + 'def "W" (\n    prepend references = @./plate.usda@</World>\n)\n{\n}\n'
    )
    (things / "usd" / "plate.usda").write_text(TEXTURED.replace("checks.png", "textures/checks.png"))
    (things / "usd" / "textures" / "checks.png").write_bytes(png())
    with serve_s3(folder) as running:
        yield running


def storage(endpoint: str) -> Storage:
    return Storage(name="s3", kind="s3", bucket="any", endpoint=endpoint)


def test_a_file_comes_with_all_that_it_refers_to(server: S3Server, place: Path) -> None:
    made = prepare(entry("s3://things/usd/scene.usda", **{"class": "pallet"}), storage(server.endpoint))
    (meta,) = made.metas()
    assert [name for name, _ in meta["files"]] == ["plate.usda", "scene.usda", "textures/checks.png"]
    assert meta["facts"]["missing"] == []
    assert meta["facts"]["textures"] == 1
    assert made.labels() == {"pallet"}


def test_a_folder_gives_its_files(server: S3Server, place: Path) -> None:
    made = prepare(entry("s3://things/trucks/", **{"class": "pallet_truck"}), storage(server.endpoint))
    assert [Path(name).name for name in made.sources] == ["a.glb", "b.glb"]


def test_a_file_is_fetched_once_and_again_when_it_has_changed(
    server: S3Server, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = entry("s3://things/trucks/a.glb", **{"class": "pallet_truck"})
    first = prepare(wanted, storage(server.endpoint))
    with monkeypatch.context() as patch:
        patch.setattr(module.Bucket, "_download", lambda *_: pytest.fail("was fetched again"))
        assert prepare(wanted, storage(server.endpoint)) == first
    server.admin.put_object(Bucket="things", Key="trucks/a.glb", Body=changed(server))
    assert prepare(wanted, storage(server.endpoint)).contents != first.contents


def changed(server: S3Server) -> bytes:
    """The file with another last coordinate."""
    data = (server.folder / "things" / "trucks" / "a.glb").read_bytes()
    return data[:-1] + bytes([data[-1] ^ 1])


def test_a_missing_object_is_named(server: S3Server) -> None:
    with pytest.raises(InputError, match=r"assets.thing: s3://things/gone.glb is not there: correct its source"):
        prepare(entry("s3://things/gone.glb"), storage(server.endpoint))


def test_a_missing_bucket_is_named(server: S3Server) -> None:
    with pytest.raises(StorageError, match=r"bucket 'nowhere' does not exist at http://127.0.0.1"):
        prepare(entry("s3://nowhere/trucks/"), storage(server.endpoint))


def test_an_empty_folder_is_named(server: S3Server) -> None:
    with pytest.raises(InputError, match=r"s3://things/gone/ holds no file of"):
        prepare(entry("s3://things/gone/"), storage(server.endpoint))


def test_a_bucket_alone_is_no_object(server: S3Server) -> None:
    with pytest.raises(InputError, match="names no object: write s3://bucket/key"):
        prepare(entry("s3://things"), storage(server.endpoint))


def test_a_large_object_is_refused_before_it_is_fetched(server: S3Server, place: Path) -> None:
    with pytest.raises(InputError, match=r"s3://things/trucks/b.glb takes 0 MiB, above max_file_mb: 0.001"):
        prepare(entry("s3://things/trucks/b.glb", max_file_mb=0.001), storage(server.endpoint))
    assert not list(place.rglob("b.glb"))


@pytest.mark.parametrize("source", ["s3://things/trucks/a.glb", "s3://things/trucks/"])
def test_refused_credentials_end_in_one_sentence(
    source: str, server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-and-not-to-be-shown")
    with pytest.raises(StorageError, match=r"refuses these credentials for s3://things/.*: check AWS_ACCESS") as caught:
        prepare(entry(source), storage(server.endpoint))
    assert "wrong-and" not in str(caught.value)


def test_a_server_that_does_not_answer_is_named() -> None:
    with pytest.raises(StorageError, match=r"http://127.0.0.1:\d+ does not answer: start it"):
        prepare(entry("s3://things/trucks/a.glb"), storage(f"http://127.0.0.1:{free_port()}"))


def test_references_do_not_lead_out_of_the_bucket(place: Path) -> None:
    bucket = module.Bucket("s3://things/usd/scene.usda", storage("http://127.0.0.1:1"), place)
    assert bucket.beside("usd/scene.usda", "./parts/../plate.usda") == "usd/plate.usda"
    assert bucket.beside("usd/scene.usda", "../trucks/a.glb") == "trucks/a.glb"
    assert bucket.beside("usd/scene.usda", "../../../etc/passwd") is None
    assert bucket.beside("usd/scene.usda", "omniverse://host/x.usd") is None
    assert bucket.beside("usd/scene.usda", "/etc/passwd") is None


def test_metadata_is_of_the_object(server: S3Server, place: Path) -> None:
    made = prepare(entry("s3://things/trucks/b.glb", **{"class": "pallet_truck"}), storage(server.endpoint))
    assert read_meta(made.contents[0])["facts"]["format"] == "glTF binary"
