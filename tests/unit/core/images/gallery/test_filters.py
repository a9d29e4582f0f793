"""The filter of the gallery goes into an address and comes back; what is not understood is told."""

from __future__ import annotations

from datetime import date

import pytest

from core.images.gallery.filters import FILTER_WORDS, GalleryFilter


def test_a_filter_comes_back_from_its_address() -> None:
    wanted = GalleryFilter(
        type=(3, 5),
        split="val",
        part="P 1/2",
        view="상면",
        domain="studio",
        first_day=date(2026, 1, 2),
        last_day=date(2026, 2, 3),
        origin="import",
        name="a_1 & b",
        quality="blurred",
        state="suspected",
        mask="without",
    )
    assert GalleryFilter.from_query(wanted.to_query()) == (wanted, ())
    assert set(wanted.to_query()) == set(FILTER_WORDS)
    assert GalleryFilter().to_query() == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("type", "3,x"),
        ("type", "3,"),
        ("type", "9" * 19),
        ("type", ",".join("1" * 51)),
        ("split", "learn"),
        ("first_day", "2026-13-01"),
        ("origin", "mars"),
        ("quality", "nice"),
        ("mask", "maybe"),
        ("name", "a\0b"),
        ("view", "v" * 65),
        ("part", "p" * 191),
    ],
)
def test_what_is_not_understood_is_left_out_and_named(name: str, text: str) -> None:
    assert GalleryFilter.from_query({name: text, "other": "x"}) == (GalleryFilter(), (name,))


def test_an_address_of_before_still_works() -> None:
    assert GalleryFilter.from_query({"type": "4", "split": "test", "state": "kept"}) == (
        GalleryFilter(type=(4,), split="test", state="kept"),
        (),
    )
