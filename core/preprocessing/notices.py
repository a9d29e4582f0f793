"""What a product's images say against its preprocessing: told before and after a deployment, and after an import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import select

from core.images.bit_depth import find_bit_depth, find_used_bits
from core.images.training import of_view
from core.jobs.notices import Notice
from core.preprocessing.stored_options import read_preprocessing
from core.preprocessing.tile_advice import advise_on_tiles
from core.transactions import reading
from inference.errors import InferenceError
from inference.vision.images.bit_depth import choose_depth, loses_range
from inference.vision.images.preprocessing import Preprocessing
from storage.json_fields import read_texts
from storage.tables import Image

if TYPE_CHECKING:
    from core.services import Services

DARK, CLIPPED, SMALL_DEFECTS = "notice_dark_images", "notice_clipped_images", "notice_small_defects"


@dataclass(frozen=True)
class DepthUse:
    """How a product's images with 16 bits a channel use them, read with `depth` bits.

    `used_bits` hold the brightest value of all of them: 0 where there is no such image, or its notes do not tell.
    `n_dark` look nearly black, the brightest of these uses `dark_bits`; `n_clipped` have values beyond the depth.
    """

    depth: int
    used_bits: int
    n_dark: int
    dark_bits: int
    n_clipped: int


def measure_depth(services: Services, product_id: int, bit_depth: int, view: str = "") -> DepthUse:
    """Return how the product's images use their bits when they are read with `bit_depth`, by what an import noted."""
    with reading(services) as session:
        notes = session.exec(select(Image.notes).where(Image.product_id == product_id, *of_view(view))).all()
    used = [bits for found in notes if (bits := find_used_bits(read_texts(found))) is not None]
    depth = choose_depth(bit_depth, declared=16)
    dark = [bits for bits in used if loses_range(bits, depth=depth)]
    return DepthUse(
        depth=depth,
        used_bits=max(used, default=0),
        n_dark=len(dark),
        dark_bits=max(dark, default=0),
        n_clipped=sum(bits > depth for bits in used),
    )


def list_notices(services: Services, product_id: int, view: str = "") -> tuple[Notice, ...]:
    """Return what is to be said of a product, or a view, as it is set; nothing if another release wrote its options."""
    with reading(services) as session:
        try:
            options = read_preprocessing(session, product_id, view)
        except InferenceError:
            return ()
        depth = find_bit_depth(session, product_id, view)
    found: list[Notice] = []
    if isinstance(depth, int):  # a window shows what somebody wants to see of them
        use = measure_depth(services, product_id, depth, view)
        if use.n_dark:
            found.append(Notice(DARK, {"count": use.n_dark, "bits": use.dark_bits}))
        if use.n_clipped:
            found.append(Notice(CLIPPED, {"count": use.n_clipped, "bits": use.used_bits, "depth": use.depth}))
    small = find_small_defects(services, product_id, options, view)
    return (*found, small) if small is not None else tuple(found)


def find_small_defects(services: Services, product_id: int, options: Preprocessing, view: str = "") -> Notice | None:
    """Return the notice that small defects are lost with these options, where they are."""
    advice = advise_on_tiles(services, product_id, view)
    if advice is None or not advice.loses_defects(options):
        return None
    return Notice(
        SMALL_DEFECTS,
        {
            "width_px": advice.width_px,
            "height_px": advice.height_px,
            "smallest_px": advice.smallest_px,
            "tiles": advice.proposed_size,
            "visible_px": advice.smallest_in_tiles_px(advice.proposed_px, advice.proposed_height_px),
        },
    )
