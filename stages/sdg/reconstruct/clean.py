"""What is wrong with most reconstructed meshes, mended: points that are no numbers, specks, holes, normals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.sdg.assets.imports.raw import RawScene, Unreadable
from stages.sdg.reconstruct.holes import fill_holes
from stages.sdg.reconstruct.soup import Floats, Ints, Soup, separated, stirred
from stages.sdg.reconstruct.thin import keys, thin
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
        thinned: triangles before they were made fewer; 0 when they were not.
        error_max, error_mean: distance of the original's vertices from what is left, in the file's units.
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
    thinned: int = 0
    error_max: float = 0.0
    error_mean: float = 0.0
    open_edges: int = 0
    odd_edges: int = 0
    volume: float | None = None

    @property
    def watertight(self) -> bool:
        """Whether every edge has two triangles."""
        return self.after > 0 and self.open_edges == 0 and self.odd_edges == 0


def clean(raw: RawScene, *, largest_hole: float, keep_all: bool = False, limit: int = 20_000) -> Mended:
    """Mend the meshes of a scene, in place, and bring them down to a number of triangles.

    Args:
        raw: as read.
        largest_hole: length around a hole that is closed, as a share of the diagonal; larger ones are openings.
        keep_all: keep pieces that stand off.
        limit: triangles that are kept at most.

    Raises:
        Unreadable: when no surface is left.
    """
    done = Mended(before=sum(len(mesh.triangles) for mesh in raw.meshes))
    if not done.before:
        raise Unreadable("holds no triangles and no points: export it with its faces")
    soup = _solid(_finite(stirred(raw.meshes), done), done)
    if not keep_all:
        soup = _without_specks(soup, done)
    around = largest_hole * diagonal(soup)
    soup, done.holes = fill_holes(soup, around)
    if len(soup.triangles) > limit:
        # what thinning tears or folds is mended as well, which may add a few triangles
        thinned = thin(soup, int(limit * 0.98))
        done.error_max, done.error_mean = thinned.largest or 0.0, thinned.mean or 0.0
        done.thinned = len(soup.triangles)
        soup, _ = fill_holes(_without_flaps(_solid(thinned.soup, Mended())), around)
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
    return _tetrahedra(corners - corners.reshape(-1, 3).mean(0))


def _tetrahedra(corners: Floats) -> Floats:
    """Signed volumes (M,) of those between triangles (M, 3, 3) and the origin."""
    return np.asarray((corners[:, 0] * np.cross(corners[:, 1], corners[:, 2])).sum(1) / 6)


def areas(corners: Floats) -> Floats:
    """Areas (M,) of triangles (M, 3, 3)."""
    return np.asarray(
        np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    )


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
    places = np.clip(np.rint((soup.vertices - low) / step), 0, 2**20).astype(np.int64)
    _, first, which = np.unique(keys(places), return_index=True, return_inverse=True)
    joined = replace(soup, vertices=soup.vertices[first], triangles=which[soup.triangles])
    a, b, c = joined.triangles.T
    solid = (a != b) & (b != c) & (c != a) & (areas(joined.vertices[joined.triangles]) > (step**2) * 1e-3)
    single = np.zeros(len(solid), bool)
    single[_first_of_each(np.sort(joined.triangles, axis=1))] = True
    done.flat = int((~(solid & single)).sum())
    kept = joined.keep(solid & single)
    if not len(kept.triangles):
        raise Unreadable("holds no triangles with an area: export it with its faces")
    return kept


def _without_flaps(soup: Soup) -> Soup:
    """Leave out triangles that stick out of an edge of two others and hold on to nothing else."""
    for _ in range(4):
        edges = edges_of(soup.triangles)
        count = edges.count[edges.of]
        flaps = (count > 2).any(1) & (count == 1).any(1)
        if not flaps.any() or flaps.all():
            break
        soup = soup.keep(~flaps)
    return soup


def _first_of_each(rows: Ints) -> Ints:
    """Index of the first of each set of equal rows (M, 3)."""
    order = np.lexsort(rows.T)
    ordered = rows[order]
    new = np.ones(len(rows), bool)
    new[1:] = (ordered[1:] != ordered[:-1]).any(1)
    return np.asarray(order[new])


def _without_specks(soup: Soup, done: Mended) -> Soup:
    """Leave out small pieces that stand off from the rest, as floaters of reconstructions do.

    Pieces that are nearer to each other than :data:`GAP` belong together, so wheels, handles and loads stay.
    """
    piece = in_pieces(soup.triangles)
    count = int(piece.max()) + 1
    if count == 1:
        return soup
    size = areas(soup.vertices[soup.triangles])
    cluster = _clusters(soup, piece, size)
    surface = np.bincount(cluster[piece], weights=size)
    small = surface < SPECK * surface.sum()
    small[surface.argmax()] = False
    done.specks = len(np.unique(piece[small[cluster[piece]]]))
    return soup.keep(~small[cluster[piece]]) if done.specks else soup


def _clusters(soup: Soup, piece: Ints, size: Floats) -> Ints:
    """Number (pieces,) of the cluster of each piece: those are joined that come nearer than :data:`GAP`."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    rng = np.random.default_rng(0)
    drawn = rng.choice(len(piece), SAMPLES, p=size / size.sum())
    spread = np.einsum("pk,pkw->pw", rng.dirichlet((1, 1, 1), SAMPLES), soup.vertices[soup.triangles[drawn]])
    # all but the outer hundredths of the surface, so that what flies about far away does not count
    robust = float(np.linalg.norm(np.ptp(np.percentile(spread, [2, 98], axis=0), axis=0)))
    gap = GAP * (robust or float(np.ptp(spread, axis=0).max()))
    of_vertex = np.full(len(soup.vertices), -1)
    of_vertex[soup.triangles] = piece[:, None]
    points = np.concatenate([soup.vertices[of_vertex >= 0], spread])
    owner = np.concatenate([of_vertex[of_vertex >= 0], piece[drawn]])
    places = np.clip(np.rint((points - np.percentile(spread, 50, axis=0)) / gap) + 2**20, 0, 2**21 - 1)
    cells, first, which = np.unique(keys(places.astype(np.int64)), return_index=True, return_inverse=True)
    near = cKDTree(places[first]).query_pairs(1.8, output_type="ndarray")
    count = int(piece.max()) + 1
    rows = np.concatenate([owner, near[:, 0] + count])
    columns = np.concatenate([which + count, near[:, 1] + count])
    total = count + len(cells)
    graph: Any = coo_matrix((np.ones(len(rows), np.int32), (rows, columns)), shape=(total, total))
    _, found = connected_components(graph, directed=False)
    return np.asarray(np.unique(found[:count], return_inverse=True)[1].reshape(-1))


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
    return _tetrahedra(corners - middle[piece][:, None])


def _significant(soup: Soup, piece: Ints) -> Floats:
    """Volume (pieces,) from which an open piece is more of a vessel than of a sheet."""
    surface = np.bincount(piece, weights=areas(soup.vertices[soup.triangles]))
    return np.asarray(0.02 * surface**1.5)
