"""What targets and presets ask of one frame, from its number alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from stages.common.errors import SettingsError
from stages.common.settings import Settings
from stages.common.settings.distribution import Choice, Distribution, Drawn
from stages.common.settings.presets import changed
from stages.common.settings.targets import MAIN, Histogram, Measure
from stages.sdg.plan.draft import scenarios_without_trucks
from stages.sdg.plan.order import Ask, Order, Range
from stages.sdg.plan.turns import FIRST, NEGATIVE, PRESET, SCENARIO, pick_bin, turn

ORDERED, DRAWS = 0x0A5C, 64
"""Marks the generator whose draws tell how many trucks frames are to have, and how many draws those are."""

SLACK = 1e-6

SIZES = ("height", "relative_height", "distance")
ALIKE = 3
"""Trucks of a frame are of one third of all sizes: one view cannot show a truck that fills it and one far away."""

HARD = {"occlusion": 0.2, "truncation": 0.02}
"""Measures of which things of some sizes can hardly have more than this."""


def preset_of(settings: Settings, frame: int) -> str:
    """Name of the preset that a frame is made with, empty for none."""
    shares = {name: share for name, share in settings.presets.shares.items() if share > 0}
    if not shares:
        return ""
    names = sorted(shares)
    weights = [*(shares[name] for name in names), max(0.0, 1 - sum(shares.values()))]
    return [*names, ""][pick_bin(weights, turn(settings.seed, frame, PRESET))]


def with_preset(settings: Settings, name: str) -> Settings:
    """The settings of frames that are made with a preset; an empty name is none."""
    if not name:
        return settings
    preset = settings.presets.cases[name]
    scene = settings.scene.model_copy(update={"scenarios": preset.scenarios}) if preset.scenarios else settings.scene
    return settings.model_copy(update={"randomization": changed(settings.randomization, preset), "scene": scene})


def ask_for(settings: Settings, frame: int, preset: str) -> Ask | None:
    """What a frame must hold, or None when nothing is asked of it.

    Args:
        settings: as the user gave them, without the preset's changes.
        frame: its number.
        preset: from :func:`preset_of`.

    Raises:
        SettingsError: when targets and presets contradict each other.
    """
    own = with_preset(settings, preset)
    truck = _truck_of(settings, preset)
    if not settings.targets.any() and not truck:
        return None
    main = [item for item in settings.targets.spread() if item.label == MAIN]
    count = next((item for item in main if item.of == "count"), None)
    negative, place = _negative(settings, own, preset, frame)
    drawn = own.randomization.drawn(frame)
    trucks = 0 if negative else _trucks(own, count, place, drawn)
    measured = sorted((item for item in main if item.of != "count"), key=lambda item: item.of not in SIZES)
    orders = tuple(_order(settings, measured, slot, frame) for slot in range(trucks)) if measured else ()
    if truck and not negative:
        limits: dict[str, Range] = {name: (low, high) for name, (low, high) in truck.items()}
        orders = (_both(orders[0].limits if orders else {}, limits), *orders[1:])
    # the nearest finds its place first: it has the least choice
    orders = tuple(sorted(orders, key=lambda order: -order.limits.get("relative_height", (0.0,))[0]))
    exact = count is not None or bool(measured)
    return Ask(
        negative,
        _scenarios(settings, own, preset, frame, negative),
        trucks,
        exact,
        orders,
        settings.targets.counted,
        drawn,
    )


def _truck_of(settings: Settings, preset: str) -> Mapping[Measure, list[float]]:
    """Limits that a preset sets to one truck of each of its frames."""
    return settings.presets.cases[preset].truck if preset else {}


def check_asked(settings: Settings) -> None:
    """Find what no frame can hold before any is planned, whatever custom scenarios and presets there are.

    Raises:
        SettingsError: when targets, scenarios and presets contradict each other.
    """
    for preset in ("", *(name for name, share in settings.presets.shares.items() if share > 0)):
        own = with_preset(settings, preset)
        if not settings.targets.any() and not _truck_of(settings, preset):
            continue
        if not preset and sum(settings.presets.shares.values()) > 1 - SLACK:
            continue  # every frame has a preset
        share = _negative_share(settings, own, preset)
        for negative in [kind for kind, part in ((True, share), (False, 1 - share)) if part > SLACK]:
            _scenarios(settings, own, preset, 0, negative)
    for item in settings.targets.spread():
        if item.label == MAIN and item.of != "count" and settings.targets.negatives != 1:
            _left_by_presets(settings, item)


def _negative(settings: Settings, own: Settings, preset: str, frame: int) -> tuple[bool, float]:
    """Whether a frame is a negative, and else its place among the others, 0 to below 1."""
    at, share = turn(settings.seed, frame, NEGATIVE), _negative_share(settings, own, preset)
    if preset and forced_negative(settings, preset) is not None:
        return share == 1, at
    return at < share, (at - share) / (1 - share) if at >= share else at


def _negative_share(settings: Settings, own: Settings, preset: str) -> float:
    """The share of negatives among the frames of a preset, or among those without one."""
    forced = {name: forced_negative(settings, name) for name in settings.presets.shares}
    if preset and (kind := forced[preset]) is not None:
        return float(kind)
    share = settings.targets.asked_negatives()
    if share is None:
        truckless = _truckless_share(settings.targets.scenarios or own.scene.scenarios)
        return truckless + (1 - truckless) * own.randomization.content.negatives
    taken = [(settings.presets.shares[name], kind) for name, kind in forced.items() if kind is not None]
    free = 1 - sum(part for part, _ in taken)
    return _free(share, sum(part for part, kind in taken if kind), free, "negatives")


def forced_negative(settings: Settings, name: str) -> bool | None:
    """Whether all frames of a preset are negatives, or none is, or (None) it leaves that open."""
    preset = settings.presets.cases[name]
    if preset.truck:
        return False
    content = preset.randomization.get("content")
    if isinstance(content, dict) and content.get("negatives") in (0, 1):
        return bool(content["negatives"] == 1)
    if preset.scenarios and _truckless_share(preset.scenarios) == 1:
        return True
    return None


def _truckless_share(weights: Mapping[str, float]) -> float:
    total = sum(weights.values())
    return sum(weight for name, weight in weights.items() if name in scenarios_without_trucks()) / total


def _free(asked: float, taken: float, free: float, what: str) -> float:
    """The share among frames without a say of their own, when ``taken`` of all frames are fixed by presets."""
    if not taken - SLACK <= asked <= taken + free + SLACK:
        wanted = "more" if taken > asked else "less"
        raise SettingsError(
            f"targets ask for a share of {asked:g} of {what}, and presets.shares for {wanted} ({taken:.3g} to "
            f"{taken + free:.3g}): change the target or the presets' shares"
        )
    return float(np.clip((asked - taken) / free, 0, 1)) if free > SLACK else 0.0


def _trucks(own: Settings, count: Histogram | None, place: float, drawn: Drawn) -> int:
    """How many trucks a frame with some has."""
    if count is None:
        return max(1, round(_quantile(own.randomization.content.trucks, place, own.seed, drawn)))
    bins = [
        (range(max(1, int(np.ceil(low))), int(np.ceil(high)) + (high == count.edges[-1] and high == int(high))), share)
        for low, high, share in zip(count.edges[:-1], count.edges[1:], count.shares, strict=True)
    ]
    numbers = [(number, share / len(held)) for held, share in bins if share > 0 for number in held]
    return numbers[pick_bin([share for _, share in numbers], place)][0]


def _quantile(quantity: Distribution, place: float, seed: int, drawn: Drawn) -> float:
    """The value below which a share ``place`` of a quantity's draws lies, so that counts are as even as the rest."""
    if isinstance(quantity, Choice):
        pairs = sorted(zip(quantity.values, quantity.weights, strict=True))
        return pairs[pick_bin([weight for _, weight in pairs], place)][0]
    rng = np.random.default_rng([seed, ORDERED])
    return sorted(quantity.sample(rng, drawn) for _ in range(DRAWS))[int(place * DRAWS)]


def _order(settings: Settings, measured: Sequence[Histogram], slot: int, frame: int) -> Order:
    """What the truck in a slot must be, from all targets but the counts."""
    size = next((item for item in measured if item.of in SIZES), None)
    limits: dict[str, Range] = {}
    for number, item in enumerate(measured):
        # near things are large, so sizes and distances share one question
        dimension = measured.index(size) if size is not None and item.of in SIZES else number
        at = turn(settings.seed, frame, FIRST + dimension, slot, ALIKE if item.of in SIZES else 1)
        shares = list(_left_by_presets(settings, item) if slot == 0 else item.shares)
        if item.of == "distance":  # the nearest is the tallest
            at = 1 - at - 1e-12
        if item.of in HARD and size is not None and size.of in limits:
            shares = _eased(item, shares, size, limits[size.of], settings)
        chosen = pick_bin(shares, at)
        limits[item.of] = item.edges[chosen], item.edges[chosen + 1] + (chosen == len(shares) - 1) * SLACK
    return Order(limits)


def _eased(item: Histogram, shares: Sequence[float], size: Histogram, limits: Range, settings: Settings) -> list[float]:
    """Shares of a target's bins for things of one size, when no size is asked for what it can hardly be.

    A thing that fills the picture has no room before it for what hides it, and a tiny one is seldom cut by the border.
    The targets fix how often each is, not how often both are: all sizes together still have the shares asked for.
    """
    tallest = max(int(name.partition("x")[2]) for name in settings.dataset.frames.sizes)
    unit = {"height": float(tallest), "relative_height": 1.0, "distance": 1.0}[size.of]

    def suits(low: float, high: float) -> bool:
        low, high = low / unit, high / unit
        if item.of == "occlusion":
            return high > 2.5 if size.of == "distance" else low < 0.45
        return low < 8 if size.of == "distance" else high > 0.15

    bins = zip(size.edges[:-1], size.edges[1:], size.shares, strict=True)
    suited = sum(share for low, high, share in bins if suits(low, high))
    hard = [low > HARD[item.of] for low in item.edges[:-1]]
    wanted = sum(share for share, is_hard in zip(shares, hard, strict=True) if is_hard)
    if not 0 < wanted <= suited or wanted >= 1:
        return list(shares)
    more = 1 / suited if suits(*limits) else 0.0
    rest = (1 - wanted * more) / (1 - wanted)
    return [share * (more if is_hard else rest) for share, is_hard in zip(shares, hard, strict=True)]


def _left_by_presets(settings: Settings, item: Histogram) -> list[float]:
    """Shares of the bins among first trucks whose preset does not say what they are."""
    taken, with_trucks = np.zeros(len(item.shares)), 1 - (settings.targets.negatives or 0.0)
    for name, share in settings.presets.shares.items():
        limits = {str(measure): found for measure, found in settings.presets.cases[name].truck.items()}.get(item.of)
        if limits is None:
            continue
        overlap = [
            max(0.0, min(high, limits[1]) - max(low, limits[0]))
            for low, high in zip(item.edges[:-1], item.edges[1:], strict=True)
        ]
        if sum(overlap) > 0:
            taken += share / with_trucks * np.array(overlap) / sum(overlap)
    free = 1 - taken.sum()
    return [
        _free(asked, part, free, f"{item.label} with {item.of} of {low:g} to {high:g}")
        for asked, part, low, high in zip(item.shares, taken, item.edges[:-1], item.edges[1:], strict=True)
    ]


def _both(limits: Mapping[str, Range], wanted: Mapping[str, Range]) -> Order:
    """An order that keeps to a preset's limits, and to the others where these leave it free."""
    return Order({**limits, **wanted})


def _scenarios(settings: Settings, own: Settings, preset: str, frame: int, negative: bool) -> Mapping[str, float]:
    """Weights of the scenarios that may arrange a frame; a single one where the targets say which."""
    truckless = scenarios_without_trucks()
    asked = settings.targets.scenarios
    mixed = preset and settings.presets.cases[preset].scenarios
    weights = dict(own.scene.scenarios if mixed or not asked else _left_scenarios(settings))
    total = sum(weights.values())
    bare = sum(weight for name, weight in weights.items() if name in truckless) / total
    if not negative:
        left = {name: weight for name, weight in weights.items() if name not in truckless}
        if not any(left.values()):
            raise SettingsError(
                "the scenarios that are asked for hold no pallet truck, but the targets ask for some: "
                "ask for negatives, or for other scenarios"
            )
    elif bare > 0:
        share = settings.targets.asked_negatives()
        if share is None:
            share = bare + (1 - bare) * own.randomization.content.negatives
        if asked and not mixed and share < bare - SLACK:
            raise SettingsError(
                f"targets.scenarios asks for {bare:.3g} of frames without trucks, but targets for {share:g} negatives: "
                "make them agree"
            )
        # as many of the negatives as it takes, so that all frames together have each scenario as often as asked
        part = min(1.0, bare / share) if share > 0 else 1.0
        with_trucks = 1 - bare
        left = {
            name: weight / total / bare * part
            if name in truckless
            else weight / total / max(with_trucks, SLACK) * (1 - part)
            for name, weight in weights.items()
        }
    else:
        left = weights
    if asked and not mixed:
        names = sorted(left)
        return {names[pick_bin([left[name] for name in names], turn(settings.seed, frame, SCENARIO))]: 1.0}
    return left


def _left_scenarios(settings: Settings) -> dict[str, float]:
    """Shares of the scenarios among frames whose preset does not say which."""
    taken = dict.fromkeys(settings.targets.scenarios, 0.0)
    free = 1.0
    for name, share in settings.presets.shares.items():
        weights = settings.presets.cases[name].scenarios
        if weights:
            free -= share
            for scenario, weight in weights.items():
                if scenario in taken:
                    taken[scenario] += share * weight / sum(weights.values())
    return {
        name: _free(asked, taken[name], free, f"scenario {name}") for name, asked in settings.targets.scenarios.items()
    }
