"""The filter of trends in an address and back, and the scope that it stands for."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.analytics.scope import Scope
from core.analytics.trend_filter import GROUPINGS, LIMITS, PERIODS, SCORES, TrendFilter

TODAY = date(2026, 3, 31)
_DAYS = st.one_of(st.none(), st.dates(date(1980, 1, 1), date(2100, 1, 1)))
_WORDS = st.text("AB1-가나 ", max_size=20).map(str.strip)


@given(
    st.builds(
        TrendFilter,
        period=st.sampled_from(sorted(PERIODS)),
        first_day=_DAYS,
        product=st.one_of(st.none(), st.integers(1, 10**9)),
        line=_WORDS,
        lot=_WORDS,
        by=st.sampled_from(sorted(GROUPINGS)),
        limits=st.sampled_from(sorted(LIMITS)),
        baseline_last=_DAYS,
        is_plain=st.booleans(),
        scores=st.sampled_from(sorted(SCORES)),
        weight=st.sampled_from([0.05, 0.2, 1.0]),
        width=st.sampled_from([1.0, 2.7, 4.0]),
    )
)
@settings(max_examples=60, deadline=None)
def test_a_filter_comes_back_from_its_address(wanted: TrendFilter) -> None:
    assert TrendFilter.from_query(wanted.to_query()) == (wanted, ())


def test_what_is_usual_needs_no_words() -> None:
    assert TrendFilter().to_query() == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("period", "9"),
        ("by", "moon"),
        ("first_day", "2026-02-30"),
        ("first_day", "0001-01-01"),
        ("product", "-1"),
        ("product", "9" * 19),
        ("weight", "inf"),
        ("weight", "0"),
        ("width", "9"),
        ("is_plain", "yes"),
        ("lot", "x" * 65),
        ("line", "a\x00b"),
    ],
)
def test_what_is_not_understood_is_named_and_left_out(name: str, text: str) -> None:
    assert TrendFilter.from_query({name: text}) == (TrendFilter(), (name,))


def test_days_in_the_wrong_order_are_named() -> None:
    found, wrong = TrendFilter.from_query({"first_day": "2026-03-02", "last_day": "2026-03-01", "period": "custom"})
    assert found == TrendFilter(period="custom")
    assert wrong == ("first_day", "last_day")


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        (TrendFilter(), date(2026, 3, 2), TODAY),
        (TrendFilter(period="1"), TODAY, TODAY),
        (TrendFilter(period="all"), None, TODAY),
        (TrendFilter(period="custom"), None, TODAY),
        (TrendFilter(period="custom", first_day=date(2026, 3, 1)), date(2026, 3, 1), TODAY),
        (TrendFilter(period="custom", last_day=date(2026, 3, 9)), None, date(2026, 3, 9)),
        (TrendFilter(period="custom", first_day=date(2027, 1, 1)), TODAY, TODAY),
        # The days of another period are kept, and count for nothing.
        (TrendFilter(period="7", first_day=date(2020, 1, 1)), date(2026, 3, 25), TODAY),
    ],
)
def test_the_period_in_production_days(wanted: TrendFilter, first: date | None, last: date) -> None:
    assert wanted.to_scope(TODAY) == Scope(first, last)
