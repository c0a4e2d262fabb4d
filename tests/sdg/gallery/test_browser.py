"""The page as its users meet it: in a browser, from a file, without a network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.sdg.gallery import Origin, write_gallery
from tests.browser import NARROW, WIDE, overflow, wait_until
from tests.sdg.gallery import folders

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Any]
ORIGIN = Origin("seed=4", ("-S", "seed=4"))


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("a gallery")
    write_gallery(folders.write(place / "frames", folders.four()), place / "page.html", 48, ORIGIN)
    return place / "page.html"


def frames(shown: Any) -> list[int]:
    """Numbers of the frames that are shown, in their order."""
    return [int(item.get_attribute("data-frame")) for item in shown.locator(".tile").all()]


def count(shown: Any) -> str:
    return str(shown.locator("#count").text_content())


def opened(shown: Any) -> str:
    """Heading of the opened frame; nothing when none is."""
    return str(shown.locator("#viewer[open] h2").text_content()) if shown.locator("#viewer[open]").count() else ""


def facet(shown: Any, name: str, value: str) -> None:
    shown.locator(f"[data-facet={name}] label", has_text=value).get_by_text(value, exact=True).click()


def test_filters_change_what_is_shown_and_the_statistics(gallery: Path, open_page: OpenPage) -> None:
    shown = open_page(gallery)
    assert frames(shown) == [0, 1, 2, 3]
    assert count(shown) == "4 of 4 frames, 5 of 5 objects"
    facet(shown, "classes", "pallet")
    assert frames(shown) == [0, 1]
    assert count(shown) == "2 of 4 frames, 3 of 5 objects"
    assert shown.locator("[data-chart=classes] button").all_text_contents() == ["pallet3"]
    # what is not asked for stays to be seen, weakly
    assert shown.locator(".tile[data-frame='0'] .object.other").count() == 1
    shown.locator("[data-range=occlusion] input").first.fill("60")
    assert frames(shown) == [1]
    assert count(shown) == "1 of 4 frames, 1 of 5 objects"
    shown.get_by_role("button", name="Show all").click()
    assert frames(shown) == [0, 1, 2, 3]
    shown.locator("[data-range=height] input").nth(1).fill("30")
    assert frames(shown) == [0, 1]
    assert count(shown) == "2 of 4 frames, 3 of 5 objects"
    shown.get_by_role("button", name="Show all").click()
    facet(shown, "scenarios", "dock")
    assert frames(shown) == [2, 3]
    facet(shown, "presets", "bright")
    assert frames(shown) == [3]
    assert count(shown) == "1 of 4 frames, 0 of 5 objects"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dock", [2, 3]),
        ("kelvin=5000", [1]),
        ("kelvin<5000", [0, 3]),
        ("kelvin>=5000 pallet_truck", [2]),
        ("#3", [3]),
        ("</script>", [0]),
        ("nowhere", []),
    ],
)
def test_text_searches_tags(text: str, expected: list[int], gallery: Path, open_page: OpenPage) -> None:
    shown = open_page(gallery)
    shown.locator("#text").fill(text)
    assert frames(shown) == expected
    assert shown.locator("#nothing").is_visible() == (not expected)
    if not expected:
        shown.locator("#nothing button").click()
        assert frames(shown) == [0, 1, 2, 3]


def test_frames_are_sorted(gallery: Path, open_page: OpenPage) -> None:
    shown = open_page(gallery)
    for order, expected in {
        "most": [0, 1, 2, 3], "fewest": [3, 2, 0, 1], "smallest": [1, 0, 2, 3], "hidden": [1, 0, 2, 3],
        "frame": [0, 1, 2, 3],
    }.items():  # fmt: skip
        shown.locator("#sort").select_option(order)
        assert frames(shown) == expected, order


def test_bars_of_the_statistics_filter(gallery: Path, open_page: OpenPage) -> None:
    shown = open_page(gallery)
    bar = shown.locator("[data-chart='Box height'] button[title^='64 to 128 pixels: 2 objects']")
    bar.click()
    assert frames(shown) == [0, 2]
    shown.locator("[data-chart='Box height'] button[title^='64 to 128']").click()
    assert frames(shown) == [0, 1, 2, 3]
    shown.locator("[data-chart='Hidden share'] button[title^='50 to 60 %: 2 objects']").click()
    assert frames(shown) == [0, 1]
    shown.get_by_role("button", name="Show all").click()
    shown.locator("[data-chart=scenarios] button", has_text="aisle").click()
    assert frames(shown) == [0, 1]
    shown.locator("[data-chart=scenarios] button", has_text="aisle").click()
    assert frames(shown) == [0, 1, 2, 3]


def test_switches_show_and_hide_what_is_drawn(gallery: Path, open_page: OpenPage) -> None:
    shown = open_page(gallery)
    first = shown.locator(".tile[data-frame='0']")
    parts = {
        "boxes": first.locator(".box").first,
        "masks": first.locator(".mask").first,
        "depth": first.locator(".depth"),
    }
    seen = lambda: {name for name, part in parts.items() if part.is_visible()}  # noqa: E731
    assert seen() == {"boxes"}
    for name in ("masks", "depth", "boxes"):
        before, button = seen(), shown.locator(f".toolbar [data-layer={name}]")
        button.click()
        assert seen() == before ^ {name}
        assert button.get_attribute("aria-pressed") == str(name in seen()).lower()
    assert seen() == {"masks", "depth"}
    shown.keyboard.press("b")
    assert seen() == {"boxes", "masks", "depth"}
    shown.locator("#text").focus()
    shown.keyboard.press("b")  # a letter of a word
    assert seen() == {"boxes", "masks", "depth"}


def test_switches_without_data_say_what_to_ask_for(tmp_path: Path, open_page: OpenPage) -> None:
    folder = folders.write(tmp_path / "frames", folders.four(), depth=False)
    write_gallery(folder, tmp_path / "page.html", 48, ORIGIN)
    shown = open_page(tmp_path / "page.html")
    for name in ("depth", "keypoints"):
        button = shown.locator(f".toolbar [data-layer={name}]")
        assert button.is_disabled()
        assert f"add {name} to dataset.frames.annotators" in button.get_attribute("title")
        shown.keyboard.press(name[0])
        assert button.get_attribute("aria-pressed") == "false"


def test_keypoints_are_drawn_where_labels_have_them(
    tmp_path: Path, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = [["fork_tip", 20, 30, 2], ["heel", 40, 30, 1], ["handle", 0, 0, 0]]
    member = json.dumps([{"id": 1, "class_name": "pallet", "points": points}]).encode()
    plain = folders.members
    monkeypatch.setattr(folders, "members", lambda of, *, depth: {**plain(of, depth=depth), "keypoints.json": member})
    write_gallery(folders.write(tmp_path / "frames", folders.four()), tmp_path / "page.html", 48, ORIGIN)
    shown = open_page(tmp_path / "page.html")
    drawn = shown.locator(".tile[data-frame='0'] .keypoint")
    assert drawn.count() == 2
    # a dot is a line of no length, which Playwright would never call visible
    displays = lambda: drawn.first.evaluate("dot => getComputedStyle(dot).display")  # noqa: E731
    assert displays() == "none"
    shown.locator(".toolbar [data-layer=keypoints]").click()
    assert displays() == "inline"
    picture = shown.locator(".tile[data-frame='0'] .stage").bounding_box()
    shown.mouse.move(picture["x"] + picture["width"] * 20 / 160, picture["y"] + picture["height"] * 30 / 120)
    assert "fork tip" in shown.locator("#tip").inner_text()


def test_what_is_under_the_pointer_is_told(gallery: Path, open_page: OpenPage) -> None:
    shown = open_page(gallery)
    shown.locator(".tile[data-frame='0'] .box").last.hover(force=True)
    told = shown.locator("#tip").inner_text()
    assert "pallet" in told
    assert "50 × 30 pixels" in told
    assert "50 % hidden" in told
    shown.mouse.move(640, 5)
    assert not shown.locator("#tip").is_visible()


def test_an_opened_frame_shows_its_labels_plan_and_command(gallery: Path, open_page: OpenPage) -> None:
    shown = open_page(gallery)
    shown.locator(".tile[data-frame='0']").click()
    wait_until(shown, lambda: opened(shown).startswith("Frame 0 aisle, train, 160 × 120"))
    assert shown.url.endswith("#frame=0")
    view = shown.locator("#viewer")
    assert view.locator(".command").text_content() == "python -m stages.sdg --frame 0 -S seed=4"
    assert view.locator(".objects tbody tr").count() == 2
    assert folders.NASTY in view.locator(".tags").text_content()
    assert shown.title() == "Preview: seed=4"
    plan = view.locator(".plan")
    plan.get_by_text("placements", exact=True).click()
    plan.get_by_text("pallet_truck (pallet_truck)").click()
    wait_until(shown, lambda: "[1, 2, 0]" in plan.text_content())
    view.locator(".objects tbody tr").first.hover()
    assert view.locator(".object.pointed").count() == 1
    # the switches are within reach
    view.locator("[data-layer=depth]").click()
    assert view.locator(".depth").is_visible()
    assert "m" in view.locator(".scale").inner_text()


def test_plan_and_command_are_copied(gallery: Path, open_page: OpenPage) -> None:
    shown = open_page(gallery, fragment="#frame=2")
    command = "python -m stages.sdg --frame 2 -S seed=4"
    copied = lambda: shown.evaluate("window.copied ?? ''")  # noqa: E731
    shown.evaluate("void (navigator.clipboard.writeText = async (text) => { window.copied = text })")
    shown.locator("[data-copy=command]").click()
    wait_until(shown, lambda: copied() == command)
    shown.locator("[data-copy=plan]").click()
    wait_until(shown, lambda: copied().startswith("{"))
    assert json.loads(copied())["frame"] == 2
    # a browser that lends no clipboard
    shown.evaluate("document.addEventListener('copy', () => { window.copied = document.activeElement.value })")
    shown.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(new Error('no')))")
    shown.locator("[data-copy=command]").click()
    wait_until(shown, lambda: copied() == command)


def test_arrow_keys_go_along_what_is_filtered_and_escape_closes(gallery: Path, open_page: OpenPage) -> None:
    shown = open_page(gallery)
    facet(shown, "scenarios", "dock")
    shown.locator(".tile[data-frame='2']").focus()
    shown.keyboard.press("Enter")
    wait_until(shown, lambda: opened(shown).startswith("Frame 2 "))
    shown.keyboard.press("ArrowLeft")  # nothing is before it
    wait_until(shown, lambda: opened(shown).startswith("Frame 2 "))
    shown.keyboard.press("ArrowRight")
    wait_until(shown, lambda: opened(shown).startswith("Frame 3 "))
    assert shown.url.endswith("#frame=3")
    assert shown.locator(".place").text_content() == "2 of 2"
    assert "Nothing is labelled here." in shown.locator(".objects").text_content()
    shown.keyboard.press("ArrowRight")
    wait_until(shown, lambda: opened(shown).startswith("Frame 3 "))
    shown.keyboard.press("Escape")
    wait_until(shown, lambda: opened(shown) == "")
    wait_until(shown, lambda: "#frame" not in shown.url)
    wait_until(shown, lambda: shown.evaluate("document.activeElement.dataset.frame") == "3")


def test_an_address_opens_its_frame(gallery: Path, open_page: OpenPage) -> None:
    shown = open_page(gallery, fragment="#frame=2")
    wait_until(shown, lambda: opened(shown).startswith("Frame 2 "))
    shown.evaluate("location.hash = '#frame=1'")
    wait_until(shown, lambda: opened(shown).startswith("Frame 1 "))
    shown.locator("[data-step='1']").click()
    wait_until(shown, lambda: opened(shown).startswith("Frame 2 "))
    shown.locator("[data-close]").click()
    wait_until(shown, lambda: opened(shown) == "")
    assert opened(open_page(gallery, fragment="#frame=77")) == ""


@pytest.mark.parametrize("size", [WIDE, NARROW])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_wider_than_the_window(
    size: tuple[int, int], dark: bool, gallery: Path, open_page: OpenPage
) -> None:
    shown = open_page(gallery, size, dark=dark)
    assert overflow(shown) <= 0
    for panel in ("#filters", "#statistics"):
        if not shown.locator(f"{panel}[open]").count():
            shown.locator(f"{panel} > summary").click()
    assert shown.locator("#statistics figure").first.is_visible()
    assert shown.locator("#text").is_visible()
    assert overflow(shown) <= 0
    shown.locator(".tile[data-frame='0']").click()
    assert shown.locator("#viewer .picture").is_visible()
    assert shown.evaluate("(d => d.scrollWidth - d.clientWidth)(document.getElementById('viewer'))") <= 0
    assert overflow(shown) <= 0
    light = shown.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]")
    assert (light < 60) == dark


def test_pictures_are_made_when_they_come_near(tmp_path: Path, open_page: OpenPage) -> None:
    folder = folders.write(tmp_path / "frames", [folders.label(number, "aisle", ()) for number in range(60)])
    write_gallery(folder, tmp_path / "page.html", 60, ORIGIN)
    shown = open_page(tmp_path / "page.html")
    wait_until(shown, lambda: shown.locator(".tile .picture").count())
    assert shown.locator(".tile .picture").count() < 40
    shown.locator(".tile").last.scroll_into_view_if_needed()
    last = shown.locator(".tile:last-child .picture")
    wait_until(shown, lambda: last.count() and last.evaluate("picture => picture.naturalWidth") == 160)
