"""Getting LOCO: its photographs and annotations, checked, unpacked, and what of it is not labelled."""

from __future__ import annotations

import json
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from stages.common.errors import InputError
from stages.common.files import atomic_write, sha256_of, write_json
from stages.common.photographs import load_coco, locate
from stages.common.settings.learning import RealSet, RemoteFile
from stages.evaluate.download import STALL_SECONDS, download
from stages.evaluate.real import photographs_folder

SUFFIXES = {".jpg", ".jpeg", ".png"}
RECORD = "fetched.json"
"""Size and SHA-256 of each file as it was fetched first, by its path: what is published has none to compare with."""

UNLABELLED = "unlabelled.txt"
"""List of photographs without an entry in the annotations."""


@dataclass(frozen=True)
class Fetched:
    """What is there.

    Attributes:
        root: folder of the set.
        new: files that this call fetched.
        labelled: photographs with an entry.
        unlabelled: names of those without.
        missing: names of entries without a photograph.
    """

    root: Path
    new: int
    labelled: int
    unlabelled: tuple[str, ...]
    missing: tuple[str, ...]

    def summary(self) -> str:
        """A line for the user."""
        text = f"fetch-loco: {self.new} files fetched; {self.labelled} labelled photographs in {self.root}"
        if self.unlabelled:
            text += (
                f"; {len(self.unlabelled)} have no entry in the annotations: they are unlabelled, not empty, and used "
                f"for nothing ({UNLABELLED} lists them)"
            )
        if self.missing:
            text += f"; {len(self.missing)} entries have no photograph, '{self.missing[0]}' for one"
        return text


def fetch_loco(settings: RealSet, project: Path, timeout: float = STALL_SECONDS, *, renew: bool = False) -> Fetched:
    """Get all files of a set that are not there yet.

    A file is downloaded beside its place, checked, and renamed, so what has its name is whole, and a call that was cut
    off goes on where it stopped. An archive is removed once its folder is there. Size and SHA-256 of the first fetch
    are kept beside the files, and compared with from then on.

    Args:
        settings: of the set.
        project: folder that relative paths start at.
        timeout: seconds without a byte that count as a stall.
        renew: take files that are not those of the first fetch, and compare with these from now on.

    Raises:
        InputError: when a file cannot be had, has another size, is damaged, or is not that of the first fetch.
    """
    root = photographs_folder(settings, project)
    record = _Record(root / RECORD, renew)
    new = 0
    for file in settings.files:
        place = _inside(root, file.path)
        if place.exists():
            if place.is_file():
                record.compare(file, place, f"'{place}' is")
            continue
        part = root / f".{file.path.replace('/', '-')}.part"
        download(file.address, part, file.size, timeout)
        identity = _identity(part)
        try:
            record.refuse(file, identity, f"'{file.address}' sent")
        except InputError:
            part.unlink()
            raise
        if file.kind == "zip":
            _unpack(part, place, file)
        else:
            _keep_coco(part, place, file)
        record.keep(file, identity)
        new += 1
    return _counted(settings, root, new)


def _identity(path: Path) -> dict[str, Any]:
    return {"size": path.stat().st_size, "sha256": sha256_of(path)}


class _Record:
    """What was fetched first."""

    def __init__(self, path: Path, renew: bool) -> None:
        self._path, self._renew = path, renew
        self._known: dict[str, dict[str, Any]] = {}
        if path.is_file():
            try:
                self._known = {key: dict(value) for key, value in json.loads(path.read_bytes()).items()}
            except (OSError, ValueError, TypeError, AttributeError):
                raise InputError(
                    f"'{path}', which says what was fetched, cannot be read; remove it to take the files as they are"
                ) from None

    def refuse(self, file: RemoteFile, identity: Mapping[str, Any], start: str) -> None:
        """Raise InputError when a file is not that of the first fetch, unless it shall be renewed."""
        known = self._known.get(file.path)
        if known is None or self._renew or all(known.get(key) == value for key, value in identity.items()):
            return
        raise InputError(
            f"{start} not the file of the first fetch ({identity['size']} bytes, sha256 {identity['sha256'][:12]}; "
            f"then {known.get('size')} bytes, sha256 {str(known.get('sha256'))[:12]}), so figures would not compare; "
            "get the first one back, or take this one with `python -m stages.evaluate fetch-loco --renew`"
        )

    def compare(self, file: RemoteFile, place: Path, start: str) -> None:
        """Refuse a file that is there; one that no record knows is known from now on."""
        identity = _identity(place)
        self.refuse(file, identity, start)
        self.keep(file, identity)

    def keep(self, file: RemoteFile, identity: Mapping[str, Any]) -> None:
        """Write down what is there now."""
        entry = {"address": file.address, **identity}
        if self._known.get(file.path) != entry:
            self._known[file.path] = entry
            write_json(self._path, self._known)


def _inside(root: Path, name: str) -> Path:
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or not name:
        raise InputError(f"real.files names the path '{name}', which does not lie below the set's folder; correct it")
    return root / name


def _keep_coco(part: Path, place: Path, file: RemoteFile) -> None:
    try:
        load_coco(part)
    except InputError as error:
        part.unlink()
        raise InputError(f"what '{file.address}' sent is no annotation file: {error}") from None
    place.parent.mkdir(parents=True, exist_ok=True)
    part.replace(place)


def _unpack(part: Path, place: Path, file: RemoteFile) -> None:
    """Test every member, unpack beside ``place``, and rename the folder of its name."""
    beside = place.with_name(f".{place.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        with zipfile.ZipFile(part) as archive:
            members = archive.infolist()
            _check_members((member.filename for member in members), file)
            needed = sum(member.file_size for member in members)
            free = shutil.disk_usage(place.parent).free
            if needed > free:
                raise InputError(f"'{place}' needs {needed} bytes and the disk has {free}; make room and run it again")
            if (damaged := archive.testzip()) is not None:
                raise zipfile.BadZipFile(f"member '{damaged}' is damaged")
            archive.extractall(beside)
        (beside / file.path).replace(place)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        with open(part, "rb") as stream:
            start = stream.read(16).lstrip().lower()
        what = "a web page" if start.startswith(b"<") else f"no whole ZIP archive ({error})"
        part.unlink()
        raise InputError(f"'{file.address}' sent {what}; it was removed, run it again") from None
    except OSError as error:
        raise InputError(f"'{place}' cannot be written ({error.strerror}); make room and run it again") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    part.unlink()


def _check_members(names: Iterable[str], file: RemoteFile) -> None:
    """All members lie in the folder that the archive is for."""
    for name in names:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or path.parts[:1] != (file.path,):
            raise InputError(
                f"'{file.address}' holds '{name}', outside of its folder '{file.path}'; it is not unpacked"
            )


def _counted(settings: RealSet, root: Path, new: int) -> Fetched:
    entries = load_coco(root / settings.annotations)["images"]
    files = dict(locate(image, root) for image in entries)
    listed = {path for path in files.values() if path.is_file()}
    there = {path for path in (root / "dataset").rglob("*") if path.suffix.lower() in SUFFIXES}
    unlabelled = tuple(sorted(str(path.relative_to(root)) for path in there - listed))
    with atomic_write(root / UNLABELLED) as stream:
        stream.writelines(f"{name}\n" for name in unlabelled)
    missing = tuple(name for name, path in files.items() if path not in listed)
    return Fetched(root, new, len(listed), unlabelled, missing)
