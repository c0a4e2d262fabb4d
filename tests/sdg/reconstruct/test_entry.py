"""Entries added to config.yaml as text."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stages.common.errors import InputError
from stages.sdg.reconstruct.entry import add_entry
from tests.settings import REPOSITORY

ENTRY = {"name": "truck", "source": "assets/t.usdc", "class": "pallet_truck"}
OTHER = {"name": "other", "source": "a.glb", "class": "pallet"}


def added(tmp_path: Path, text: str, entry: dict[str, str] = ENTRY) -> str:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    assert add_entry(path, entry)
    assert not add_entry(path, entry), "a second time nothing changes"
    return path.read_text()


def test_the_projects_own_file_keeps_all_else(tmp_path: Path) -> None:
    text = (REPOSITORY / "conf" / "config.yaml").read_text()
    made = added(tmp_path, text)
    assert (
        made.replace("assets:\n  - name: truck\n    source: assets/t.usdc\n    class: pallet_truck\n", "assets: []\n")
        == text
    )


FORMS = [
    "assets: []\n",
    "assets:   []   # none yet\nseed: 0\n",
    "seed: 0\n",
    "seed: 0\nassets:\n",
    "assets: null\nseed: 0\n",
    "assets:\n  - name: other\n    source: a.glb\n    class: pallet\nseed: 0\n",
    "assets:\n- name: other\n  source: a.glb\n  class: pallet\n\n# what follows\nseed: 0\n",
    "assets:\n  # mine\n  - source: a.glb\n    name: other\n    class: pallet   # yes\n\n\nseed: 0",
    "assets:\n  - {name: other, source: a.glb, class: pallet}\n",
    "assets:\n  - name: other\n    source: a.glb\n    class: pallet",
]


@pytest.mark.parametrize("text", FORMS)
def test_it_is_added_to_every_usual_form(tmp_path: Path, text: str) -> None:
    before = yaml.safe_load(text)
    after = yaml.safe_load(added(tmp_path, text))
    assert after["assets"] == [*(before.get("assets") or []), ENTRY]
    assert {k: v for k, v in after.items() if k != "assets"} == {k: v for k, v in before.items() if k != "assets"}


@pytest.mark.parametrize("text", FORMS)
def test_one_of_its_name_is_replaced(tmp_path: Path, text: str) -> None:
    first = added(tmp_path, text)
    second = added(tmp_path, first, ENTRY | {"class": "pallet"})
    assert [item for item in yaml.safe_load(second)["assets"] if item["name"] == "truck"] == [
        ENTRY | {"class": "pallet"}
    ]
    assert second.count("name: truck") == 1


@pytest.mark.parametrize("text", FORMS)
def test_keys_of_the_users_own_stay(tmp_path: Path, text: str) -> None:
    own = {"weight": 3, "labels": {"/Asset/Wheel": "none"}}
    made = added(tmp_path, added(tmp_path, text, ENTRY | own), ENTRY | {"class": "pallet"})
    assert ENTRY | own | {"class": "pallet"} in yaml.safe_load(made)["assets"]


@pytest.mark.parametrize(
    "text", ["assets: [{name: other, source: a.glb}]\n", "assets: &all\n  - name: other\n", "a: [\n", "- list\n"]
)
def test_what_it_is_not_sure_of_it_leaves_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match="by hand"):
        add_entry(path, ENTRY)
    assert path.read_text() == text


@given(st.lists(st.sampled_from(["a", "b", "c", "ab"]), max_size=8), st.sampled_from(FORMS))
def test_any_order_of_names_ends_with_each_once(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], form: str
) -> None:
    path = tmp_path_factory.mktemp("entries") / "config.yaml"
    path.write_text(form)
    for number, name in enumerate(names):
        add_entry(path, {"name": name, "source": f"{number}.usdc", "class": "pallet"})
    found = [item["name"] for item in yaml.safe_load(path.read_text()).get("assets") or []]
    assert sorted(found) == sorted({*names, *(["other"] if "other" in form else [])})
