"""Sample parts of a product with views: complete ones, unseen ones first, every kind of verdict among the first."""

from __future__ import annotations

from core.images.samples import pick_sample_parts
from core.services import Services
from tests.curated_images import add_image, add_product, type_ids

VIEWS = ("ct", "rgb")


def _add_part(services: Services, product_id: int, number: int, *, inside: bool, outside: bool, split: str) -> None:
    kinds = type_ids(services, product_id)
    for place, (view, code, is_bad) in enumerate((("ct", "hole", inside), ("rgb", "burr", outside))):
        name = f"P{number}_{view}.png"
        add_image(
            services,
            product_id,
            number * 2 + place,
            split=split,
            part=f"P{number}",
            view=view,
            stored_name=name,
            original_name=name,
            defect_type_id=kinds[code] if is_bad else None,
        )


def test_offers_parts_found_inside_outside_by_both_and_good_ones(services: Services) -> None:
    product_id = add_product(services)
    looks = [(False, False), (True, False), (False, True), (True, True)] * 3
    for number, (inside, outside) in enumerate(looks):
        _add_part(services, product_id, number, inside=inside, outside=outside, split="test")
    parts = pick_sample_parts(services, product_id, VIEWS, n=6)
    assert [part.shown_by for part in parts] == [("ct",), ("rgb",), ("ct", "rgb"), ("ct",), (), ()]
    assert all([image.view for image in part.images] == list(VIEWS) for part in parts)
    assert len({part.name for part in parts}) == 6
    assert [part.is_good for part in parts] == [False] * 4 + [True] * 2


def test_takes_what_was_learned_from_only_where_nothing_else_is_there(services: Services) -> None:
    product_id = add_product(services)
    _add_part(services, product_id, 1, inside=True, outside=False, split="train")
    assert [part.name for part in pick_sample_parts(services, product_id, VIEWS)] == ["P1"]
    _add_part(services, product_id, 2, inside=False, outside=False, split="test")
    assert [part.name for part in pick_sample_parts(services, product_id, VIEWS)] == ["P2"]


def test_leaves_out_parts_without_a_picture_of_every_view_and_products_without_views(services: Services) -> None:
    product_id = add_product(services)
    add_image(services, product_id, 1, split="test", part="P1", view="ct")
    add_image(services, product_id, 2, split="test", view="rgb")
    assert pick_sample_parts(services, product_id, VIEWS) == []
    assert pick_sample_parts(services, product_id, ()) == []
