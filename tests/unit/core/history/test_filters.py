"""The filter of the history, to and from an address."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from core.history.filters import HistoryFilter


def test_an_address_gives_back_the_filter_that_it_was_made_of() -> None:
    wanted = HistoryFilter(
        product=3,
        verdict="reject",
        model_verdict="review",
        defect_type=7,
        action="open",
        review="waiting",
        first_day=date(2026, 11, 1),
        last_day=date(2026, 11, 26),
        line="L 2",
        lot="로트/7",
        serial="S-",
        person=2,
        source="api",
        batch=9,
        name="cam#1",
        since=datetime(2026, 11, 1, 6, 30, tzinfo=UTC),
        until=datetime(2026, 11, 2, 6, 30, tzinfo=UTC),
    )
    query = wanted.to_query()
    assert query["first_day"] == "2026-11-01"
    assert query["since"] == "2026-11-01T06:30:00Z"
    assert HistoryFilter.from_query(query) == (wanted, ())


def test_what_is_not_asked_for_is_not_in_the_address() -> None:
    assert HistoryFilter().to_query() == {}
    assert HistoryFilter.from_query({"inspection": "7", "role": "worker"}) == (HistoryFilter(), ())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("product", "-1"),
        ("product", "1" * 30),
        ("product", "٣"),
        ("verdict", "perhaps"),
        ("action", "OPEN"),
        ("review", "1"),
        ("source", "email"),
        ("first_day", "2026-13-01"),
        ("last_day", "yesterday"),
        ("since", "2026-11-01"),
        ("until", "2026-11-01T25:00Z"),
        ("line", "x" * 65),
        ("serial", "a\x00b"),
        ("name", "x" * 256),
    ],
)
def test_what_an_address_says_wrong_is_named_and_left_out(name: str, text: str) -> None:
    found, wrong = HistoryFilter.from_query({name: text, "lot": "7"})
    assert (found, wrong) == (HistoryFilter(lot="7"), (name,))
