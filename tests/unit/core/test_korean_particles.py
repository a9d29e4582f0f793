"""Particles fit the word before them, whatever fills the gap."""

from __future__ import annotations

import pytest

from core.errors import describe
from core.i18n import translate
from core.korean_particles import KoreanText, fit_particles


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("기공", "기공으로 기공은 기공이 기공을 기공과 기공이라"),
        ("치수", "치수로 치수는 치수가 치수를 치수와 치수라"),
        ("찍힘", "찍힘으로 찍힘은 찍힘이 찍힘을 찍힘과 찍힘이라"),
        ("바늘", "바늘로 바늘은 바늘이 바늘을 바늘과 바늘이라"),
        ("버전 3", "버전 3으로 버전 3은 버전 3이 버전 3을 버전 3과 버전 3이라"),
        ("버전 12", "버전 12로 버전 12는 버전 12가 버전 12를 버전 12와 버전 12라"),
        ("10", "10으로 10은 10이 10을 10과 10이라"),
        ("0.7", "0.7로 0.7은 0.7이 0.7을 0.7과 0.7이라"),
        ("95%", "95%로 95%는 95%가 95%를 95%와 95%라"),
        ("PCB", "PCB로 PCB는 PCB가 PCB를 PCB와 PCB라"),
        ("SPC-N", "SPC-N으로 SPC-N은 SPC-N이 SPC-N을 SPC-N과 SPC-N이라"),
        ("a_01.png", "a_01.png로 a_01.png는 a_01.png가 a_01.png를 a_01.png와 a_01.png라"),
        ("casting", "casting으로 casting은 casting이 casting을 casting과 casting이라"),
        ("scratch", "scratch로 scratch는 scratch가 scratch를 scratch와 scratch라"),
        ("tunnel", "tunnel로 tunnel은 tunnel이 tunnel을 tunnel과 tunnel이라"),
        ("기공(pore)", "기공(pore)으로 기공(pore)은 기공(pore)이 기공(pore)을 기공(pore)과 기공(pore)이라"),
        ("“주조 2”", "“주조 2”로 “주조 2”는 “주조 2”가 “주조 2”를 “주조 2”와 “주조 2”라"),
    ],
)  # fmt: skip
def test_each_particle_fits_what_is_read_out(word: str, said: str) -> None:
    gaps = KoreanText("{0}(으)로 {0}은(는) {0}이(가) {0}을(를) {0}와(과) {0}(이)라")
    assert gaps.format(word) == said
    assert KoreanText("{name}(으)로").format_map({"name": word}) == fit_particles(f"{word}(으)로")


def test_both_forms_stay_where_nobody_can_tell_how_a_word_is_read() -> None:
    assert fit_particles("kit은(는) ?을(를) (선택) 값") == "kit은(는) ?을(를) (선택) 값"
    assert fit_particles("은(는)") == "은(는)"


def test_what_a_person_wrote_is_left_alone_in_a_sentence_without_a_gap_for_it() -> None:
    assert translate("ko", "Save") == "저장"


def test_sentences_of_errors_come_out_with_the_right_particle() -> None:
    said = describe("trained_version_unknown", {"name": "run:12"}, "ko")
    assert "“run:12”가 없습니다" in said
    assert "(가)" not in said
