"""Pictures are decoded upright, whatever their header says."""

from __future__ import annotations

import io
import struct
import tracemalloc

import numpy as np
import pytest
from PIL import Image, ImageOps

from stages.deploy.picture import decode_upright


def quarters() -> Image.Image:
    """Four quarters of different greys: no two turns look alike."""
    pixels = np.zeros((32, 64, 3), np.uint8)
    for number, (row, column) in enumerate(((0, 0), (0, 32), (16, 0), (16, 32))):
        pixels[row : row + 16, column : column + 32] = 60 * number
    return Image.fromarray(pixels)


def encoded(kind: str, exif: Image.Exif | bytes) -> bytes:
    stream = io.BytesIO()
    quarters().save(stream, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(kind, exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))[..., ::-1]
    decoded = decode_upright(data, 10_000)
    assert decoded.flags.c_contiguous
    assert decoded.shape == expected.shape
    assert np.abs(decoded.astype(int) - expected).max() <= 8  # two decoders of a JPEG


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_is_none_turns_nothing(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert decode_upright(encoded("WEBP", exif), 10_000).shape == (32, 64, 3)


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0", b"II*\0\xff\xff\xff\xff", b"\xff" * 64, b"MM\0*\0\0\0\x08\xff\xff\x01\x12"]
)
def test_a_damaged_exif_turns_nothing(exif: bytes) -> None:
    assert decode_upright(encoded("WEBP", exif), 10_000).shape == (32, 64, 3)


def test_entries_that_all_point_to_megabytes_cost_none() -> None:
    entries = b"".join(struct.pack("<HHII", 0x9000 + number, 7, 2**20, 8) for number in range(300))
    data = encoded("WEBP", b"II*\0" + struct.pack("<IH", 8, 300) + entries + bytes(2**20))
    tracemalloc.start()
    try:
        assert decode_upright(data, 10_000).shape == (32, 64, 3)
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()
