"""Make ``src/ballot_eval/data/tiles.csv``: one hexagon per municipality of 2025, north up.

usage: python benchmarks/make_tiles.py BOUNDARIES.geojson [--out FILE]

BOUNDARIES.geojson holds the generalised boundaries of the 342 municipalities in the Dutch national
grid (EPSG:28992, metres) with the property ``statcode``; ``src/ballot_eval/data/SOURCES.md`` says
where it comes from. Only rows and columns are kept of it. Three steps, some minutes:

1. A cartogram: areas flow from where municipalities are small to where they are large until all are
   about as large as each other (Gastner and Newman 2004), so that one hexagon each is enough.
2. Every municipality gets its own cell of a grid of hexagons, at the least total distance.
3. Neighbouring cells are exchanged, by simulated annealing with a fixed seed, as long as that
   brings neighbours together, keeps provinces whole, islands at sea and the land free of holes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.path import Path as Outline
from scipy.fft import dctn, idctn
from scipy.ndimage import map_coordinates
from scipy.optimize import linear_sum_assignment
from scipy.spatial import Delaunay

from ballot_eval.municipalities import load_municipalities, neighbours_of

FloatArray = npt.NDArray[np.float64]

#: Another municipality, cosine and sine of its direction, and whether it borders.
Edge = tuple[int, float, float, bool]

DATA = Path(__file__).parents[1] / "src/ballot_eval/data"
WADDEN_ISLANDS = ("0060", "0088", "0093", "0096", "0448")

#: The raster of the cartogram: metres per pixel, its lower left corner, and pixels up and across.
PIXEL, CORNER, SHAPE = 1000.0, (-130e3, 180e3), (560, 520)

#: Height of a row of hexagons whose centres are 1 apart.
ROW = math.sqrt(3) / 2

#: Cells around the cartogram that tiles may move to.
EDGE = 3

STARTS, STEPS = 3, 250_000

#: The furthest that places without a common border count as lying around each other.
ACROSS_WATER = 2.2

#: What a layout costs: per neighbour that is away and per step more, per edge that points another
#: way, per squared distance from the cartogram, per piece of a province too many.
APART, FAR, TURNED, MOVED, BROKEN = 1.2, 0.6, 0.8, 0.5, 8.0

#: What an empty cell costs by its filled neighbours, and a filled one: water is wide, a hole not.
HOLE = (0.0, 0.0, 0.0, 0.0, 0.4, 4.0, 12.0)
ALONE = (3.0, 3.0, 0.3, 0.0, 0.0, 0.0, 0.0)
ISLAND_ASHORE = 4.0


def read_rings(path: Path) -> dict[str, list[FloatArray]]:
    """Return the outer rings (n, 2) of each municipality by code, in metres, sorted by code."""
    rings: dict[str, list[FloatArray]] = {}
    for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
        shape = feature["geometry"]
        parts = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
        code = feature["properties"]["statcode"].removeprefix("GM")
        rings[code] = [np.asarray(part[0], dtype=float) for part in parts]
    return dict(sorted(rings.items()))


def cartogram(rings: dict[str, list[FloatArray]]) -> FloatArray:
    """Return the centres (n, 2) of the municipalities when all are equally large.

    The distance of two hexagons that touch is 1, x to the east and y to the south.
    """
    labels = _painted(list(rings.values()))
    sizes = np.bincount(labels[labels >= 0], minlength=len(rings))
    density = np.ones(SHAPE)
    density[labels >= 0] = (sizes.mean() / sizes)[labels[labels >= 0]]
    largest = [max(parts, key=_size) for parts in rings.values()]
    moved = _flow(density, (np.vstack(largest) - CORNER)[:, ::-1] / PIXEL - 0.5)
    ends = np.cumsum([len(ring) for ring in largest])[:-1]
    centres = np.array([_centre(ring) for ring in np.split(moved, ends)])
    # A hexagon is as large as a municipality is on average.
    across = math.sqrt(sizes.mean() / ROW)
    placed = np.column_stack([centres[:, 1], -centres[:, 0]]) / across
    # Rounded, so that the last bits of a machine's arithmetic do not change the layout.
    return np.round(placed - placed.min(axis=0) + EDGE, 2)


def _painted(shapes: list[list[FloatArray]]) -> npt.NDArray[np.intp]:
    """Return the raster with the number of the municipality at each pixel, -1 for water."""
    rows, columns = np.indices(SHAPE)
    points = np.column_stack([columns.ravel(), rows.ravel()]) * PIXEL + CORNER + PIXEL / 2
    labels = np.full(len(points), -1, dtype=np.intp)
    for number, parts in enumerate(shapes):
        for ring in parts:
            near = ((points >= ring.min(axis=0)) & (points <= ring.max(axis=0))).all(axis=1)
            at = np.flatnonzero(near)
            labels[at[Outline(ring).contains_points(points[at])]] = number
    return labels.reshape(SHAPE)


def _flow(density: FloatArray, points: FloatArray) -> FloatArray:
    """Return where ``points`` (n, 2; row, column) drift to while the density evens out."""
    spectrum = dctn(density, norm="ortho")
    up, across = (np.pi * np.arange(n) / n for n in SHAPE)
    squared = up[:, None] ** 2 + across[None] ** 2

    def velocity(time: float) -> list[FloatArray]:
        now: FloatArray = idctn(spectrum * np.exp(-squared * time), norm="ortho")
        return [-slope / now for slope in np.gradient(now)]

    def at(field: list[FloatArray], where: FloatArray) -> FloatArray:
        parts = [map_coordinates(f, where.T, order=1, mode="nearest") for f in field]
        return np.column_stack(parts)

    times = [0.0, *np.geomspace(0.05, 40_000, 160).tolist()]
    first = velocity(0.0)
    for begin, end in itertools.pairwise(times):
        step, middle, last = end - begin, velocity((begin + end) / 2), velocity(end)
        one = at(first, points)
        two = at(middle, points + step / 2 * one)
        three = at(middle, points + step / 2 * two)
        four = at(last, points + step * three)
        points = points + step / 6 * (one + 2 * two + 2 * three + four)
        first = last
    return points


def _size(ring: FloatArray) -> float:
    x, y = ring.T
    return float(abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)))


def _centre(ring: FloatArray) -> FloatArray:
    after = np.roll(ring, -1, axis=0)
    cross = ring[:, 0] * after[:, 1] - after[:, 0] * ring[:, 1]
    middle: FloatArray = ((ring + after) * cross[:, None]).sum(axis=0) / (3 * cross.sum())
    return middle


class Layout:
    """Municipalities on cells of a grid; odd rows lie half a cell to the east."""

    def __init__(
        self, codes: list[str], wanted: FloatArray, borders: list[tuple[int, int]]
    ) -> None:
        height, width = int(wanted[:, 1].max() / ROW) + EDGE, int(wanted[:, 0].max()) + EDGE
        self.cells = [(row, column) for row in range(height) for column in range(width)]
        self.place = [(column + row % 2 / 2, row * ROW) for row, column in self.cells]
        number = {cell: k for k, cell in enumerate(self.cells)}
        self.around = [[number[c] for c in _ring(cell) if c in number] for cell in self.cells]
        self.wanted = wanted.tolist()
        self.edges = _edges(wanted, borders)
        self.islands = {codes.index(code) for code in WADDEN_ISLANDS}
        provinces = load_municipalities()["province"]
        self.province = [str(provinces[code]) for code in codes]
        self.members: dict[str, list[int]] = {}
        for i, name in enumerate(self.province):
            if i not in self.islands:
                self.members.setdefault(name, []).append(i)
        self.cell_of: list[int] = []
        self.held: list[int] = []

    def assign(self) -> None:
        """Put every municipality on a cell of its own, at the least total squared distance.

        A hole in the land has to be filled: chance moves hardly get it to the coast.
        """
        apart = np.asarray(self.wanted)[:, None] - np.asarray(self.place)[None]
        cost = (apart**2).sum(axis=2)
        self.settle(linear_sum_assignment(cost)[1].tolist())
        while holes := self.holes():
            cost[:, holes] -= cost.max()
            self.settle(linear_sum_assignment(cost)[1].tolist())

    def holes(self) -> list[int]:
        """Return the empty cells that the sea does not reach."""
        left, reached = {k for k, held in enumerate(self.held) if held < 0}, [0]
        left.discard(0)
        while reached:
            found = left.intersection(self.around[reached.pop()])
            left -= found
            reached += found
        return sorted(left)

    def settle(self, at: list[int]) -> None:
        """Put the municipalities on the cells ``at``."""
        self.cell_of, self.held = list(at), [-1] * len(self.cells)
        for i, cell in enumerate(at):
            self.held[cell] = i

    def swap(self, one: int, other: int) -> None:
        """Exchange what two cells hold; one may be empty."""
        held = self.held
        held[one], held[other] = held[other], held[one]
        for cell in (one, other):
            if held[cell] >= 0:
                self.cell_of[held[cell]] = cell

    def pieces(self, province: str) -> int:
        """Return in how many pieces a province lies, its Wadden islands left aside."""
        left, count = {self.cell_of[i] for i in self.members[province]}, 0
        while left:
            count, reached = count + 1, [left.pop()]
            while reached:
                found = left.intersection(self.around[reached.pop()])
                left -= found
                reached += found
        return count

    def cost(self, who: Collection[int], where: Collection[int]) -> float:
        """Return what the places of ``who`` and the filling of the cells ``where`` cost."""
        return sum(self._municipality(i, who) for i in who) + sum(self._cell(k) for k in where)

    def _municipality(self, i: int, who: Collection[int]) -> float:
        (x, y), (u, v) = self.place[self.cell_of[i]], self.wanted[i]
        cost = MOVED * ((x - u) ** 2 + (y - v) ** 2)
        for j, cosine, sine, bordering in self.edges[i]:
            # A pair that is in ``who`` as a whole counts once.
            if j < i and j in who:
                continue
            p, q = self.place[self.cell_of[j]]
            far = math.hypot(p - x, q - y)
            if bordering:
                cost += APART * (far - 1) + FAR * max(0.0, far - 1) ** 2
            cost += TURNED * (1 - ((p - x) * cosine + (q - y) * sine) / far)
        return cost

    def _cell(self, cell: int) -> float:
        held = self.held[cell]
        filled = [i for k in self.around[cell] if (i := self.held[k]) >= 0]
        if held < 0:
            return HOLE[len(filled)]
        if held in self.islands:
            return ISLAND_ASHORE * sum(i not in self.islands for i in filled)
        return ALONE[len(filled)]

    def improve(self, draw: random.Random, steps: int) -> float:
        """Exchange cells near each other; keep the best layout and return what it costs."""
        pieces = {name: self.pieces(name) for name in self.members}
        now = self.cost(range(len(self.cell_of)), range(len(self.cells)))
        now += BROKEN * sum(count - 1 for count in pieces.values())
        best, best_at = now, list(self.cell_of)
        for step in range(steps):
            heat = 1.5 * (1 - step / steps) ** 2 + 0.01
            here, there = self._move(draw)
            if here == there or len(self.around[there]) < 6:
                continue
            moved = {i for i in (self.held[here], self.held[there]) if i >= 0}
            zone = {here, there, *self.around[here], *self.around[there]}
            before = self.cost(moved, zone)
            self.swap(here, there)
            change = self.cost(moved, zone) - before
            allowed = -heat * math.log(1 - draw.random())
            # Counting pieces is slow: first whether the rest is too much, all pieces joined.
            names = sorted({self.province[i] for i in moved})
            if change - BROKEN * sum(pieces[name] - 1 for name in names) > allowed:
                self.swap(here, there)
                continue
            count = {name: self.pieces(name) for name in names}
            change += BROKEN * sum(n - pieces[name] for name, n in count.items())
            if change > allowed:
                self.swap(here, there)
                continue
            now, pieces = now + change, pieces | count
            if now < best - 1e-9:
                best, best_at = now, list(self.cell_of)
        self.settle(best_at)
        return best

    def _move(self, draw: random.Random) -> tuple[int, int]:
        """Return the cell of a municipality and another one or two cells away."""
        here = self.cell_of[draw.randrange(len(self.cell_of))]
        there = draw.choice(self.around[here])
        return here, draw.choice(self.around[there]) if draw.random() < 0.4 else there


def _ring(cell: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Return the six cells around one; in odd rows those above and below lie more to the east."""
    row, column = cell
    yield from ((row, column - 1), (row, column + 1))
    for other in (row - 1, row + 1):
        yield from ((other, column - 1 + row % 2), (other, column + row % 2))


def _edges(points: FloatArray, borders: list[tuple[int, int]]) -> list[list[Edge]]:
    """Return per municipality which lie around it, and where; those across water do not border."""
    corners = Delaunay(points).simplices
    near = {
        pair
        for one, two, three in corners.tolist()
        for pair in ((one, two), (two, three), (one, three))
    }
    near = {(min(pair), max(pair)) for pair in near}
    near = {(a, b) for a, b in near if math.dist(points[a], points[b]) < ACROSS_WATER}
    edges: list[list[Edge]] = [[] for _ in points]
    for one, other in sorted(near.union(borders)):
        x, y = (points[other] - points[one]) / math.dist(points[one], points[other])
        edges[one].append((other, x, y, (one, other) in borders))
        edges[other].append((one, -x, -y, (one, other) in borders))
    return edges


def main() -> None:
    """Read the boundaries, lay out the tiles from several starts, write the best."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("boundaries", type=Path)
    parser.add_argument("--out", type=Path, default=DATA / "tiles.csv")
    options = parser.parse_args()
    rings = read_rings(options.boundaries)
    codes = list(rings)
    if codes != list(load_municipalities().index):
        parser.error("the boundaries are not those of the municipalities of 2025")
    borders = [(codes.index(a), codes.index(b)) for a in codes for b in neighbours_of([a]) if a < b]
    centres, found = cartogram(rings), []
    for seed in range(STARTS):
        draw = random.Random(seed)
        layout = Layout(codes, centres + np.array([draw.random(), draw.random()]), borders)
        layout.assign()
        cost = layout.improve(draw, STEPS)
        away = [
            math.dist(layout.place[layout.cell_of[a]], layout.place[layout.cell_of[b]])
            for a, b in borders
        ]
        near = [np.mean(np.asarray(away) < limit + 1e-6) for limit in (1, 2)]
        print(f"start {seed}: cost {cost:.1f}, neighbours within 1 and 2 cells {near}", flush=True)
        found.append((cost, seed, [layout.cells[k] for k in layout.cell_of]))
    tiles = pd.DataFrame(min(found)[2], columns=["row", "column"])
    # Rows may move up by an even number only: odd rows lie half a cell to the east.
    tiles -= [tiles["row"].min() // 2 * 2, tiles["column"].min()]
    tiles.insert(0, "municipality_code", codes)
    tiles.to_csv(options.out, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
