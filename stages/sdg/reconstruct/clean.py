"""What is wrong with most reconstructed meshes, mended: points that are no numbers, specks, holes, normals."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.sdg.assets.imports.raw import RawScene, Unreadable
from stages.sdg.reconstruct.holes import fill_holes
from stages.sdg.reconstruct.soup import Floats, Ints, Soup, separated, stirred
from stages.sdg.reconstruct.topology import edges_of, facing, in_pieces

WELD = 1e-6
"""Share of the object's size below which two vertices are one."""

BAD_SHARE = 0.5
"""Share of triangles with points that are no numbers from which nothing is to be saved."""

GAP = 0.02
"""Share of the object's size by which a speck stands off from all else."""

SPECK = 0.02
"""Share of the surface that a speck has at most."""

SAMPLES = 150_000
"""Points on the surface that the gaps are looked for between."""


@dataclass
class Mended:
    """What was done, for the report.

    Attributes:
        before, after: triangles.
        lost: triangles with points that are no numbers.
        flat: triangles without an area, or there twice.
        specks: pieces that stood off and were left out.
        pieces: connected pieces that are left.
        holes: openings that were closed.
        turned: triangles that were turned to face outwards.
        open_edges: edges of one triangle alone that are left.
        odd_edges: edges of more than two triangles.
        volume: enclosed volume in the file's units, cubed; None unless watertight.
    """

    before: int = 0
    after: int = 0
    lost: int = 0
    flat: int = 0
    specks: int = 0
    pieces: int = 0
    holes: int = 0
    turned: int = 0
    open_edges: int = 0
    odd_edges: int = 0
    volume: float | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def watertight(self) -> bool:
        """Whether every edge has two triangles."""
        return self.after > 0 and self.open_edges == 0 and self.odd_edges == 0


def clean(raw: RawScene, *, largest_hole: float, keep_all: bool = False) -> Mended:
    """Mend the meshes of a scene, in place.

    Args:
        raw: as read.
        largest_hole: length around a hole that is closed, as a share of the object's diagonal; larger ones are openings.
        keep_all: keep pieces that stand off.

    Raises:
        Unreadable: when no surface is left.
    """
    done = Mended(before=sum(len(mesh.triangles) for mesh in raw.meshes))
    if not done.before:
        raise Unreadable("holds no triangles and no points: export it with its faces")
    soup = _solid(_finite(stirred(raw.meshes), done), done)
    if not keep_all:
        soup = _without_specks(soup, done)
    limit = largest_hole * diagonal(soup)
    soup, done.holes = fill_holes(soup, limit)
    soup, done.turned = _turned_out(soup)
    measure(soup, done)
    raw.meshes = separated(soup)
    return done


def measure(soup: Soup, done: Mended) -> None:
    """Count pieces and edges, and the volume where there is one."""
    done.after = len(soup.triangles)
    count = edges_of(soup.triangles).count
    done.open_edges, done.odd_edges = int((count == 1).sum()), int((count > 2).sum())
    done.pieces = int(in_pieces(soup.triangles).max(initial=-1)) + 1
    done.volume = float(volumes(soup.vertices[soup.triangles]).sum()) if done.watertight else None


def diagonal(soup: Soup) -> float:
    """Length of the diagonal of the bounding box."""
    return float(np.linalg.norm(np.ptp(soup.used(), axis=0)))


def volumes(corners: Floats) -> Floats:
    """Signed volumes (M,) of the tetrahedra between triangles (M, 3, 3) and the middle of all."""
    moved = corners - corners.reshape(-1, 3).mean(0)
    return np.asarray((moved[:, 0] * np.cross(moved[:, 1], moved[:, 2])).sum(1) / 6)


def areas(corners: Floats) -> Floats:
    """Areas (M,) of triangles (M, 3, 3)."""
    return np.asarray(np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2)


def _finite(soup: Soup, done: Mended) -> Soup:
    bad = ~(np.isfinite(soup.vertices).all(1) & (np.abs(soup.vertices) < 1e12).all(1))
    touched = bad[soup.triangles].any(1)
    done.lost = int(touched.sum())
    if done.lost > BAD_SHARE * len(soup.triangles):
        raise Unreadable(
            f"holds points that are no numbers in {done.lost} of its {len(touched)} triangles: export it again"
        )
    kept = soup.keep(~touched)
    values = np.nan_to_num(kept.uv, posinf=0.0, neginf=0.0), np.nan_to_num(kept.colours, posinf=1.0, neginf=0.0)
    return replace(kept, vertices=np.where(bad[:, None], 0.0, soup.vertices), uv=values[0], colours=values[1])


def _solid(soup: Soup, done: Mended) -> Soup:
    """Join vertices at the same place; leave out triangles that are lines, points or repeated."""
    used = soup.used()
    size = float(np.ptp(used, axis=0).max()) if len(used) else 0.0
    if not size > 0:
        raise Unreadable("holds no triangles with an area: export it with its faces")
    step = size * WELD
    low = used.min(0)
    _, first, which = np.unique(
        np.rint((soup.vertices - low) / step).astype(np.int64), axis=0, return_index=True, return_inverse=True
    )
    joined = replace(soup, vertices=soup.vertices[first], triangles=which.reshape(-1)[soup.triangles])
    a, b, c = joined.triangles.T
    solid = (a != b) & (b != c) & (c != a) & (areas(joined.vertices[joined.triangles]) > (step**2) * 1e-3)
    single = np.zeros(len(solid), bool)
    single[np.unique(np.sort(joined.triangles, axis=1), axis=0, return_index=True)[1]] = True
    done.flat = int((~(solid & single)).sum())
    kept = joined.keep(solid & single)
    if not len(kept.triangles):
        raise Unreadable("holds no triangles with an area: export it with its faces")
    return kept


def _without_specks(soup: Soup, done: Mended) -> Soup:
    """Leave out small pieces that stand off from the rest, as floaters of reconstructions do.

    Pieces that are nearer to each other than :data:`GAP` belong together, so wheels, handles and loads stay.
    """
    piece = in_pieces(soup.triangles)
    count = int(piece.max()) + 1
    if count == 1:
        return soup
    corners = soup.vertices[soup.triangles]
    size = areas(corners)
    cluster = _clusters(corners, piece, size, _robust_size(corners.mean(1), size) * GAP)
    surface = np.bincount(cluster[piece], weights=size)
    small = surface < SPECK * surface.sum()
    small[surface.argmax()] = False
    done.specks = int(len(np.unique(piece[small[cluster[piece]]])))
    return soup.keep(~small[cluster[piece]]) if done.specks else soup


def _robust_size(middles: Floats, weights: Floats) -> float:
    """Diagonal of the box around all but the outer hundredths of the surface."""
    sides = []
    for axis in range(3):
        order = np.argsort(middles[:, axis])
        share = np.cumsum(weights[order]) / weights.sum()
        low, high = np.searchsorted(share, [0.02, 0.98])
        sides.append(middles[order[min(high, len(order) - 1)], axis] - middles[order[low], axis])
    return float(np.linalg.norm(sides)) or float(np.linalg.norm(np.ptp(middles, axis=0)))


def _clusters(corners: Floats, piece: Ints, size: Floats, gap: float) -> Ints:
    """Number (pieces,) of the cluster of each piece: those are joined whose surfaces share a cell or touch one."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    rng = np.random.default_rng(0)
    drawn = rng.choice(len(corners), SAMPLES, p=size / size.sum())
    spread = np.einsum("pk,pkw->pw", rng.dirichlet((1, 1, 1), SAMPLES), corners[drawn])
    points = np.concatenate([corners.reshape(-1, 3), spread])
    owner = np.concatenate([np.repeat(piece, 3), piece[drawn]])
    cells, which = np.unique(np.rint(points / gap).astype(np.int64), axis=0, return_inverse=True)
    which = which.reshape(-1)
    near = cKDTree(cells).query_pairs(1.8, output_type="ndarray")
    count = int(piece.max()) + 1
    rows = np.concatenate([owner, near[:, 0] + count])
    columns = np.concatenate([which + count, near[:, 1] + count])
    total = count + len(cells)
    graph: Any = coo_matrix((np.ones(len(rows), np.int32), (rows, columns)), shape=(total, total))
    _, found = connected_components(graph, directed=False)
    return np.unique(found[:count], return_inverse=True)[1].reshape(-1)


def _turned_out(soup: Soup) -> tuple[Soup, int]:
    """Triangles of each piece turned the same way, and closed pieces outwards."""
    sign = facing(soup.triangles)
    piece = in_pieces(soup.triangles)
    volume = np.bincount(piece, weights=volumes_by_piece(soup, piece) * sign)
    # an open piece has no inside: leave it as most of its triangles are
    count = edges_of(soup.triangles)
    is_open = np.zeros(len(volume), bool)
    is_open[piece[np.flatnonzero((count.count[count.of] != 2).any(1))]] = True
    majority = np.bincount(piece, weights=sign)
    flip = np.where(is_open & (np.abs(volume) < _significant(soup, piece)), majority < 0, volume < 0)
    turned: NDArray[np.bool_] = (sign < 0) ^ flip[piece]
    triangles, uv, colours = soup.triangles.copy(), soup.uv.copy(), soup.colours.copy()
    triangles[turned], uv[turned], colours[turned] = (
        triangles[turned][:, ::-1], uv[turned][:, ::-1], colours[turned][:, ::-1],
    )  # fmt: skip
    return replace(soup, triangles=triangles, uv=uv, colours=colours), int(turned.sum())


def volumes_by_piece(soup: Soup, piece: Ints) -> Floats:
    """Signed volume (M,) of each triangle with the middle of its own piece."""
    corners = soup.vertices[soup.triangles]
    count = np.bincount(piece)
    middle = np.stack([np.bincount(piece, corners.mean(1)[:, k]) / count for k in range(3)], 1)
    moved = corners - middle[piece][:, None]
    return np.asarray((moved[:, 0] * np.cross(moved[:, 1], moved[:, 2])).sum(1) / 6)


def _significant(soup: Soup, piece: Ints) -> Floats:
    """Volume (pieces,) from which an open piece is more of a vessel than of a sheet."""
    surface = np.bincount(piece, weights=areas(soup.vertices[soup.triangles]))
    return np.asarray(0.02 * surface**1.5)
