"""What is kept in memory of files that are asked for again soon."""

from __future__ import annotations

from core.files.kept_bytes import KeptBytes


def test_those_that_were_not_used_for_longest_are_let_go() -> None:
    kept = KeptBytes(limit_bytes=10)
    kept.put("a", b"1234")
    kept.put("b", b"1234")
    assert kept.get("a") == b"1234"
    kept.put("c", b"1234")
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (b"1234", None, b"1234")
    assert kept.byte_size == 8


def test_a_file_is_replaced_and_counted_once() -> None:
    kept = KeptBytes(limit_bytes=10)
    kept.put("a", b"1234")
    kept.put("a", b"12")
    assert (kept.get("a"), kept.byte_size) == (b"12", 2)


def test_a_file_beyond_the_limit_is_not_kept_and_drives_nothing_out() -> None:
    kept = KeptBytes(limit_bytes=4)
    kept.put("a", b"1234")
    kept.put("large", b"12345")
    assert (kept.get("a"), kept.get("large"), kept.byte_size) == (b"1234", None, 4)
