"""Things on small wheels to push: platform trolleys, sack barrows, roll cages, shelf and tool trolleys.

Many share the silhouette of a pallet truck: something low, and an upright handle at its end.
Dimensions: roll cages 0.72 x 0.81 x 1.7 m, platform trolleys 0.8 to 1.2 m x 0.5 to 0.8 m, sack barrows 1.1 to 1.4 m
high, handles at 0.9 to 1.1 m. The handle is at the -X end, as on a pallet truck.
"""

from __future__ import annotations

import itertools

import numpy as np

from stages.sdg.assets.catalogue import Parameters, register_asset
from stages.sdg.assets.finish import Finish, chance
from stages.sdg.assets.mesh import Builder, beam, box, cylinder, grid_of_bars, move, tube, turn
from stages.sdg.assets.palette import pick
from stages.sdg.assets.shapes import bent_tube, castor, recentre, rim, shifted, soft_box, torus, tyre
from stages.sdg.assets.types import Asset, Material

FRAMES = ("#1f4fa3", "#2b6fc4", "#2d4870", "#8c9296", "#b8231c", "#1b1c1e", "#3f7d3a", "#e5a50a", "#c9ccc8", "#d8521a")
FRAME_WEIGHTS = (6, 6, 4, 4, 3, 3, 2, 2, 2, 2)
BOARDS = ("#b58e5f", "#8a6a45", "#6a4a30", "#9a9c9c", "#2f3338", "#c9a777")


def add_castors(
    builder: Builder,
    rng: np.random.Generator,
    half: tuple[float, float],
    height: float,
    radius: float,
    metal: Material,
    tread: Material,
) -> None:
    """Four castors under the corners of a deck; those at -X swivel."""
    for x in (-half[0], half[0]):
        for y in (-half[1], half[1]):
            castor(builder, (x, y, height), radius, metal, tread, float(rng.uniform(0, 2 * np.pi)) if x < 0 else 0.0)


@register_asset("hand_cart")
def hand_cart(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A platform trolley with a push handle, or side frames. Parameters: wear, dirt, colour."""
    finish, builder = Finish(rng, parameters), Builder()
    frame, metal, tread = finish.paint(finish.colour(FRAMES, FRAME_WEIGHTS)), finish.steel(), finish.tread()
    hx, hy = float(rng.uniform(0.36, 0.62)), float(rng.uniform(0.23, 0.4))
    radius = float(rng.uniform(0.045, 0.1))
    deck = radius * 2 + float(rng.uniform(0.03, 0.06))
    top = finish.wood(pick(rng, BOARDS)) if chance(rng, 0.6) else frame
    builder.add("deck", box((-hx, -hy, deck), (hx, hy, deck + 0.025), 0.004), top)
    for side in (-1, 1):
        builder.add(
            "frame", box((-hx, side * hy - 0.012, deck - 0.025), (hx, side * hy + 0.012, deck + 0.03), 0.004), frame
        )
        builder.add(
            "frame", box((side * hx - 0.012, -hy, deck - 0.025), (side * hx + 0.012, hy, deck + 0.03), 0.004), frame
        )
    add_castors(builder, rng, (hx - radius, hy - radius * 0.8), deck - 0.02, radius, metal, tread)
    handle, thick = float(rng.uniform(0.85, 1.1)), float(rng.uniform(0.011, 0.018))
    lean = float(rng.uniform(-0.05, 0.15))
    ends = (-1,) if chance(rng, 0.75) else (-1, 1)
    inset = float(rng.uniform(0.6, 1.0)) * hy
    for end in ends:
        x = end * (hx - 0.01)
        path = [(x, -inset, deck), (x + end * lean, -inset, handle), (x + end * lean, inset, handle), (x, inset, deck)]
        builder.add(
            "handle", bent_tube(path, thick, float(rng.uniform(0.03, 0.15))), frame if chance(rng, 0.6) else metal, True
        )
        kind = rng.choice(["open", "bar", "mesh", "panel"], p=[0.35, 0.3, 0.2, 0.15])
        middle = x + end * lean * 0.5
        if kind == "bar":
            for z in np.linspace(deck + 0.1, handle - 0.15, int(rng.integers(2, 5)))[1:]:
                at = x + end * lean * (z - deck) / (handle - deck)
                builder.add("handle", cylinder((at, -inset, z), (at, inset, z), thick * 0.8, 6), frame, True)
        elif kind == "mesh":
            counts = (max(3, int(inset * 2 / 0.06)), max(3, int((handle - deck) / 0.1)))
            builder.add(
                "handle",
                grid_of_bars(
                    (x, -inset, deck), (0, 2 * inset, 0), (end * lean, 0, handle - deck - 0.05), counts, 0.005
                ),
                metal,
            )
        elif kind == "panel":
            builder.add(
                "handle", box((middle - 0.008, -inset, deck + 0.05), (middle + 0.008, inset, handle - 0.25)), top
            )
    if chance(rng, 0.15) and len(ends) == 1:
        tip = np.array([hx + float(rng.uniform(0.1, 0.4)), 0.0, float(rng.uniform(0.75, 1.0))])  # a drawbar, put up
        builder.add(
            "handle", bent_tube([(hx, 0, deck), (hx + 0.06, 0, deck + 0.08), tuple(tip)], 0.014, 0.06), metal, True
        )
        loop = torus((0, 0, 0), 0.06, 0.011, 0, 14, 6)
        builder.add("handle", move((loop[0] * (1.0, 1.4, 1.0), loop[1]), shifted(tip, 0, 0, 0.06)), metal, True)
    if chance(rng, 0.3):
        fill = deck + float(rng.uniform(0.15, 0.8))
        add_goods(builder, rng, finish, (hx * float(rng.uniform(0.5, 0.85)), hy * 0.9), deck + 0.026, fill)
    builder.keypoint("handle", (-hx - lean, 0, handle))
    return recentre(builder.build())


@register_asset("sack_barrow")
def sack_barrow(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A sack barrow standing on its toe plate, or leant back. Parameters: lean (radians), wear, dirt, colour."""
    finish, builder = Finish(rng, parameters), Builder()
    frame = finish.paint(finish.colour(FRAMES, FRAME_WEIGHTS)) if chance(rng, 0.75) else finish.steel()
    metal, rubber = finish.steel(), finish.rubber()
    half, height = float(rng.uniform(0.15, 0.24)), float(rng.uniform(1.05, 1.4))
    radius = float(rng.uniform(0.09, 0.15))
    thick, reach = float(rng.uniform(0.012, 0.018)), float(rng.uniform(0.15, 0.35))
    made = [("plate", box((0, -half * 1.15, 0), (reach, half * 1.15, 0.008)), metal, False)]
    for side in (-1, 1):
        grip = float(rng.uniform(0.08, 0.2))
        kind = [(0, side * half, 0.01), (0, side * half, height * 0.85), (-grip, side * half, height)]
        made.append(("frame", bent_tube(kind, thick, 0.08), frame, True))
        made.append(
            (
                "grip",
                cylinder(
                    (-grip * 0.4, side * half, height * 0.92),
                    (-grip * 1.35, side * half, height + grip * 0.1),
                    thick * 1.4,
                    8,
                ),
                rubber,
                True,
            )
        )
        made.append(
            (
                "frame",
                beam((0, side * half, 0.45), (-radius - 0.03, side * half, radius), 0.012, 0.03, (1, 0, 0)),
                frame,
                False,
            )
        )
    for z in np.linspace(0.08, height * 0.8, int(rng.integers(3, 6))):
        bow = float(rng.uniform(0, 0.06))
        made.append(("frame", tube([(0, -half, z), (-bow, 0, z), (0, half, z)], thick * 0.8, 7), frame, True))
    if chance(rng, 0.4):
        made.append(("frame", beam((-0.005, 0, 0.08), (-0.005, 0, height * 0.8), 0.04, 0.006), frame, False))
    if chance(rng, 0.35):  # a closed loop above, like a pallet truck's
        loop = [
            (-0.1, -half, height),
            (-0.16, -half, height + 0.12),
            (-0.16, half, height + 0.12),
            (-0.1, half, height),
        ]
        made.append(("grip", bent_tube(loop, thick, 0.06), rubber, True))
    axle = (-radius - 0.03, 0.0, radius)
    made.append(
        ("axle", cylinder((axle[0], -half - 0.09, radius), (axle[0], half + 0.09, radius), 0.01, 8), metal, True)
    )
    for side in (-1, 1):
        made.append(("wheels", tyre((axle[0], side * (half + 0.06), radius), radius, 0.07, segments=18), rubber, True))
        made.append(
            (
                "wheels",
                rim((axle[0], side * (half + 0.06), radius), radius, 0.07),
                frame if chance(rng, 0.5) else metal,
                False,
            )
        )
    lean = float(
        parameters.get("lean", rng.choice([0.0, rng.uniform(0, 0.12), rng.uniform(0.3, 0.9)], p=[0.5, 0.3, 0.2]))
    )
    for name, mesh, material, smooth in made:
        builder.add(name, turn(mesh, 1, -lean, axle), material, smooth)
    return recentre(builder.build())


@register_asset("roll_cage")
def roll_cage(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A roll container: base on castors, two to four mesh sides, sometimes a shelf and goods. Parameters: wear."""
    finish, builder = Finish(rng, parameters), Builder()
    steel = finish.steel() if chance(rng, 0.7) else finish.paint(finish.colour(FRAMES, FRAME_WEIGHTS))
    metal, tread = finish.steel(), finish.tread()
    hx, hy = float(rng.uniform(0.38, 0.42)), float(rng.uniform(0.33, 0.4))
    height, radius = float(rng.uniform(1.4, 1.85)), float(rng.uniform(0.05, 0.063))
    deck = radius * 2 + 0.05
    base = steel if chance(rng, 0.6) else finish.plastic(pick(rng, ("#1f4fa3", "#3a3d40", "#b8231c", "#6d7276")))
    builder.add("deck", soft_box((-hx, -hy, deck - 0.02), (hx, hy, deck + 0.02), 0.03), base)
    add_castors(builder, rng, (hx - 0.08, hy - 0.07), deck - 0.02, radius, metal, tread)
    thick, step = float(rng.uniform(0.01, 0.014)), float(rng.uniform(0.07, 0.13))
    rows = int(rng.integers(3, 10))
    walls = [((-hx, -hy), (0, 2 * hy)), ((hx, hy), (0, -2 * hy)), ((hx, -hy), (-2 * hx, 0)), ((-hx, hy), (2 * hx, 0))]
    sides = int(rng.choice([2, 3, 3, 4]))
    for (x, y), (dx, dy) in walls[:sides]:
        ends = [(x, y, deck), (x, y, height), (x + dx, y + dy, height), (x + dx, y + dy, deck)]
        builder.add("frame", bent_tube(ends, thick, 0.06, 7), steel, True)
        inner = 0.05
        origin = (x + dx * 0.03, y + dy * 0.03, deck + inner)
        counts = (max(4, int((abs(dx) + abs(dy)) / step)), rows)
        lattice = grid_of_bars(origin, (dx * 0.94, dy * 0.94, 0), (0, 0, height - deck - 2 * inner), counts, 0.0055)
        builder.add("mesh", lattice, steel)
    if chance(rng, 0.3):
        z = deck + (height - deck) * float(rng.uniform(0.35, 0.65))
        builder.add("shelf", box((-hx, -hy, z), (hx, hy, z + 0.02)), steel)
    if chance(rng, 0.5):
        add_goods(
            builder,
            rng,
            finish,
            (hx - 0.03, hy - 0.03),
            deck + 0.02,
            deck + (height - deck) * float(rng.uniform(0.3, 0.9)),
        )
    return recentre(builder.build())


def add_goods(
    builder: Builder, rng: np.random.Generator, finish: Finish, half: tuple[float, float], low: float, high: float
) -> None:
    """Layers of cartons, crates or bags that fill a box up to ``high``."""
    colours = ("#b08a5e", "#a67c4f", "#c29b6c", "#8f6c46", "#d9cdb8", "#23518f", "#5b6065", "#d8d8d4")
    materials = [
        Material("cardboard", pick(rng, colours), 0.8, dirt=finish.dirt * 0.5, seed=int(rng.integers(1 << 30)))
        for _ in range(2)
    ]
    z = low
    while z < high - 0.05:
        tall, x = min(float(rng.uniform(0.12, 0.4)), high - z), -half[0]
        while x < half[0] - 0.1:
            wide = min(float(rng.uniform(0.2, 0.5)), half[0] - x)
            split = float(rng.uniform(-0.5, 0.5)) * half[1]
            for y0, y1 in ((-half[1], split), (split, half[1])):
                if not chance(rng, 0.12):
                    top = z + tall * float(rng.uniform(0.75, 1.0))
                    builder.add(
                        "goods",
                        box((x + 0.004, y0 + 0.004, z), (x + wide - 0.004, y1 - 0.004, top), 0.004),
                        materials[int(rng.integers(2))],
                    )
            x += wide
        z += tall


@register_asset("shelf_trolley")
def shelf_trolley(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A picking trolley of two to five shelves between four posts. Parameters: wear, dirt, colour."""
    finish, builder = Finish(rng, parameters), Builder()
    frame, metal, tread = finish.paint(finish.colour(FRAMES, FRAME_WEIGHTS)), finish.steel(), finish.tread()
    hx, hy = float(rng.uniform(0.35, 0.75)), float(rng.uniform(0.2, 0.38))
    height, radius = float(rng.uniform(0.85, 1.75)), float(rng.uniform(0.05, 0.08))
    low = radius * 2 + 0.04
    shelf = frame if chance(rng, 0.4) else (finish.wood(pick(rng, BOARDS)) if chance(rng, 0.6) else metal)
    add_castors(builder, rng, (hx - 0.05, hy - 0.04), low, radius, metal, tread)
    levels = np.linspace(low + 0.01, height - float(rng.uniform(0.0, 0.15)), int(rng.integers(2, 6)))
    lip = float(rng.choice([0.0, rng.uniform(0.03, 0.1)]))
    gap = float(np.diff(levels).min()) - 0.05
    for z in levels:
        builder.add("shelves", box((-hx, -hy, z - 0.012), (hx, hy, z + 0.012), 0.003), shelf)
        if lip:
            for side in (-1, 1):
                builder.add("frame", box((-hx, side * hy - 0.005, z), (hx, side * hy + 0.005, z + lip)), frame)
        if chance(rng, 0.4) and z < levels[-1]:
            add_goods(builder, rng, finish, (hx - 0.06, hy - 0.03), z + 0.012, z + min(0.3, gap))
    post = float(rng.uniform(0.012, 0.02))
    for x in (-hx, hx):
        for y in (-hy, hy):
            builder.add("frame", box((x - post, y - post, low - 0.02), (x + post, y + post, height)), frame)
    reach, z = float(rng.uniform(0.06, 0.2)), float(min(height, rng.uniform(0.9, 1.1)))
    path = [(-hx, -hy, z - 0.08), (-hx - reach, -hy, z), (-hx - reach, hy, z), (-hx, hy, z - 0.08)]
    builder.add("handle", bent_tube(path, 0.013, 0.05), metal if chance(rng, 0.5) else frame, True)
    return recentre(builder.build())


@register_asset("tool_trolley")
def tool_trolley(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A workshop trolley with drawers. Parameters: wear, dirt, colour."""
    finish, builder = Finish(rng, parameters), Builder()
    paint = finish.paint(
        finish.colour(("#b8231c", "#1f4fa3", "#2a2c2e", "#c9ccc8", "#3f7d3a", "#7f8a90"), (6, 4, 4, 2, 1, 2))
    )
    front = paint if chance(rng, 0.5) else finish.dark()
    metal, tread = finish.steel(), finish.tread()
    hx, hy = float(rng.uniform(0.2, 0.26)), float(rng.uniform(0.3, 0.42))
    radius, height = float(rng.uniform(0.05, 0.07)), float(rng.uniform(0.8, 1.0))
    low = 2 * radius + 0.03
    add_castors(builder, rng, (hx - 0.05, hy - 0.05), low, radius, metal, tread)
    builder.add("body", soft_box((-hx, -hy, low), (hx, hy, height), 0.015, 0.008), paint)
    edges = (
        low
        + 0.03
        + (height - low - 0.06) * np.cumsum([0.0, *(heights := rng.dirichlet(np.full(int(rng.integers(3, 8)), 6.0)))])
    )
    for z0, z1 in itertools.pairwise(edges):
        pulled = float(rng.uniform(0.05, 0.25)) if chance(rng, 0.08 / len(heights)) else 0.0
        builder.add(
            "drawers",
            box((hx - 0.1, -hy + 0.025, z0 + 0.004), (hx + 0.012 + pulled, hy - 0.025, z1 - 0.004), 0.003),
            front,
        )
        builder.add(
            "handles",
            box((hx + 0.012 + pulled, -hy + 0.05, z1 - 0.022), (hx + 0.028 + pulled, hy - 0.05, z1 - 0.008)),
            metal,
        )
    builder.add(
        "top", soft_box((-hx - 0.01, -hy - 0.01, height), (hx + 0.01, hy + 0.01, height + 0.02), 0.02), finish.rubber()
    )
    side = 1 if chance(rng, 0.5) else -1
    path = [
        (-hx + 0.04, side * hy, height - 0.1),
        (-hx + 0.04, side * (hy + 0.07), height),
        (hx - 0.04, side * (hy + 0.07), height),
        (hx - 0.04, side * hy, height - 0.1),
    ]
    builder.add("handles", bent_tube(path, 0.013, 0.04), metal, True)
    things = [finish.plastic(pick(rng, FRAMES)) for _ in range(2)]
    for _ in range(int(rng.integers(0, 5))):
        x, y = float(rng.uniform(-hx, hx) * 0.7), float(rng.uniform(-hy, hy) * 0.8)
        size = rng.uniform(0.02, 0.1, 3)
        builder.add(
            "clutter",
            move(turn(box(-size * (1, 1, 0), size), 2, float(rng.uniform(0, 3))), (x, y, height + 0.02)),
            things[int(rng.integers(2))],
        )
    return recentre(builder.build())
