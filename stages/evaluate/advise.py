"""From weak slices and the gap between the domains to settings to change: a weak model wants better data first."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.common.errors import InputError
from stages.common.settings import Settings
from stages.common.settings.distribution import Distribution, Uniform
from stages.common.settings.pictures import parse_size
from stages.common.settings.quantity import plain
from stages.evaluate.reshape import combined, limits, scaled, shifted, stretched

LEAST_GAP = 0.05
"""Share by which a bin must be fuller in the photographs to be worth a change."""

LEAST_ELSEWHERE = 0.15
"""Share of a histogram that must lie elsewhere."""

LEAST_PICTURES = 10
"""Photographs below which a gap between the domains may be chance."""

LEAST_EFFECT = 0.5
"""Standard deviations between the means of an appearance, a medium effect in Cohen's words."""

GAMMA = 2.2
"""Between grey levels and light, about."""

DISPLAY_PER_CAST = 60.0
"""Units of b* that a white balance error of 1 moves a mid grey by, about."""

WIDER = 1.5
"""Factor of a change whose size nothing measured tells."""

NARROWER = 0.75
"""Least factor by which a range is cut: photographs at hand seldom show all that will come."""

DRAWN = {
    "light_exposure": "randomization.light.exposure",
    "kelvin": "randomization.light.temperature",
    "daylight": "randomization.light.daylight",
    "lamps_off": "randomization.light.lamps_off",
    "camera_height": "randomization.camera.height",
    "noise": "randomization.sensor.noise",
    "jpeg_quality": "randomization.sensor.jpeg_quality",
    "clutter": "randomization.content.clutter",
    "trucks": "randomization.content.trucks",
}
"""Settings that the values drawn for a frame come from."""

Details = Mapping[str, Any]
Change = tuple[str, Any, str, bool]
"""Setting, new value as YAML has it, reason, and whether that is more than chance may do."""


@dataclass(frozen=True)
class Advice:
    """One setting to change.

    Attributes:
        setting: dotted key.
        now, value: as YAML has them.
        reason: what was measured.
        sure: whether that is more than chance may do; the reason says so where it is not.
    """

    setting: str
    now: Any
    value: Any
    reason: str
    sure: bool = True

    @property
    def override(self) -> str:
        """As Hydra and ``dvc exp run -S`` take it."""
        return f"{self.setting}={_hydra(self.value)}"

    @property
    def sentence(self) -> str:
        """For people."""
        return f"{self.reason}: set {self.override} (now {_hydra(self.now)})"


def advise(report: Path, settings: Settings) -> list[Advice]:
    """What to change, the most telling first, what may be chance last; one change a setting.

    Args:
        report: ``evaluation.json``.
        settings: that the frames were made with.

    Raises:
        InputError: when the report is missing or not one.
    """
    details = read_report(report)
    made: dict[str, Advice] = {}
    for setting, value, reason, sure in sorted(_changes(details, settings), key=lambda change: not change[3]):
        now = _value(settings, setting)
        if setting not in made and value != now:
            made[setting] = Advice(setting, now, value, reason, sure)
    return list(made.values())


def advice_text(advice: list[Advice]) -> str:
    """All of it for the terminal; the command leaves out what may be chance."""
    if not advice:
        return "advise: nothing that was measured calls for other settings"
    overrides = " ".join(f"-S '{item.override}'" for item in advice if item.sure)
    command = f"all at once: dvc exp run {overrides}" if overrides else "all of it may be chance: measure more pictures"
    return "\n".join([*(item.sentence for item in advice), command])


def read_report(path: Path) -> Details:
    """``evaluation.json``.

    Raises:
        InputError: when it is missing or not one.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"'{path}' cannot be read ({error.strerror}); write it with `dvc repro evaluate`") from None
    except ValueError:
        content = None
    if not isinstance(content, dict) or not all(isinstance(content.get(key), dict) for key in ("sim", "real", "gap")):
        raise InputError(f"'{path}' is not what evaluate writes; write it again with `dvc repro evaluate`")
    return content


def _changes(details: Details, settings: Settings) -> Iterator[Change]:
    for name, gap in details["gap"].items():
        yield from _judged(_content_changes(gap, settings, name), details["real"].get(name, {}))
    for name, gap in details["gap"].items():
        looks = gap.get("appearance") or {}
        yield from _judged(_appearance_changes(looks, settings, name), details["real"].get(name, {}))
    for name, part in (*details["real"].items(), ("sim", details["sim"])):
        for slice_ in part.get("worst_slices", []):
            for setting, value in _slice_changes(slice_, settings, details):
                yield setting, value, f"{name} is weak on {slice_['sentence']}", bool(slice_.get("sure"))


def _judged(changes: Iterator[tuple[str, Any, str]], measured: Details) -> Iterator[Change]:
    """Changes that close a gap; those that a few photographs ask for may be chance, and say so."""
    pictures = measured.get("pictures", 0)
    for setting, value, reason in changes:
        if pictures >= LEAST_PICTURES:
            yield setting, value, reason, True
        else:
            yield setting, value, f"{reason}, on {pictures} pictures alone, so it may be chance", False


def _content_changes(gap: Details, settings: Settings, name: str) -> Iterator[tuple[str, Any, str]]:
    content, camera = gap["content"], settings.randomization.camera
    heights = content.get("box_height")
    if heights and heights["total_variation"] >= LEAST_ELSEWHERE:
        nearer = heights["sim_quantiles"][-1] / max(heights["real_quantiles"][-1], 1)
        farther = heights["sim_quantiles"][0] / max(heights["real_quantiles"][0], 1)
        low, high = _clamped(nearer, 0.5, 1 / NARROWER), _clamped(farther, NARROWER, 2.0)
        reason = _fuller(heights, name, "box heights", " px")
        yield (
            "randomization.camera.distance",
            _moved(settings, "randomization.camera.distance", stretched, low, high),
            reason,
        )
    counts = content.get("count")
    if counts and counts["total_variation"] >= LEAST_ELSEWHERE and "pallet_truck" in gap["classes"]:
        weights = {
            int(label.split()[0]): round(100 * share)
            for label, share in zip(counts["bins"], counts["real"], strict=True)
            if label != "0" and round(100 * share)
        }
        if weights:
            yield "randomization.content.trucks", ["choice", weights], _fuller(counts, name, "objects in a picture", "")
    rows = content.get("position_y")
    if rows:
        lower = rows["real_quantiles"][2] - rows["sim_quantiles"][2]
        if abs(lower) >= LEAST_GAP:
            view = sum(camera.field_of_view.bounds()) / 2 * 0.75
            reason = (
                f"{name} boxes are centred at {rows['real_quantiles'][2]:.0%} of the picture's height, "
                f"yours at {rows['sim_quantiles'][2]:.0%}"
            )
            yield (
                "randomization.camera.pitch",
                _moved(settings, "randomization.camera.pitch", shifted, lower * view),
                reason,
            )
    overlap = content.get("overlap")
    if overlap:
        theirs, ours = (sum(overlap[side][2:]) for side in ("real", "sim"))
        if abs(theirs - ours) >= LEAST_GAP:
            factor = WIDER if theirs > ours else 1 / WIDER
            reason = f"{name} objects that overlap another by more than 0.1: {theirs:.0%}, yours {ours:.0%}"
            yield (
                "randomization.content.clutter",
                _moved(settings, "randomization.content.clutter", scaled, factor),
                reason,
            )


def _appearance_changes(looks: Details, settings: Settings, name: str) -> Iterator[tuple[str, Any, str]]:
    sensor = "randomization.sensor"

    def differ(measure: str) -> tuple[float, float, str] | None:
        row = looks.get(measure)
        if not row or row["effect"] is None or abs(row["effect"]) < LEAST_EFFECT:
            return None
        theirs, ours = row["real_mean"], row["sim_mean"]
        return theirs, ours, f"{name} {measure} is {theirs:.3g} in the mean, yours {ours:.3g}"

    if found := differ("luminance"):
        theirs, ours, reason = found
        stops = GAMMA * math.log2(max(theirs, 1e-3) / max(ours, 1e-3))
        yield f"{sensor}.exposure", _moved(settings, f"{sensor}.exposure", shifted, stops), reason
    for measure, key in (("contrast", "contrast"), ("saturation", "saturation"), ("noise", "noise")):
        if found := differ(measure):
            theirs, ours, reason = found
            factor = _clamped(theirs / max(ours, 1e-6))
            yield f"{sensor}.{key}", _moved(settings, f"{sensor}.{key}", scaled, factor), reason
    if found := differ("blue_yellow"):
        theirs, ours, reason = found
        cast = (theirs - ours) / DISPLAY_PER_CAST
        yield f"{sensor}.white_balance", _moved(settings, f"{sensor}.white_balance", shifted, cast), reason
    if found := differ("sharpness"):
        theirs, ours, reason = found
        yield from ((*change, reason) for change in _sharpness_changes(settings, theirs > ours))


def _sharpness_changes(settings: Settings, sharper: bool) -> Iterator[tuple[str, Any]]:
    sizes, side = settings.dataset.frames.sizes, settings.model.input_size
    longest = max(max(parse_size(size)) for size in sizes)
    if sharper and longest < side:
        factor = side / longest
        grown = [[round(factor * pixels / 2) * 2 for pixels in parse_size(size)] for size in sizes]
        weighted = [[f"{wide}x{high}", weight] for (wide, high), weight in zip(grown, sizes.values(), strict=True)]
        # a list, since Hydra would merge a mapping with what is there
        yield "dataset.frames.sizes", [weighted[0][0]] if len(weighted) == 1 else weighted
    else:
        key = "randomization.sensor.defocus"
        yield key, _moved(settings, key, scaled, 1 / WIDER if sharper else WIDER)


def _slice_changes(slice_: Details, settings: Settings, details: Details) -> Iterator[tuple[str, Any]]:
    """Settings that make more of what a weak slice holds; nothing where no setting does."""
    measure, low, high = slice_["measure"], slice_.get("low"), slice_.get("high")
    if measure == "scenario":
        yield from _more_of(settings, slice_["bin"])
    elif measure in ("box_height", "distance") and low is not None:
        small = low < 64 if measure == "box_height" else low >= 6
        yield from _more_of(settings, "far" if small else "closeup")
    elif measure == "truncation" and low:
        yield from _more_of(settings, "closeup")
    elif measure == "occlusion" and low:
        key = "randomization.content.clutter"
        yield key, _moved(settings, key, scaled, WIDER)
    elif measure == "brightness" and low is not None and high is not None:
        looks = next((gap["appearance"] for gap in details["gap"].values() if gap.get("appearance")), None)
        if looks:
            stops = GAMMA * math.log2(max((low + high) / 2, 1e-3) / max(looks["luminance"]["sim_quantiles"][2], 1e-3))
            yield (
                "randomization.sensor.exposure",
                _more_between(settings, "randomization.sensor.exposure", stops - 0.5, stops + 0.5),
            )
    elif measure.startswith("drawn.") and low is not None and high is not None:
        key = DRAWN.get(measure.removeprefix("drawn."), "")
        if key:
            yield key, _more_between(settings, key, low, high)


def _more_of(settings: Settings, scenario: str) -> Iterator[tuple[str, Any]]:
    weights = settings.scene.scenarios
    if scenario in weights:
        share = max(weights[scenario], sum(weights.values()) / len(weights) / 2)
        yield f"scene.scenarios.{scenario}", _short(2 * share)


def _more_between(settings: Settings, key: str, low: float, high: float) -> Any:
    """The distribution with a third of its draws in a range."""
    least, most = limits(key)
    ends = (_short(min(max(end, least), most)) for end in (low, high))
    return plain(combined(_distribution(settings, key), Uniform(*ends)))


def _moved(settings: Settings, key: str, change: Callable[..., Distribution], *by: float) -> Any:
    return plain(change(_distribution(settings, key), *by, limits(key)))


def _distribution(settings: Settings, key: str) -> Distribution:
    value: Distribution = _walk(settings, key)
    return value


def _value(settings: Settings, key: str) -> Any:
    value = _walk(settings, key)
    return plain(value) if isinstance(value, Distribution) else value


def _walk(settings: Settings, key: str) -> Any:
    value: Any = settings
    for step in key.split("."):
        value = value[step] if isinstance(value, dict) else getattr(value, step)
    return value


def _fuller(row: Details, name: str, what: str, unit: str) -> str:
    """The bin that the photographs fill most beyond the renders, in words."""
    ahead = [theirs - ours for theirs, ours in zip(row["real"], row["sim"], strict=True)]
    place = ahead.index(max(ahead))
    return f"{name} {what} {row['bins'][place]}{unit}: {row['real'][place]:.0%}, yours {row['sim'][place]:.0%}"


def _clamped(factor: float, least: float = 0.5, most: float = 2.0) -> float:
    """No change beyond half or double at once: what is measured on few photographs may be off."""
    return min(max(factor, least), most)


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def _hydra(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{_hydra(key)}:{_hydra(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_hydra, value)) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)
