"""What the text of a code says: GS1, ISO/IEC 15434, labels, a product's own pattern, and never a guess beyond them."""

from __future__ import annotations

import time

import pytest

from core.catalog.code_rules import AUTOMATIC, CodeRule, read_code_rule
from core.errors import BadInput


def _automatic() -> CodeRule:
    rule = read_code_rule(AUTOMATIC)
    assert rule is not None
    return rule


@pytest.mark.parametrize(
    ("text", "lot", "serial"),
    [
        ("(01)09501101530003(10)LOT7(21)S-1", "LOT7", "S-1"),
        ("]d2010950110153000310LOT7\x1d21S-1", "LOT7", "S-1"),
        ("]C1112301021S-1", None, None),  # (11) has six digits, and then nothing is left of (10) and (21)
        ("\x1d10LOT7\x1d21S-1", "LOT7", "S-1"),
        ("3103001750" + "21S-1\x1d10LOT7", "LOT7", "S-1"),
        ("https://id.gs1.org/01/09506000134352/10/LOT%2F7/21/S-1?17=261231", "LOT/7", "S-1"),
        ("[)>\x1e06\x1d1PAB-12\x1d1TLOT7\x1dSS-1\x1e\x04", "LOT7", "S-1"),
        ("LOT7;SN123", "7", "123"),
        ("LOT: 7, S/N: A-1", "7", "A-1"),
        ("Lot No. 7\nSerial No. 12", "7", "12"),
        ("로트번호: 7; 일련번호: 8", "7", "8"),
        ("LOT7 SN8", "7", "8"),
        ("SN=5", None, "5"),
        ("LOT=7", "7", None),
        ("SN000123", None, "SN000123"),  # nobody can tell whether SN belongs to it
        ("LOTUS-7", None, "LOTUS-7"),
        ("  0042\r\n", None, "0042"),
        ("https://example.com/p/1", None, None),
        ("x" * 65, None, None),
        ("a\x07b", None, None),
        ("", None, None),
    ],
)
def test_the_automatic_rule_reads_what_is_written_and_no_more(text: str, lot: str | None, serial: str | None) -> None:
    assert _automatic().find(text) == {n: v for n, v in (("lot", lot), ("serial", serial)) if v is not None}


def test_a_symbol_that_says_it_is_gs1_is_not_taken_for_a_serial_number() -> None:
    assert _automatic().find("10LOT7", is_gs1=True) == {"lot": "LOT7"}
    assert _automatic().find("hello", is_gs1=True) == {}


def test_a_code_that_is_the_same_on_every_part_is_no_serial_number() -> None:
    assert _automatic().find("9501101530003", names_product=True) == {}


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("{lot}-{serial}", "L7-0001", {"lot": "L7", "serial": "0001"}),
        ("{lot}-{serial}", "L7-0001-2", {"lot": "L7", "serial": "0001-2"}),
        ("P{*:3}/{serial:4}{*}", "PABC/0001xyz", {"serial": "0001"}),
        ("{lot:2}{serial}", "L70001", {"lot": "L7", "serial": "0001"}),
        ("{serial}", "]Q3anything", {"serial": "anything"}),
        ("{lot}.{serial}", "L7-0001", {}),
        ("({serial})", "(7)", {"serial": "7"}),
    ],
)
def test_a_pattern_says_where_they_stand(pattern: str, text: str, found: dict[str, str]) -> None:
    rule = read_code_rule(pattern)
    assert rule is not None
    assert rule.find(text) == found


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("abc", "code_rule_without_field"),
        ("{*}", "code_rule_without_field"),
        ("{who}{serial}", "code_rule_field"),
        ("{lot}{lot}", "code_rule_field"),
        ("{lot", "code_rule_field"),
        ("{lot}{serial}", "code_rule_ambiguous"),
        ("{serial}" + "x" * 200, "code_rule_too_long"),
    ],
)
def test_a_pattern_that_cannot_be_read_is_refused_with_the_reason(pattern: str, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_code_rule(pattern)
    assert refused.value.code == code
    assert "{{" not in str(refused.value)


def test_no_rule_and_the_automatic_one_are_known_in_any_writing() -> None:
    assert read_code_rule("  ") is None
    assert read_code_rule(" Auto ") == CodeRule(AUTOMATIC)


def test_a_hostile_text_takes_no_time() -> None:
    rules = [_automatic(), read_code_rule("{lot}-{*}-{*}-{serial}x")]
    texts = ["-" * 100_000, "LOT" * 30_000, "(10)" * 20_000, "SN " * 30_000, "lot no" + " " * 50_000 + "x"]
    started = time.perf_counter()
    for rule in rules:
        assert rule is not None
        for text in texts:
            rule.find(text)
    assert time.perf_counter() - started < 1.0
