"""What holds for every registered family and every way in which scenes ask for it."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stages.common.errors import SettingsError
from stages.sdg.assets import catalogue
from stages.sdg.assets.catalogue import build_asset, families, register_asset, source_digest
from stages.sdg.assets.mesh import Builder, box
from stages.sdg.assets.types import Asset, Material
from stages.sdg.plan.draft import LABELS
from tests.sdg.plan.drafts import SCENARIOS, plans

VARIANTS = range(6)
BELOW_ZERO = {
    "floor": 0.02,
    "ceiling": 2.0,
    "lamp": 0.1,
    "window": 0.1,
    "skylight": 0.2,
    "wall_thing": 0.3,
    "sacks": 0.02,
}
"""How far families reach below their origin that do not stand on a floor, metres."""


def points(asset: Asset) -> NDArray[np.float64]:
    return np.concatenate([part.vertices for part in asset.parts]).astype(float)


@functools.cache
def asked() -> dict[str, list[dict[str, float | str | bool]]]:
    """Parameters that scenes give each family, one of each set of names."""
    found: dict[str, dict[str, dict[str, float | str | bool]]] = {}
    for scenario in SCENARIOS:
        for plan in plans(scenario):
            for placement in plan.placements:
                names = ",".join(sorted(placement.parameters))
                found.setdefault(placement.family, {})[names] = placement.parameters
    return {family: list(sets.values()) for family, sets in found.items()}


@pytest.mark.parametrize("family", sorted(families()))
def test_every_draw_is_sound_and_the_same_again(family: str) -> None:
    for variant in VARIANTS:
        for parameters in [{}, *asked().get(family, [])[:3]]:
            asset = build_asset(family, variant, parameters)
            again = catalogue._build.__wrapped__(family, variant, json.dumps(dict(parameters), sort_keys=True))
            everything = points(asset)
            np.testing.assert_array_equal(everything, points(again))
            assert [part.material for part in asset.parts] == [part.material for part in again.parts]
            assert np.isfinite(everything).all()
            np.testing.assert_allclose(np.ptp(everything, axis=0), asset.size, atol=1e-4)
            assert 0.001 < max(asset.size) < 60
            for part in asset.parts:
                assert part.triangles.min() >= 0
                assert part.triangles.max() < len(part.vertices)


@pytest.mark.parametrize("family", sorted(set(families()) - {"fire_extinguisher", "floating_shape"}))
def test_things_stand_on_the_floor(family: str) -> None:
    for variant in VARIANTS:
        lowest = points(build_asset(family, variant, {}))[:, 2].min()
        assert -BELOW_ZERO.get(family, 0.012) <= lowest <= 0.03


@pytest.mark.parametrize("family", sorted(families()))
def test_free_colours_leave_the_shape_alone(family: str) -> None:
    for variant in VARIANTS:
        usual, free = build_asset(family, variant, {}), build_asset(family, variant, {"random_colour": True})
        np.testing.assert_array_equal(points(usual), points(free))
        assert [part.name for part in usual.parts] == [part.name for part in free.parts]


@pytest.mark.parametrize("family", sorted(LABELS))
def test_labelled_things_differ_in_colour_when_asked_to(family: str) -> None:
    pairs = [(build_asset(family, n, {}), build_asset(family, n, {"random_colour": True})) for n in VARIANTS]
    assert any([p.material for p in usual.parts] != [p.material for p in free.parts] for usual, free in pairs)


@pytest.mark.parametrize("family", sorted(LABELS))
def test_variants_differ(family: str) -> None:
    drawn = [build_asset(family, variant, {}) for variant in VARIANTS]
    looks = {(points(asset).tobytes(), tuple(part.material for part in asset.parts)) for asset in drawn}
    assert len(looks) == len(VARIANTS)


def test_racks_have_the_levels_that_they_are_asked_for() -> None:
    shape = {"bays": 2.0, "bay": 2.7, "height": 6.0, "levels": 3.0, "first": 1.5, "step": 1.4}
    rack = build_asset("rack", 2, shape)
    beams = np.concatenate([part.vertices for part in rack.parts if part.name == "beams"])
    tops = np.unique(beams[:, 2].round(3))[1::2]
    np.testing.assert_allclose(tops, [1.5, 2.9, 4.3], atol=1e-3)
    assert rack.size[0] == pytest.approx(2 * 2.8, abs=0.4)
    assert rack.size[2] == pytest.approx(6.0, abs=0.01)


@pytest.mark.parametrize(
    ("family", "parameters", "size"),
    [
        ("pallet", {"kind": "eur"}, (1.2, 0.8, 0.144)),
        ("pallet", {"kind": "half"}, (0.8, 0.6, 0.144)),
        ("small_load_carrier", {"length": 0.6, "height": 0.28}, (0.6, 0.4, 0.28)),
        ("stillage", {"height": 0.97}, (1.24, 0.835, 0.97)),
        ("collar", {"layers": 3, "filled": False}, (1.2, 0.8, 0.585)),
        ("crate", {"length": 1.2, "width": 0.8, "height": 1.0}, (1.2, 0.8, 1.0)),
    ],
)
def test_sizes_are_those_of_the_standards(
    family: str, parameters: dict[str, float | str | bool], size: tuple[float, float, float]
) -> None:
    for variant in VARIANTS:
        asset = build_asset(family, variant, parameters)
        solid = np.concatenate([part.vertices for part in asset.parts if part.name not in ("content", "lid")])
        np.testing.assert_allclose(np.ptp(solid, axis=0), size, atol=0.07)


def test_an_unknown_family_is_named() -> None:
    sentence = "asset family 'unicorn' is not registered; `python -m stages.sdg list` shows what is"
    with pytest.raises(SettingsError, match=sentence):
        build_asset("unicorn", 0, {})


def test_a_registered_family_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    known = families()
    monkeypatch.setattr(catalogue, "_FAMILIES", dict(catalogue._FAMILIES))

    @register_asset("brick_of_test")
    def brick(rng: np.random.Generator, _parameters: catalogue.Parameters) -> Asset:
        builder = Builder()
        builder.add(
            "brick", box((0, 0, 0), (0.24, 0.115, float(rng.uniform(0.05, 0.07)))), Material("brick", (1, 0, 0))
        )
        return builder.build()

    assert build_asset("brick_of_test", 0, {}).size[0] == pytest.approx(0.24)
    assert set(families()) == {*known, "brick_of_test"}
    assert {name: digest for name, digest in families().items() if name in known} == known


def test_hashes_cover_all_sources_of_the_package(tmp_path: Path) -> None:
    (tmp_path / "mesh.py").write_text("SIDE = 1\n")
    (tmp_path / "goods.py").write_text("import mesh\n")
    before = source_digest(tmp_path)
    (tmp_path / "mesh.py").write_text("SIDE  =  1  # metres\n")
    catalogue._tree.cache_clear()
    assert source_digest(tmp_path) == before
    (tmp_path / "mesh.py").write_text("SIDE = 2\n")
    catalogue._tree.cache_clear()
    assert source_digest(tmp_path) != before
    assert len(set(families().values())) > 1
    assert all(len(digest) == 64 for digest in families().values())
