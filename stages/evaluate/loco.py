"""Getting LOCO: its photographs and annotations, checked, unpacked, and what of it is not labelled."""

from __future__ import annotations

import shutil
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from stages.common.errors import InputError
from stages.common.files import atomic_write
from stages.common.photographs import load_coco, locate
from stages.common.settings.learning import RealSet, RemoteFile
from stages.evaluate.download import STALL_SECONDS, download
from stages.evaluate.real import photographs_folder

SUFFIXES = {".jpg", ".jpeg", ".png"}
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


def fetch_loco(settings: RealSet, project: Path, timeout: float = STALL_SECONDS) -> Fetched:
    """Get all files of a set that are not there yet.

    A file is downloaded beside its place, checked, and renamed, so what has its name is whole, and a call that was cut
    off goes on where it stopped. An archive is removed once its folder is there.

    Args:
        settings: of the set.
        project: folder that relative paths start at.
        timeout: seconds without a byte that count as a stall.

    Raises:
        InputError: when a file cannot be had, has another size, or is damaged.
    """
    root = photographs_folder(settings, project)
    new = 0
    for file in settings.files:
        place = _inside(root, file.path)
        if place.exists():
            continue
        part = root / f".{file.path.replace('/', '-')}.part"
        download(file.address, part, file.size, timeout)
        if file.kind == "zip":
            _unpack(part, place, file)
        else:
            _keep_coco(part, place, file)
        new += 1
    return _counted(settings, root, new)


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
