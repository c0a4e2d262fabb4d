"""Frame number in, frame plan out."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping

import numpy as np

from stages.common.errors import SettingsError
from stages.common.settings import Settings
from stages.common.settings.pictures import parse_size
from stages.sdg.plan.building import blackbody
from stages.sdg.plan.draft import Draft, Scenario, scenarios
from stages.sdg.plan.geometry import look_along
from stages.sdg.plan.types import Camera, FramePlan, SensorPlan, split_of

importlib.import_module("stages.sdg.plan.scenarios")


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
    rng = np.random.default_rng([settings.seed, frame])
    draft = Draft(settings, rng, split_of(frame))
    name, arrange = _scenario(settings, rng)
    camera_rng, sensor_rng = rng.spawn(2)
    arrange(draft)
    camera = _camera(draft, camera_rng)
    sensor = _sensor(settings, sensor_rng, float(draft.tags.get("kelvin", 6500)))
    _, _, white = sensor.white_balance
    tags = {**draft.tags, "camera_height": round(camera.camera_to_world[2][3], 3), "jpeg_quality": sensor.jpeg_quality,
            "noise": sensor.noise, "blue_gain": white}  # fmt: skip
    return FramePlan(
        frame,
        settings.seed,
        draft.split,
        name,
        camera,
        sensor,
        tuple(draft.placements),
        tuple(draft.lamps),
        draft.sky,
        tags,
    )


def _scenario(settings: Settings, rng: np.random.Generator) -> tuple[str, Scenario]:
    known, asked = scenarios(), settings.scene.scenarios
    for name in asked:
        if name not in known:
            raise SettingsError(f"scene.scenarios: '{name}' is not registered; choose from {', '.join(sorted(known))}")
    if not settings.randomization.content.structure:
        return "uniform", known["uniform"]
    name = _weighted(asked, rng)
    return name, known[name]


def _weighted(weights: Mapping[str, float], rng: np.random.Generator) -> str:
    """One name by weight, whatever order the settings file has them in."""
    names = sorted(weights)
    shares = np.array([weights[name] for name in names], float)
    return names[int(rng.choice(len(names), p=shares / shares.sum()))]


def _camera(draft: Draft, rng: np.random.Generator) -> Camera:
    view, ranges = draft.view, draft.settings.randomization
    assert view is not None, "a scenario sets the view"
    width, height = parse_size(_weighted(draft.settings.dataset.frames.sizes, rng))
    roll = math.radians(ranges.camera.roll.sample(rng))
    k1 = ranges.sensor.distortion.sample(rng) if ranges.sensor.enabled else 0.0
    focal = width / 2 / math.tan(view.half_angle)
    # barrel distortion widens the field of view; a longer lens keeps it near what was drawn
    if k1 < 0:
        focal /= 1 + 0.8 * k1 * min(1.0, math.tan(view.half_angle)) ** 2
    pose = look_along((view.x, view.y, view.z), view.yaw, view.pitch, roll)
    matrix = tuple(tuple(round(value, 7) for value in row) for row in pose)
    return Camera(width, height, round(focal, 3), matrix, (round(k1, 4), 0.0))  # type: ignore[arg-type]


def _sensor(settings: Settings, rng: np.random.Generator, kelvin: float) -> SensorPlan:
    ranges = settings.randomization.sensor
    if not ranges.enabled:
        return SensorPlan(enabled=False)

    def draw(name: str) -> float:
        return round(float(getattr(ranges, name).sample(rng)), 4)

    cast = draw("white_balance")
    # an automatic white balance takes out most of the lamps' colour, and errs by `cast`
    red, _, blue = (np.array(blackbody(kelvin)) / blackbody(kelvin)[1]) ** -float(rng.uniform(0.55, 1.0))
    return SensorPlan(
        exposure=draw("exposure"),
        target=round(float(rng.uniform(0.34, 0.5)), 4),
        white_balance=(round(float(red) * (1 + cast), 4), 1.0, round(float(blue) * (1 - cast), 4)),
        vignette=draw("vignette"),
        motion_blur=(draw("motion_blur"), round(float(rng.uniform(0, math.pi)), 4)),
        defocus=draw("defocus"),
        noise=draw("noise"),
        sharpen=draw("sharpen"),
        saturation=draw("saturation"),
        contrast=draw("contrast"),
        jpeg_quality=round(draw("jpeg_quality")),
        seed=int(rng.integers(1 << 31)),
    )
