"""Two runs side by side in MLflow's own interface, as a user looks at them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stages.common import pipeline
from stages.common.mlflow_store import ARTIFACTS, DATABASE
from stages.common.pipeline import stage_run
from stages.common.settings import Settings
from stages.evaluate.tracking import log_evaluation
from tests.browser import NARROW, WIDE, wait_until
from tests.common.mlflow_server import serve
from tests.settings import compose

pytestmark = pytest.mark.browser

NOT_OURS = ("users/current", "GL Driver", "AG Grid", "ResizeObserver")
"""What MLflow 3.17's pages write to the console by themselves: no login, software rendering, a table's deprecations."""


def metrics(f1: float, low: float, high: float) -> dict[str, Any]:
    real = {"pictures": 15, "objects": 24, "f1": f1, "ap50": f1 - 0.04, "interval": {"f1": [low, high]}}
    return {"sim": {"pictures": 9, "f1": 0.6, "ap50": 0.7}, "real": {"loco-dev": real}, "gap": {}}


def run_pipeline(project: Path, process: str, settings: Settings, found: dict[str, Any]) -> str:
    """An execution of two stages; the MLflow run's id."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "pipeline_process", lambda: process)
        with stage_run("train", settings, project) as train:
            train.run.log_metrics({"train/box_loss": 2.0}, 1)
            train.run.log_metrics({"train/box_loss": 1.0}, 2)
        with stage_run("evaluate", settings, project) as stage:
            log_evaluation(stage.run, found, project / "reports")
            return stage.run.run_id


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    """Address of a server over a store with two executions, and their runs."""
    project = tmp_path_factory.mktemp("ui")
    common = ("tracking=local", "tracking.system_interval=0")
    ids = [
        run_pipeline(project, "1 1.0", compose(*common, "train.epochs=2"), metrics(0.60, 0.5, 0.7)),
        run_pipeline(project, "2 2.0", compose(*common, "train.epochs=5"), metrics(0.84, 0.75, 0.9)),
    ]
    with serve(f"sqlite:///{project / DATABASE}", project / ARTIFACTS, project) as (uri, _):
        yield uri, ids


@pytest.fixture(params=[WIDE, NARROW], ids=["desktop", "telephone"])
def page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page of which the console is judged when the test ends."""
    context = browser.new_context(viewport={"width": request.param[0], "height": request.param[1]})
    opened = context.new_page()
    opened.set_default_timeout(120_000)
    complaints: list[str] = []
    opened.on(
        "console",
        # a resource that fails is named by its address, which alone tells whose it is
        lambda line: complaints.append(f"{line.text} {line.location['url']}") if line.type == "error" else None,
    )
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert [text for text in complaints if not any(known in text for known in NOT_OURS)] == []


def make_room(page: Any) -> None:
    """Fold away MLflow's sidebar and assistant, which leave a telephone 80 pixels for the page itself."""
    if page.viewport_size["width"] > NARROW[0]:
        return
    close = page.get_by_role("button", name="Close", exact=True)
    if close.count():
        close.first.click()
    page.get_by_role("button", name="Toggle sidebar").click()
    wait_until(page, lambda: page.get_by_text("Experiments", exact=True).count() == 0)


def assert_seen(item: Any, page: Any) -> None:
    """It can be read: scrolled to, it lies within the window's width."""
    item.scroll_into_view_if_needed()
    box = item.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= page.viewport_size["width"]


def swipe_to(item: Any, page: Any) -> None:
    """Swipe the comparison to the left until a figure is there, as on a telephone; its columns are made meanwhile."""

    def seen() -> bool:
        box = item.bounding_box() if item.count() else None
        if box and box["x"] >= 0 and box["x"] + box["width"] <= page.viewport_size["width"]:
            return True
        page.evaluate("document.querySelectorAll('.mlflow-compare-table').forEach((table) => table.scrollBy(60, 0))")
        return False

    page.get_by_text("real.f1", exact=True).first.scroll_into_view_if_needed()
    wait_until(page, seen)


def experiment(uri: str, run_id: str) -> str:
    from mlflow import MlflowClient

    return str(MlflowClient(uri).get_run(run_id).info.experiment_id)


def test_side_by_side_the_change_and_the_real_figures_are_seen(runs: tuple[str, list[str]], page: Any) -> None:
    uri, ids = runs
    page.goto(f"{uri}/#/compare-runs?runs={json.dumps(ids)}&experiments={json.dumps([experiment(uri, ids[0])])}")
    page.get_by_text("real.ap50", exact=True).first.wait_for()
    make_room(page)
    switches = page.get_by_role("switch")
    for number in range(switches.count()):
        if switches.nth(number).get_attribute("aria-checked") != "true":
            switches.nth(number).click()
    text = page.inner_text("body")
    lines = text[text.index("Run details") :].replace("\t", "\n").splitlines()
    lines = [line.strip() for line in lines]
    assert "train.epochs" in lines
    assert "model.architecture" not in lines, "settings that do not differ are hidden"
    names = [line for line in lines if line.startswith(("real", "sim", "seconds", "train/"))]
    assert names[:2] == ["real.ap50", "real.f1"], "the real figures stand at the top"
    for figure in ("real.f1", "0.6", "0.84"):
        swipe_to(page.locator(f":is(a, span):text-is('{figure}')").first, page)  # not a tick of the drawing above


def test_a_run_tells_what_changed_and_whether_it_helped(runs: tuple[str, list[str]], page: Any) -> None:
    uri, ids = runs
    page.goto(f"{uri}/#/experiments/{experiment(uri, ids[1])}/runs/{ids[1]}")
    page.get_by_text("on loco-dev").first.wait_for()
    page.get_by_text("Child runs").first.wait_for()
    make_room(page)
    assert_seen(page.get_by_text("on loco-dev").first, page)
    text = page.inner_text("body")
    assert "F1 0.84 (0.75 to 0.90), AP50 0.80 on loco-dev, 15 real photographs" in text
    assert "F1 +0.240" in text
    assert "It helped." in text
    assert "train.epochs" in text
    for stage in ("train", "evaluate"):
        page.get_by_role("link", name=stage, exact=True).first.wait_for()
