"""Addresses of other people's assets."""

from __future__ import annotations

from pathlib import Path

import pytest

from isaac.capture.read import CaptureError
from isaac.capture.references import address, wrapped


def test_addresses_below_the_asset_root() -> None:
    assert address("/Isaac/Props/a.usd", "https://assets/5.1") == "https://assets/5.1/Isaac/Props/a.usd"
    assert address("https://elsewhere/a.usd", None) == "https://elsewhere/a.usd"
    with pytest.raises(CaptureError, match=r"renderer\.isaac\.asset_root"):
        address("/Isaac/Props/a.usd", None)


def test_a_wrapper_brings_an_asset_to_metres_once(tmp_path: Path) -> None:
    path = Path(wrapped({"usd": "/Isaac/a.usd", "scale": 0.01, "up": "y", "turn": 90}, "/pack", tmp_path))
    text = path.read_text()
    assert "@/pack/Isaac/a.usd@" in text
    assert "xformOp:scale = (0.01, 0.01, 0.01)" in text
    assert "xformOp:rotateXYZ = (90, 0, 90.0)" in text
    assert wrapped({"usd": "/Isaac/a.usd", "scale": 0.01, "up": "y", "turn": 90}, "/pack", tmp_path) == str(path)
    with pytest.raises(CaptureError, match="cannot stand"):
        wrapped({"usd": "/a@b.usd"}, None, tmp_path)
