"""Fingerprints of pictures: the same bytes, and the same view scaled, recompressed or mirrored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.common.files import write_json

SIDE = 32
"""Pixels a side of the small grey picture that the perceptual hash is made of."""

KEPT = 16
"""Frequencies a side that it keeps: 16 x 16 bits, of which the mean brightness says nothing."""

NEAR = 48
"""Bits of the 256 that may differ between two copies of a picture; unrelated ones differ in about half of them."""

FLAT = 4.0
"""Standard deviation of grey levels below which a picture shows too little for a perceptual hash."""

VERSION = 1
"""Of the hashes; another one makes kept hashes void."""


@dataclass(frozen=True)
class Fingerprint:
    """What a picture is recognised by.

    Attributes:
        sha256: hex digest of the file.
        bits: perceptual hash as 64 hex digits; empty when the file is no picture or shows a plain surface.
        mirrored: that of the picture left to right.
    """

    sha256: str
    bits: str
    mirrored: str


UNREADABLE = Fingerprint("", "", "")
"""Of a file that cannot be read: a copy of nothing."""


@dataclass(frozen=True)
class Match:
    """A picture that is among others.

    Attributes:
        picture, other: the two files.
        same: whether they are equal byte by byte, or else near duplicates.
    """

    picture: Path
    other: Path
    same: bool


def fingerprint(data: bytes) -> Fingerprint:
    """Fingerprint of a picture file's content.

    The perceptual hash is that of Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010),
    with 16 instead of 8 frequencies a side: the signs of the low DCT coefficients of a small grey picture against their
    median.
    """
    import cv2

    encoded = np.frombuffer(data, np.uint8)
    # a JPEG is decoded at a quarter of its size, which is far above the 32 pixels that count
    grey = cv2.imdecode(encoded, cv2.IMREAD_REDUCED_GRAYSCALE_4) if data else None
    bits, mirrored = "", ""
    if grey is not None:
        small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
        if small.std() >= FLAT:
            bits, mirrored = _bits(small), _bits(np.ascontiguousarray(small[:, ::-1]))
    return Fingerprint(hashlib.sha256(data).hexdigest(), bits, mirrored)


def _bits(small: NDArray[np.float32]) -> str:
    import cv2

    low = cv2.dct(small)[:KEPT, :KEPT].ravel()
    return np.packbits(low > np.median(low[1:])).tobytes().hex()


def fingerprints(paths: Iterable[Path], cache: Path | None = None) -> dict[Path, Fingerprint]:
    """Fingerprints of files, each computed once as long as the file's size and time of change stay.

    A file that cannot be read has :data:`UNREADABLE`.

    Args:
        paths: of the pictures.
        cache: folder that keeps them; None keeps nothing.
    """
    path = cache / "fingerprints.json" if cache else None
    kept = _kept(path)
    found, new = {}, False
    for picture in paths:
        try:
            status = picture.stat()
            key = f"{picture.resolve()}\n{status.st_size}\n{status.st_mtime_ns}"
            if key not in kept:
                made = fingerprint(picture.read_bytes())
                kept[key], new = [made.sha256, made.bits, made.mirrored], True
        except OSError:
            found[picture] = UNREADABLE
            continue
        found[picture] = Fingerprint(*kept[key])
    if new and path is not None:
        write_json(path, {"version": VERSION, "pictures": kept})
    return found


def _kept(path: Path | None) -> dict[str, list[str]]:
    if path is None:
        return {}
    try:
        content = json.loads(path.read_bytes())
        pictures: dict[str, list[str]] = content["pictures"] if content["version"] == VERSION else {}
        return {key: value for key, value in pictures.items() if len(value) == 3}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def find_copies(
    pictures: Mapping[Path, Fingerprint], among: Mapping[Path, Fingerprint], near: int = NEAR
) -> Iterator[Match]:
    """Pictures that are among others, each with the first or nearest of them.

    Args:
        pictures: to look for.
        among: to look in.
        near: bits that a near duplicate may differ in.
    """
    by_content = {item.sha256: path for path, item in among.items() if item != UNREADABLE}
    hashed = [path for path, item in among.items() if item.bits]
    table = _table([among[path].bits for path in hashed])
    for path, item in pictures.items():
        if item.sha256 in by_content:
            yield Match(path, by_content[item.sha256], same=True)
            continue
        if not item.bits or not hashed:
            continue
        both = [_distances(table, bits) for bits in (item.bits, item.mirrored)]
        distances = np.minimum(*both)
        if distances.min() <= near:
            yield Match(path, hashed[int(distances.argmin())], same=False)


def _table(bits: Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer(bytes.fromhex("".join(bits)), np.uint8).reshape(len(bits), KEPT * KEPT // 8)


SET_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(1).astype(np.int32)


def _distances(table: NDArray[np.uint8], bits: str) -> NDArray[np.int32]:
    """(N,) differing bits."""
    found: NDArray[np.int32] = SET_BITS[table ^ np.frombuffer(bytes.fromhex(bits), np.uint8)].sum(1, dtype=np.int32)
    return found
