"""Errors of the layers below and of Python become sentences for whoever can act on them."""

from __future__ import annotations

import pytest

from core.errors import BadInput, from_lower


def test_text_that_nothing_can_hold_is_the_senders_to_mend() -> None:
    with pytest.raises(UnicodeEncodeError) as caught:
        "\ud800".encode()
    told = from_lower(caught.value)
    assert isinstance(told, BadInput)
    assert told.code == "text_not_unicode"
    assert "surrogate" in told.sentence("en")
