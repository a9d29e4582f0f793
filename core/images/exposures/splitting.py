"""Setting test images aside in an import whose folders do not: whole parts, by a seed, evenly over the defect types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlmodel import Session, select

from core.errors import BadInput
from core.images.imports.records import PlannedImage
from core.images.labels import SPLITS
from storage.tables import Image


def check_share(share: float) -> float:
    """Return the share of test images as it may be: 0 to less than 1. Raises BadInput test_share_invalid."""
    if not 0.0 <= share < 1.0:
        raise BadInput("test_share_invalid", value=share)
    return share


def splits_of_parts(session: Session, product_id: int) -> dict[str, str]:
    """Return the split by part of a product's stored images; a part on several sides counts as the first of them.

    In this order: training, validation, test.
    """
    rows = session.exec(
        select(Image.part, Image.split).where(Image.product_id == product_id, Image.part != "").distinct()
    ).all()
    return dict(sorted(rows, key=lambda row: SPLITS.index(row[1]), reverse=True))


def set_test_images_aside(
    images: Sequence[PlannedImage],
    parts: Mapping[str, str],
    known: Mapping[str, str],
    *,
    share: float,
    seed: int,
) -> tuple[PlannedImage, ...]:
    """Return the images of one product with a split for those whose folders name none.

    `parts` gives the part by path, `known` the split by part of what is stored already: further images of a part go
    where its others are, in the store or in this import. Of the rest whole parts are drawn by `seed` until about
    `share` of the images are test images.
    """
    from inference.vision.learning.splits import split_parts

    said = {
        **{parts[image.path]: image.split for image in images if image.split_named and image.path in parts},
        **known,
    }
    open_places = [
        place
        for place, image in enumerate(images)
        if not image.split_named and (image.path not in parts or parts[image.path] not in said)
    ]
    drawn = split_parts(
        # No part is called like the path of another image: paths are marked.
        [parts.get(images[place].path) or f"path:{images[place].path}" for place in open_places],
        share=share,
        seed=seed,
        labels=[images[place].defect_code for place in open_places],
    )
    chosen = dict(zip(open_places, drawn.tolist(), strict=True))
    result = []
    for place, image in enumerate(images):
        if place in chosen:
            result.append(replace(image, split="test" if chosen[place] else "train"))
        elif not image.split_named:
            result.append(replace(image, split=said[parts[image.path]]))  # type: ignore[arg-type]
        else:
            result.append(image)
    return tuple(result)
