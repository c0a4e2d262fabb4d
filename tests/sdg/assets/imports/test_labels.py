from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.sdg.assets.imports.labels import Owner, class_of, label_meshes, matches, upwards

NAMES = st.lists(st.sampled_from(["World", "Fork", "Fork_01", "a", "Pallet"]), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("path", "pattern", "fits"),
    [
        ("/World/Forklift_01", "/World/Fork*", True),
        ("/World/Forklift_01/Body", "/World/Fork*", False),  # a star stays within a name
        ("/World/Forklift_01", "/World/fork*", False),
        ("/World/A/B/Pallet", "/World/**/Pallet", True),
        ("/World/Pallet", "/World/**/Pallet", True),
        ("/World/Pallet/Deck", "/World/**", True),
        ("/World", "/World/**", True),
        ("/World/Pallet_1", "/World/Pallet_[0-9]", True),
        ("/", "/World", False),
    ],
)
def test_patterns(path: str, pattern: str, fits: bool) -> None:
    assert matches(path, pattern) is fits


@given(NAMES)
def test_a_path_matches_itself_and_all_above(names: list[str]) -> None:
    path = "/" + "/".join(names)
    assert matches(path, path)
    assert matches(path, "/**")
    assert next(upwards(path)) == path
    assert list(upwards(path))[-1] == "/"
    assert len(list(upwards(path))) == len(names) + 1


def test_the_deepest_prim_owns_a_mesh() -> None:
    rules = {"/World/Fork*": "forklift", "/World/*/Pallet": "pallet", "/World/Wall": "none", "/World/Sky": "drop"}
    paths = ["/World/Fork/Body", "/World/Fork/Pallet/Deck", "/World/Wall/M", "/World/Floor", "/World/Sky"]
    made = label_meshes(paths, {}, rules=rules)
    assert made.owners == [
        Owner("/World/Fork", "forklift"),
        Owner("/World/Fork/Pallet", "pallet"),
        Owner("/", None),
        Owner("/", None),
        None,
    ]
    assert made.rules == {"/World/Fork*": 1, "/World/*/Pallet": 1, "/World/Wall": 1, "/World/Sky": 1}


def test_of_two_patterns_for_one_prim_the_last_counts() -> None:
    made = label_meshes(["/A_1"], {}, rules={"/A*": "pallet", "/A_1": "stillage"})
    assert made.owners == [Owner("/A_1", "stillage")]


def test_the_class_of_the_whole_takes_what_rules_leave_and_no_labels() -> None:
    found = {"/A/Wheel": ["pallet"]}
    made = label_meshes(["/A/Wheel", "/A/Load/M"], found, whole="pallet_truck", rules={"/A/Load": "none"})
    assert made.owners == [Owner("/", "pallet_truck"), Owner("/", None)]


def test_labels_of_the_file_count_where_no_rule_does() -> None:
    found = {"/W/P": ["palletjack"], "/W/P/Wheel": ["wheel"], "/W/B": ["box"]}
    made = label_meshes(["/W/P/Wheel/M", "/W/B"], found, labels={"box": "small_load_carrier"})
    assert made.owners == [Owner("/W/P", "pallet_truck"), Owner("/W/B", "small_load_carrier")]
    assert made.labels == {"palletjack": "pallet_truck", "wheel": None, "box": "small_load_carrier"}


def test_a_rule_that_matches_nothing_is_counted() -> None:
    assert label_meshes(["/A"], {}, rules={"/B": "pallet"}).rules == {"/B": 0}


@pytest.mark.parametrize(
    ("label", "stands_for"),
    [("Pallet Truck", "pallet_truck"), ("pallet-truck", "pallet_truck"), ("Palletjack", "pallet_truck"), ("sky", None)],
)
def test_labels_of_isaac(label: str, stands_for: str | None) -> None:
    assert class_of(label, {}) == stands_for
