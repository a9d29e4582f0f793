"""Errors of the layers below and of Python become sentences for whoever can act on them."""

from __future__ import annotations

import pytest

from core.errors import AppError, BadInput, Unavailable, from_lower
from storage.database import DatabaseError


def test_text_that_nothing_can_hold_is_the_senders_to_mend() -> None:
    with pytest.raises(UnicodeEncodeError) as caught:
        "\ud800".encode()
    told = from_lower(caught.value)
    assert isinstance(told, BadInput)
    assert told.code == "text_not_unicode"
    assert "surrogate" in told.sentence("en")


@pytest.mark.parametrize(
    ("reason", "kind"), [("out_of_range", BadInput), ("too_long", BadInput), ("statement", Unavailable)]
)
def test_a_value_that_a_database_cannot_hold_is_the_senders_to_mend_and_a_wrong_statement_is_not(
    reason: str, kind: type[AppError]
) -> None:
    assert type(from_lower(DatabaseError("database_rejected", reason=reason))) is kind
