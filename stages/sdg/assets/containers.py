"""Drums, cable reels, waste bins and bags.

Standard sizes: 200 l drum 0.585 x 0.88 m (ISO 15750-2), two-wheeled bins of 80 to 240 l (EN 840-1) and four-wheeled
ones of 770 and 1100 l (EN 840-3).
"""

from __future__ import annotations

import itertools

import numpy as np

from stages.sdg.assets.catalogue import Parameters, register_asset
from stages.sdg.assets.finish import Finish, chance
from stages.sdg.assets.mesh import Builder, Mesh, box, cylinder, lathe, merge, move, panel, turn, wheel
from stages.sdg.assets.palette import pick
from stages.sdg.assets.shapes import castor, recentre, stack, torus
from stages.sdg.assets.types import Asset, Material

DRUMS = ("#1f4fa3", "#16386e", "#b8231c", "#2a2c2e", "#20683a", "#8d9296", "#e5a50a", "#d8d8d2")
BINS = ("#3a3d40", "#2a2c2e", "#1f5c34", "#1f4fa3", "#e5b800", "#6b4a2c")


@register_asset("drum")
def drum(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A steel or plastic drum, upright. Parameters: litres (30 to 220), wear, dirt, colour."""
    finish, builder = Finish(rng, parameters), Builder()
    litres = float(parameters.get("litres", rng.choice([60, 120, 200, 200, 200, 220])))
    radius = 0.29 * (litres / 200) ** (1 / 3) * float(rng.uniform(0.97, 1.03))
    height = 0.88 * (litres / 200) ** (1 / 3) * float(rng.uniform(0.95, 1.05))
    colour = finish.colour(DRUMS, (7, 4, 4, 4, 2, 2, 2, 1))
    if chance(rng, 0.7):
        material = finish.paint(colour)
        rings = (0.33, 0.67)
        profile = [
            (0.0, 0.015),
            (radius * 0.96, 0.015),
            (radius * 0.97, 0.0),
            (radius, 0.004),
            (radius, 0.02),
            (radius * 0.975, 0.03),
        ]
        for at in rings:
            z = height * at
            profile += [
                (radius * 0.975, z - 0.025),
                (radius, z - 0.008),
                (radius, z + 0.008),
                (radius * 0.975, z + 0.025),
            ]
        profile += [
            (radius * 0.975, height - 0.03),
            (radius, height - 0.02),
            (radius, height - 0.003),
            (radius * 0.97, height),
            (radius * 0.955, height - 0.018),
            (0.0, height - 0.018),
        ]
        builder.add("body", lathe(profile, 2, 28), material, True)
        for x, size in ((0.7, 0.035), (-0.7, 0.02)):
            builder.add(
                "caps", cylinder((x * radius, 0, height - 0.02), (x * radius, 0, height), size, 10), finish.steel()
            )
    else:
        material = finish.plastic(colour)
        profile = [
            (0.0, 0.0),
            (radius * 0.85, 0.0),
            (radius * 0.95, 0.05),
            (radius, 0.12),
            (radius, height * 0.75),
            (radius * 0.93, height * 0.8),
            (radius * 0.97, height * 0.86),
        ]
        profile += [(radius * 0.9, height * 0.92), (radius * 0.8, height * 0.93), (0.0, height * 0.93)]
        builder.add("body", lathe(profile, 2, 28), material, True)
        lid = finish.plastic(pick(rng, ("#1b1c1e", "#b8231c", "#d8d8d2")))
        builder.add(
            "caps",
            lathe(
                [
                    (0.0, height * 0.9),
                    (radius * 0.9, height * 0.9),
                    (radius * 0.9, height * 0.985),
                    (radius * 0.86, height),
                    (0.0, height),
                ],
                2,
                24,
            ),
            lid,
            True,
        )
    if chance(rng, 0.6):
        angle = float(rng.uniform(0, 2 * np.pi))
        spread = np.linspace(-0.35, 0.35, 6)
        outer = radius * 1.004
        low, high = height * 0.4, height * float(rng.uniform(0.55, 0.63))
        arc = np.stack([outer * np.cos(angle + spread), outer * np.sin(angle + spread)], 1)
        strips = [panel([(*p, low), (*q, low), (*q, high), (*p, high)]) for p, q in itertools.pairwise(arc)]
        builder.add("label", merge(*strips), finish.label(), True)
    return recentre(builder.build())


@register_asset("cable_drum")
def cable_drum(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A cable reel of wood, plastic or steel, standing on its flanges or lying. Parameters: wear, dirt."""
    finish, builder = Finish(rng, parameters), Builder()
    radius, half = float(rng.uniform(0.2, 0.65)), float(rng.uniform(0.15, 0.4))
    flange = (
        finish.wood(pick(rng, ("#b58e5f", "#8a6a45", "#9c7a52", "#6a5d4f")))
        if chance(rng, 0.75)
        else finish.paint(finish.colour(DRUMS))
    )
    cable = finish.plastic(pick(rng, ("#141516", "#1b1c1e", "#6d7276", "#d8521a", "#1f4fa3", "#b8231c")))
    core, thick, fill = radius * float(rng.uniform(0.3, 0.5)), radius * 0.07, float(rng.uniform(0.0, 0.9))
    made: list[tuple[str, Mesh, Material]] = []
    for side in (-1, 1):
        y0, y1 = sorted((side * half, side * (half + thick)))
        made.append(
            (
                "flange",
                lathe(
                    [(radius * 0.07, y0), (radius, y0), (radius, y1), (radius * 0.07, y1), (radius * 0.07, y0)], 1, 28
                ),
                flange,
            )
        )
    wound = core + (radius * 0.92 - core) * fill
    turns = max(2, int(half / 0.03)) if fill > 0.05 else 1
    profile = [(0.0, -half)]
    for y in np.linspace(-half, half, 2 * turns + 1):
        profile.append((wound * (1 if len(profile) % 2 else 0.965), float(y)))
    made.append(("cable", lathe([*profile, (0.0, half)], 1, 20), cable if fill > 0.05 else flange))
    lying = chance(rng, 0.3)
    for name, mesh, material in made:
        builder.add(name, turn(mesh, 0, np.pi / 2) if lying else mesh, material, True)
    return recentre(builder.build())


@register_asset("waste_bin")
def waste_bin(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A wheeled bin, two or four wheels, a round bin or a stand with a bag. Parameters: kind, wear, dirt, colour."""
    finish, builder = Finish(rng, parameters), Builder()
    kind = str(
        parameters.get("kind")
        or rng.choice(["two_wheels", "four_wheels", "round", "bag_stand"], p=[0.45, 0.2, 0.2, 0.15])
    )
    body = finish.plastic(finish.colour(BINS))
    if kind == "bag_stand":
        return _bag_stand(builder, rng, finish)
    if kind == "round":
        radius, height = float(rng.uniform(0.18, 0.3)), float(rng.uniform(0.55, 0.9))
        builder.add(
            "body",
            lathe(
                [
                    (0.0, 0.0),
                    (radius * 0.82, 0.0),
                    (radius, height),
                    (radius * 1.05, height),
                    (radius * 1.05, height + 0.03),
                    (radius * 0.97, height + 0.03),
                    (radius * 0.93, height * 0.4),
                    (0.0, height * 0.4),
                ],
                2,
                24,
            ),
            body,
            True,
        )
        if chance(rng, 0.6):
            builder.add(
                "lid",
                lathe(
                    [
                        (0.0, height + 0.02),
                        (radius * 1.06, height + 0.02),
                        (radius * 0.9, height + 0.1),
                        (0.0, height + 0.13),
                    ],
                    2,
                    24,
                ),
                body,
                True,
            )
        return recentre(builder.build())
    four = kind == "four_wheels"
    hx, hy, height = (
        (0.38, float(rng.uniform(0.55, 0.68)), float(rng.uniform(1.1, 1.25)))
        if four
        else (float(rng.uniform(0.22, 0.28)), float(rng.uniform(0.22, 0.28)), float(rng.uniform(0.85, 1.0)))
    )
    radius = 0.1
    low = 0.22 if four else 0.06
    builder.add(
        "body",
        stack(
            [
                (low, 0, 0, hx * 0.8, hy * 0.85, 0.05),
                (height * 0.9, 0, 0, hx, hy, 0.04),
                (height * 0.92, 0, 0, hx + 0.025, hy + 0.02, 0.04),
                (height * 0.95, 0, 0, hx + 0.025, hy + 0.02, 0.04),
            ]
        ),
        body,
        True,
    )
    lid = finish.plastic(pick(rng, BINS)) if chance(rng, 0.5) else body
    open_by = float(rng.choice([0.0, rng.uniform(0.1, 1.9)], p=[0.85, 0.15]))
    cover = stack(
        [
            (height * 0.955, 0, 0, hx + 0.03, hy + 0.025, 0.05),
            (height * 0.97, 0, 0, hx + 0.02, hy + 0.015, 0.06),
            (height, 0, 0, hx * 0.7, hy * 0.8, 0.08),
        ]
    )
    builder.add("lid", turn(cover, 1, -open_by, (-hx - 0.03, 0, height * 0.95)), lid, True)
    rubber, metal = finish.rubber(), finish.steel()
    if four:
        for x in (-hx * 0.7, hx * 0.7):
            for y in (-hy * 0.75, hy * 0.75):
                castor(builder, (x, y, low), radius, metal, rubber, float(rng.uniform(0, 6)))
    else:
        for side in (-1, 1):
            builder.add(
                "wheels", wheel((-hx * 0.75, side * hy * 0.88, radius), radius, 0.05, segments=14), rubber, True
            )
        builder.add("body", box((hx * 0.5, -hy * 0.7, 0), (hx * 0.75, hy * 0.7, low + 0.02)), body)
    builder.add(
        "handle",
        cylinder((-hx - 0.07, -hy * 0.8, height * 0.95), (-hx - 0.07, hy * 0.8, height * 0.95), 0.016, 8),
        body,
        True,
    )
    for side in (-1, 1):
        builder.add(
            "handle",
            box((-hx - 0.08, side * hy * 0.8 - 0.015, height * 0.93), (-hx, side * hy * 0.8 + 0.015, height * 0.965)),
            body,
        )
    if chance(rng, 0.4):
        builder.add("label", box((hx * 0.96, -0.1, height * 0.6), (hx * 1.0, 0.1, height * 0.75)), finish.label())
    return recentre(builder.build())


def _bag_stand(builder: Builder, rng: np.random.Generator, finish: Finish) -> Asset:
    """A ring on a frame that holds a bag open."""
    radius, height = float(rng.uniform(0.18, 0.26)), float(rng.uniform(0.75, 1.0))
    metal = finish.paint(finish.colour(("#1f4fa3", "#1b1c1e", "#8c9296")))
    builder.add("frame", torus((0, 0, height), radius, 0.011, 2, 20, 6), metal, True)
    for angle in np.linspace(0, 2 * np.pi, 4, endpoint=False) + 0.4:
        x, y = radius * np.cos(angle), radius * np.sin(angle)
        builder.add("frame", cylinder((x * 1.1, y * 1.1, 0.0), (x, y, height), 0.01, 7), metal, True)
    film = Material(
        "film", pick(rng, ("#2a4fb0", "#d8dde0", "#141516", "#e5c020")), 0.3, seed=int(rng.integers(1 << 30))
    )
    sag = radius * float(rng.uniform(0.85, 1.1))
    builder.add(
        "bag",
        lathe(
            [
                (0.0, 0.1),
                (sag * 0.7, 0.1),
                (sag, 0.25),
                (radius * 0.95, height - 0.05),
                (radius * 1.07, height + 0.01),
                (radius * 0.92, height + 0.02),
                (radius * 0.8, height * 0.6),
                (0.0, height * 0.55),
            ],
            2,
            18,
        ),
        film,
        True,
    )
    return recentre(builder.build())


@register_asset("trash_bags")
def trash_bags(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A heap of tied bags. Parameters: dirt."""
    finish, builder = Finish(rng, parameters), Builder()
    colour = pick(rng, ("#101112", "#141516", "#2a4fb0", "#d8dde0", "#e5c020"), (6, 4, 2, 2, 1))
    for number in range(int(rng.integers(1, 6))):
        film = Material(
            "film", colour, float(rng.uniform(0.2, 0.4)), dirt=finish.dirt * 0.3, seed=int(rng.integers(1 << 30))
        )
        size = float(rng.uniform(0.22, 0.36))
        tall = size * float(rng.uniform(1.2, 1.9))
        vertices, triangles = lathe(
            [
                (0.0, 0.0),
                (0.7, 0.0),
                (1.0, 0.18),
                (1.02, 0.42),
                (0.8, 0.7),
                (0.32, 0.88),
                (0.12, 0.93),
                (0.2, 1.0),
                (0.0, 0.98),
            ],
            2,
            18,
        )
        angle = np.arctan2(vertices[:, 1], vertices[:, 0])
        lumps = 1 + sum(
            float(rng.uniform(0.03, 0.12)) * np.sin(k * angle + float(rng.uniform(0, 6)) + 3 * vertices[:, 2])
            for k in (2, 3, 5)
        )
        shape = vertices * np.stack([size * lumps, size * lumps, np.full(len(angle), tall)], 1)
        spot = rng.uniform(-0.45, 0.45, 2) * (number > 0)
        builder.add("bags", move((shape, triangles), (*spot, 0.0)), film, True)
    return recentre(builder.build())
