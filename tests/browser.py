"""A real headless browser for tests of pages; see the fixture :func:`open_page`.

Playwright drives the Chromium or Chrome that the system has, so that none is downloaded. ``make test`` installs
Debian's; without any, the tests say so and are skipped, but not in continuous integration.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scripts.set_up import find_browser

WIDE, NARROW = (1280, 800), (390, 844)
"""Windows of a desktop and of a telephone: width and height in CSS pixels."""

POLL_SECONDS = 0.05


@dataclass
class Watched:
    """A page, and what went wrong on it.

    Attributes:
        page: Playwright's.
        complaints: console errors and warnings, uncaught exceptions.
        requests: addresses outside of the file itself.
    """

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A running headless browser, Playwright's ``Browser``.

    While it runs, this thread has an event loop that runs, so that no test of another module may meet it: there,
    ``asyncio.run`` would refuse.
    """
    program = find_browser()
    if program is None:
        sentence = "NO BROWSER, so pages are not tested: python scripts/set_up.py --tests installs one"
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # containers give their root no sandbox and little shared memory
        started = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """``open_page(path, size=WIDE, dark=False, fragment="")`` gives Playwright's ``Page`` of a file, without a network.

    When the test ends, it fails if a page wrote an error or a warning to its console, let an exception go uncaught, or
    asked for anything but itself.
    """
    opened: list[Watched] = []
    contexts = []

    def open_it(path: Path, size: tuple[int, int] = WIDE, *, dark: bool = False, fragment: str = "") -> Any:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            offline=True,
            has_touch=size[0] < 600,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        address = path.resolve().as_uri()
        watched = Watched(page)
        opened.append(watched)
        page.on("console", lambda line: watched.complaints.append(line.text) if line.type in _BAD else None)
        page.on("pageerror", lambda error: watched.complaints.append(str(error)))
        page.on("request", lambda request: _note(watched, request.url, address))
        page.goto(address + fragment)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert [watched.complaints for watched in opened if watched.complaints] == []
    assert [watched.requests for watched in opened if watched.requests] == []


def overflow(page: Any) -> int:
    """By how many pixels a page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def wait_until(page: Any, condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait for what a page does in its own time.

    Unlike Playwright's ``wait_for_function``, this works on pages whose security policy forbids ``eval``.
    """
    for _ in range(round(seconds / POLL_SECONDS)):
        if condition():
            return
        page.wait_for_timeout(POLL_SECONDS * 1000)
    pytest.fail(f"in vain waited {seconds} seconds for it")


_BAD = ("error", "warning")


def _note(watched: Watched, url: str, address: str) -> None:
    if url.split("#")[0] != address and not url.startswith(("data:", "blob:")):
        watched.requests.append(url)
