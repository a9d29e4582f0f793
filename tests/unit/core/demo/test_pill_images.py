"""The demo's pills: every kind from both faces, in the studio and by phone, the same at each call."""

from __future__ import annotations

from collections import Counter, defaultdict

import cv2
import numpy as np
import pytest

from core.demo.images.pills.catalog import PILLS
from core.demo.images.pills.designs import distance
from core.demo.images.pills.kinds import DESIGNS, NAMES
from core.demo.images.pills.photographs import SIZE
from core.demo.images.pills.production import list_pills, picture

PIECES = list_pills()


def test_there_are_more_than_twenty_kinds_with_names_of_their_own() -> None:
    assert len(DESIGNS) >= 20
    assert {design.code for design in DESIGNS} == set(NAMES)
    assert [kind.code for kind in PILLS.kinds] == [design.code for design in DESIGNS]
    for place in (0, 1):
        assert len({names[place] for names in NAMES.values()}) == len(DESIGNS)


def test_every_kind_has_pieces_of_both_domains_in_every_split_and_names_are_used_once() -> None:
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for piece in PIECES:
        found[piece.design.code].add((piece.domain, piece.split))
    wanted = {(domain, split) for domain in ("studio", "field") for split in ("train", "val", "test")}
    assert all(own == wanted for own in found.values())
    assert max(Counter(piece.name for piece in PIECES).values()) == 1


def test_both_faces_of_a_piece_are_one_part_of_one_kind_in_one_split() -> None:
    images = [image for image, _ in zip(PILLS.images(), range(8), strict=False)]
    by_part: dict[str, list[str]] = defaultdict(list)
    for image in images:
        by_part[image.part].append(image.name)
        assert (image.defect_code, image.mask_png, image.view, image.domain) == (None, None, "", "studio")
        assert image.kind == "gs10"
    assert all(len(names) == 2 for names in by_part.values())
    again = [image for image, _ in zip(PILLS.images(), range(2), strict=False)]
    assert [image.content for image in again] == [image.content for image in images[:2]]
    decoded = cv2.imdecode(np.frombuffer(images[0].content, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == (*SIZE, 3)


def test_another_seed_makes_pictures_never_seen() -> None:
    one, other = list_pills()[0], list_pills(seed=7)[0]
    assert one.name == other.name
    assert not np.array_equal(picture(one, is_front=True).pixels, picture(other, is_front=True).pixels)


def test_a_picture_by_phone_is_pressed_harder_than_one_of_the_studio() -> None:
    studio = next(piece for piece in PIECES if piece.domain == "studio")
    phone = next(piece for piece in PIECES if piece.domain == "field")
    assert picture(phone, is_front=True).quality < 85 < picture(studio, is_front=True).quality


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.code)
def test_an_outline_is_as_long_and_wide_as_its_kind_says(design) -> None:  # type: ignore[no-untyped-def]
    across = np.linspace(-10, 10, 801, dtype=np.float32)
    x, y = np.meshgrid(across, across)
    inside = distance(design.form, design.half, x, y) < 0
    assert inside[400, 400]
    rows, columns = np.nonzero(inside)
    long_mm, wide_mm = (columns.max() - columns.min()) / 40, (rows.max() - rows.min()) / 40
    if design.form in {"triangle", "pentagon", "hexagon"}:
        assert 1.2 * design.half[1] < min(long_mm, wide_mm) <= max(long_mm, wide_mm) < 4.2 * design.half[1]
    else:
        assert long_mm == pytest.approx(2 * design.half[0], abs=1.0)
        assert wide_mm == pytest.approx(2 * design.half[1], abs=1.0)
