"""A day's production of batteries: which pieces there are, and both pictures of each."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.demo.images.battery.parts import Battery, Kind
from core.demo.images.battery.photographs import Photograph
from core.demo.images.battery.slices import Slice
from core.demo.images.camera import Pixels, is_visible, outline_change
from core.demo.images.production import encode
from core.demo.images.records import DemoImage, Split

View = Literal["ct", "rgb"]
VIEWS: tuple[View, ...] = ("ct", "rgb")
KINDS: tuple[Kind, ...] = ("cell", "module")
INSIDE, OUTSIDE = ("porosity", "overflow"), ("dirt", "damage")
FLAWS: dict[View, tuple[str, ...]] = {"ct": INSIDE, "rgb": OUTSIDE}

# How many good pieces, pieces of each of the four defects alone, and pieces of each pair of one inside and one outside.
AMOUNTS: tuple[tuple[Split, int, int, int], ...] = (("train", 60, 7, 3), ("val", 20, 4, 1), ("test", 20, 4, 2))
_SEED = 1105
_SPLITS: dict[Split, int] = {"train": 0, "val": 1, "test": 2}
_FAINTEST = 0.15
_ATTEMPTS = 40
_THREADS = 2
_BATCH = 8


@dataclass(frozen=True)
class Piece:
    """One piece to be made: what it is, and what is wrong with it in which view."""

    split: Split
    number: int
    kind: Kind
    flaws: tuple[tuple[View, str], ...] = ()
    seed: int = _SEED

    @property
    def name(self) -> str:
        """The number that is on its tray."""
        return f"{self.kind[0].upper()}{_SPLITS[self.split] + 1}{self.number:03d}"

    def flaw_in(self, view: View) -> str | None:
        """Return the code of the defect that a view shows, None where it looks good."""
        return dict(self.flaws).get(view)


@dataclass(frozen=True)
class Shot:
    """One picture of a piece, its mask (None where the view looks good), as pixels."""

    piece: Piece
    view: View
    pixels: Pixels
    mask: Pixels | None


def list_pieces(amounts: tuple[tuple[Split, int, int, int], ...] = AMOUNTS, *, seed: int = _SEED) -> tuple[Piece, ...]:
    """Return the pieces of a production, cells and modules in turn; another `seed` makes pieces never seen."""
    pieces: list[Piece] = []
    for split, good, alone, both in amounts:
        wrong: list[tuple[tuple[View, str], ...]] = [()] * good
        wrong += [((view, code),) for view in VIEWS for code in FLAWS[view] for _ in range(alone)]
        wrong += [(("ct", inside), ("rgb", outside)) for inside in INSIDE for outside in OUTSIDE for _ in range(both)]
        pieces += [
            Piece(split, number + 1, KINDS[number % len(KINDS)], flaws, seed) for number, flaws in enumerate(wrong)
        ]
    return tuple(pieces)


def picture(piece: Piece, view: View, *, repaired: bool = False) -> Shot:
    """Draw a piece and picture it in one view; with `repaired` the very same picture without its defect."""
    key = (piece.seed, _SPLITS[piece.split], KINDS.index(piece.kind), piece.number)
    battery = Battery.draw(piece.kind, key)
    taken: Slice | Photograph = Slice.scan(battery) if view == "ct" else Photograph.take(battery)
    device = taken.scanner if isinstance(taken, Slice) else taken.camera
    rng = np.random.default_rng([*key, 3 + VIEWS.index(view)])
    exposed = device.expose(taken.render(None, rng, 0.0))
    flaw = piece.flaw_in(view)
    if flaw is None:
        return Shot(piece, view, device.read_out(exposed), None)
    strength = float(rng.uniform(_FAINTEST, 1))
    for attempt in range(_ATTEMPTS):
        marks = np.random.default_rng([*key, 3 + VIEWS.index(view), attempt])
        # A mark that fell where nobody could see it is tried elsewhere, and a little stronger.
        damaged = device.expose(taken.render(flaw, marks, min(strength + attempt * 0.04, 1.0)))
        mask = outline_change(exposed, damaged)
        if is_visible(exposed, damaged, mask):
            return Shot(piece, view, device.read_out(exposed if repaired else damaged), mask)
    raise RuntimeError(f"no visible {flaw} on {piece.name}")


def draw_images() -> Iterator[DemoImage]:
    """Yield both pictures of every piece, the same bytes in the same order at each call."""
    wanted = [(piece, view) for piece in list_pieces() for view in VIEWS]
    # Each picture has seeds of its own, so that drawing several at once changes none of them.
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="demo-images") as pool:
        for start in range(0, len(wanted), _BATCH):
            yield from pool.map(_develop, wanted[start : start + _BATCH])


def _develop(wanted: tuple[Piece, View]) -> DemoImage:
    piece, view = wanted
    shot = picture(piece, view)
    file_format: Literal["png", "jpg"] = "png" if view == "ct" else "jpg"
    return DemoImage(
        name=f"{piece.name}_{view}.{file_format}",
        split=piece.split,
        defect_code=piece.flaw_in(view),
        content=encode(shot.pixels, file_format),
        mask_png=None if shot.mask is None else encode(shot.mask, "png"),
        part=piece.name,
        view=view,
        kind=piece.kind,
    )
