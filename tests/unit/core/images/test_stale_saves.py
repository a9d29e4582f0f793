"""Whatever is changed about an image that somebody else has changed since it was looked at is refused, and stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from core.access import Person
from core.errors import Conflict
from core.images import edits, outliers
from core.images.exposures.edits import accept_groups, assign_part
from core.images.gallery.changes import ImageChange, apply_change
from core.images.library import get_image
from core.images.masks import set_mask
from core.images.records import IncomingFile
from core.services import Services
from tests.curated_images import add_image, add_product, type_ids
from tests.plates import encode

# What a person does to image `image_id`, seen in the state `seen`; `hole` is a defect type.
Change = Callable[[Services, Person, int, int, int], object]

CHANGES: dict[str, Change] = {
    "label": lambda s, p, image_id, seen, hole: edits.relabel_images(
        s, p, [image_id], image_type="defect", defect_type_id=hole, row_versions={image_id: seen}
    ),
    "split": lambda s, p, image_id, seen, _hole: edits.relabel_images(
        s, p, [image_id], split="test", row_versions={image_id: seen}
    ),
    "view": lambda s, p, image_id, seen, _hole: edits.relabel_images(
        s, p, [image_id], view="top", row_versions={image_id: seen}
    ),
    "many": lambda s, p, image_id, seen, _hole: apply_change(
        s, p, ImageChange("relabel", split="val"), {image_id: seen}
    ),
    "trash": lambda s, p, image_id, seen, _hole: edits.delete_images(s, p, [image_id], row_versions={image_id: seen}),
    "part": lambda s, p, image_id, seen, _hole: assign_part(s, p, [image_id], "A", row_versions={image_id: seen}),
    "parts found alike": lambda s, p, image_id, seen, _hole: accept_groups(
        s, p, [[image_id]], row_versions={image_id: seen}
    ),
    "mask": lambda s, p, image_id, seen, _hole: set_mask(
        s, p, image_id, IncomingFile("m.png", lambda: encode(np.eye(24, 32, dtype=np.uint8) * 255)), row_version=seen
    ),
    "no mask": lambda s, p, image_id, seen, _hole: set_mask(s, p, image_id, None, row_version=seen),
    "kept among the good": lambda s, p, image_id, seen, _hole: outliers.keep(
        s, p, [image_id], row_versions={image_id: seen}
    ),
    "moved to the defects": lambda s, p, image_id, seen, hole: outliers.move_to_defects(
        s, p, [image_id], hole, row_versions={image_id: seen}
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_an_image_that_changed_meanwhile_is_refused(
    services: Services, engineer: Person, admin: Person, name: str
) -> None:
    product_id = add_product(services)
    hole = type_ids(services, product_id)["hole"]
    about: dict[str, Any] = {"defect_type_id": hole} if "mask" in name else {}
    image_id = add_image(services, product_id, 1, outlier_state="suspected", **about)
    seen = get_image(services, image_id).row_version
    edits.relabel_images(services, admin, [image_id], view="side")
    before = get_image(services, image_id)
    with pytest.raises(Conflict) as caught:
        CHANGES[name](services, engineer, image_id, seen, hole)
    assert caught.value.code == "image_changed"
    assert get_image(services, image_id).model_dump() == before.model_dump()
    assert before.view == "side"


def test_a_refused_change_says_who_changed_what_meanwhile(services: Services, engineer: Person, admin: Person) -> None:
    product_id = add_product(services)
    hole = type_ids(services, product_id)["hole"]
    image_id = add_image(services, product_id, 1)
    seen = get_image(services, image_id).row_version
    edits.relabel_images(services, admin, [image_id], image_type="defect", defect_type_id=hole, split="test")
    set_mask(services, admin, image_id, IncomingFile("m.png", lambda: encode(np.eye(24, 32, dtype=np.uint8) * 255)))
    assign_part(services, admin, [image_id], "A7")
    with pytest.raises(Conflict) as caught:
        edits.relabel_images(services, engineer, [image_id], view="top", row_versions={image_id: seen})
    english, korean = caught.value.sentence("en"), caught.value.sentence("ko")
    for words in (admin.display_name, "Training” → “Test", "Normal” → “", "mask “none” → “set”", "“none” → “A7”"):
        assert words in english, words
    assert "“학습” → “테스트”" in korean
    assert english != korean
