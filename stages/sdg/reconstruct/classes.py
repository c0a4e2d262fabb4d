"""How large things of each class are, which gives the scale where nobody measured."""

from __future__ import annotations

from typing import Literal

Side = Literal["length", "width", "height"]

USUAL: dict[str, tuple[float, float, float]] = {
    "pallet": (1.2, 0.8, 0.144),
    "stillage": (1.24, 0.835, 0.97),
    "small_load_carrier": (0.6, 0.4, 0.28),
    "pallet_truck": (1.55, 0.55, 1.22),
    "forklift": (3.4, 1.2, 2.15),
}
"""Length, width and height in metres: the EUR pallet (EN 13698-1), the EUR box pallet (UIC 435-3), the R-KLT 6429
(VDA 4500); a hand pallet truck with forks of 1.15 m and its tiller upright, and a counterbalanced truck of 2 t, as in
makers' data sheets."""

SURE: dict[str, Side] = {
    "pallet": "length",
    "stillage": "length",
    "small_load_carrier": "length",
    "pallet_truck": "height",
    "forklift": "height",
}
"""Side that varies least among things of a class, and is not hidden when one is photographed."""


def usual_side(class_name: str) -> tuple[Side, float] | None:
    """The side that gives the scale, and its metres; None for a class that is not known."""
    if class_name not in USUAL:
        return None
    side = SURE[class_name]
    return side, USUAL[class_name][("length", "width", "height").index(side)]
