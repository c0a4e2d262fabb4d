"""Frame number in, frame plan out."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from stages.common.errors import SettingsError
from stages.common.settings import Settings
from stages.common.settings.distribution import Drawn, pick_by
from stages.common.settings.pictures import parse_size
from stages.common.settings.targets import MAIN
from stages.sdg.plan.ask import ask_for, preset_of, with_preset
from stages.sdg.plan.building import blackbody
from stages.sdg.plan.detail import with_detail
from stages.sdg.plan.draft import Draft, Scenario, scenarios
from stages.sdg.plan.order import Ask, UnplaceableError
from stages.sdg.plan.ordered import misfit
from stages.sdg.plan.randomizers import randomized
from stages.sdg.plan.seen import seen
from stages.sdg.plan.space import Lens
from stages.sdg.plan.types import FramePlan, SensorPlan, split_of
from stages.sdg.plan.viewpoint import camera_of, things_in_view

importlib.import_module("stages.sdg.plan.scenarios")

LOOKS, ENOUGH = 4, 5
"""Most draws of a frame without targets, and the number of things in its picture at which the first is taken."""

AS_DRAWN = frozenset({"simple_warehouse"})
"""Scenarios that follow a published recipe, which looks at bare walls, too."""


def plan_frame(settings: Settings, frame: int) -> FramePlan:
    """Sample one frame.

    Args:
        settings: all settings; only seed, scene, randomization and dataset.frames.sizes matter.
        frame: its number; numbers from ``TEST_START`` on draw from the test variants.

    Returns:
        The plan, a pure function of the arguments.

    Raises:
        SettingsError: when the settings name a scenario that is not registered.
    """
    preset = preset_of(settings, frame)
    own = with_preset(settings, preset)
    ask = ask_for(settings, frame, preset)
    if ask is None:
        return with_detail(randomized(settings, _finished(_with_things(own, frame, preset))))
    return with_detail(randomized(settings, _finished(_nearest(own, frame, preset, ask))))


@dataclass
class _Scene:
    """A scene, and how its picture is taken."""

    draft: Draft
    scenario: str
    sensor: SensorPlan


def _with_things(settings: Settings, frame: int, preset: str) -> _Scene:
    """The first of a few draws whose picture shows more than a wall, or the one that shows most.

    A scene in which no truck found a place though some are wanted comes after all others. Those of :data:`AS_DRAWN` are
    taken as they come.
    """
    best, most = None, (False, -1)
    for attempt in range(LOOKS):
        scene = _drafted(settings, frame, preset, _rng(settings, frame, attempt))
        missing = scene.draft.wanted > 0 and not scene.draft.tags.get("trucks")
        score = (not missing, things_in_view(scene.draft))
        if score > most:
            best, most = scene, score
        if score >= (True, ENOUGH) or scene.scenario in AS_DRAWN:
            break
    assert best is not None, "there is at least one draw"
    return best


def _rng(settings: Settings, frame: int, attempt: int) -> np.random.Generator:
    return np.random.default_rng([settings.seed, frame, attempt] if attempt else [settings.seed, frame])


def _nearest(settings: Settings, frame: int, preset: str, ask: Ask) -> _Scene:
    """The first of the frame's draws that holds all that is asked of it, or the one that comes nearest."""
    best, least, tries = None, math.inf, settings.targets.tries
    for attempt in range(tries):
        rng = _rng(settings, frame, attempt)
        # the last third of the draws takes what it gets
        wanted = replace(ask, strict=attempt < tries - tries // 3 - 1, drawn=_copy(ask.drawn))
        try:
            scene = _drafted(settings, frame, preset, rng, wanted)
        except UnplaceableError:
            continue
        missed = misfit(scene.draft, seen(camera_of(scene.draft), scene.draft.placements, [MAIN], scene.draft.own))
        if missed < least:
            best, least = scene, missed
        if missed == 0:
            break
    assert best is not None, "the last draw is not strict"
    return best


def _copy(drawn: Drawn) -> Drawn:
    return replace(drawn, values=dict(drawn.values))


def _drafted(settings: Settings, frame: int, preset: str, rng: np.random.Generator, ask: Ask | None = None) -> _Scene:
    draft = Draft(settings, rng, split_of(frame), frame=frame, ask=ask)
    if ask is not None:
        draft.drawn = ask.drawn
    if preset:
        draft.tags["preset"] = preset
    name, arrange = _scenario(settings, rng, ask)
    camera_rng, sensor_rng = rng.spawn(2)
    draft.lens = _lens(draft, camera_rng)
    arrange(draft)
    return _Scene(draft, name, _sensor(draft, sensor_rng))


def _finished(scene: _Scene) -> FramePlan:
    draft, sensor, camera = scene.draft, scene.sensor, camera_of(scene.draft)
    _, _, white = sensor.white_balance
    tags = {**draft.tags, "camera_height": round(camera.camera_to_world[2][3], 3), "jpeg_quality": sensor.jpeg_quality,
            "noise": sensor.noise, "blue_gain": white}  # fmt: skip
    return FramePlan(
        draft.frame,
        draft.settings.seed,
        draft.split,
        scene.scenario,
        camera,
        sensor,
        tuple(draft.placements),
        tuple(draft.lamps),
        draft.sky,
        tags,
    )


def _scenario(settings: Settings, rng: np.random.Generator, ask: Ask | None) -> tuple[str, Scenario]:
    known, asked = scenarios(), settings.scene.scenarios
    for key, names in (("scene.scenarios", asked), ("targets.scenarios", settings.targets.scenarios)):
        for name in names:
            if name not in known:
                raise SettingsError(f"{key}: '{name}' is not registered; choose from {', '.join(sorted(known))}")
    if not settings.randomization.content.structure:
        return "uniform", known["uniform"]
    name = _weighted(asked if ask is None else ask.scenarios, rng)
    return name, known[name]


def _weighted(weights: Mapping[str, float], rng: np.random.Generator) -> str:
    """One name by weight, whatever order the settings file has them in."""
    names = sorted(weights)
    return names[pick_by(tuple(weights[name] for name in names), rng)]


def _lens(draft: Draft, rng: np.random.Generator) -> Lens:
    ranges = draft.settings.randomization
    width, height = parse_size(_weighted(draft.settings.dataset.frames.sizes, rng))
    roll = math.radians(draft.draw(ranges.camera.roll, rng))
    k1 = draft.draw(ranges.sensor.distortion, rng) if ranges.sensor.enabled else 0.0
    return Lens(width, height, roll, k1)


def _sensor(draft: Draft, rng: np.random.Generator) -> SensorPlan:
    ranges, kelvin = draft.settings.randomization.sensor, float(draft.tags.get("kelvin", 6500))
    if not ranges.enabled:
        return SensorPlan(enabled=False)

    def draw(name: str) -> float:
        return round(float(draft.draw(getattr(ranges, name), rng)), 4)

    cast, draw_kind = draw("white_balance"), draw("subsampling")
    # an automatic white balance takes out most of the lamps' colour, and errs by `cast`
    red, _, blue = (np.array(blackbody(kelvin)) / blackbody(kelvin)[1]) ** -float(rng.uniform(0.55, 1.0))
    return SensorPlan(
        exposure=draw("exposure"),
        target=round(float(rng.uniform(0.34, 0.5)), 4),
        white_balance=(round(float(red) * (1 + cast), 4), 1.0, round(float(blue) * (1 - cast), 4)),
        vignette=draw("vignette"),
        motion_blur=(draw("motion_blur"), round(float(rng.uniform(0, math.pi)), 4)),
        defocus=draw("defocus"),
        aperture=draw("aperture"),
        smudge=draw("smudge"),
        noise=draw("noise"),
        sharpen=draw("sharpen"),
        saturation=draw("saturation"),
        contrast=draw("contrast"),
        jpeg_quality=round(draw("jpeg_quality")),
        subsampling=min((420, 422, 444), key=lambda kind: abs(kind - draw_kind)),
        seed=int(rng.integers(1 << 31)),
        demosaic=draw("demosaic"),
    )
