"""Words that mean the same: found in a question, and looked up in an index that knows nothing of them."""

from __future__ import annotations

import numpy as np
import pytest

from inference.language.lexical_index import LexicalIndex
from inference.language.ranking.glossary import TERMS_FILE, Glossary, read_glossary
from inference.language.ranking.spelling import respell
from inference.language.ranking.word_match import match_words, read_question

PORES = ("기공", "블로홀", "porosity", "blow hole")
CRACKS = ("균열", "갈라지-", "crack")
FILL = ("메우-", "fill")


def covered(texts: list[str], question: str, glossary: Glossary) -> list[float]:
    """Return how far each text says the question's words."""
    found = match_words(LexicalIndex.build(texts), read_question(question, [glossary]))
    return [float(share) for share in found.covered]


@pytest.mark.parametrize(
    ("question", "groups"),
    [
        ("블로홀이 나왔어요", 1),
        ("blow holes found", 1),
        ("끝이 갈라졌어", 1),  # a verb's stem with an ending that changes its vowel
        ("균열과 기공", 2),
        ("공기가 차갑다", 0),
        ("blow it away", 0),  # half of what is said in two words
    ],
)
def test_a_question_is_found_in_the_groups_of_its_words(question: str, groups: int) -> None:
    assert len(Glossary([PORES, CRACKS]).find(question)) == groups


def test_the_form_that_a_verb_takes_is_found_in_the_question_and_in_the_manual() -> None:
    glossary = Glossary([FILL])
    assert glossary.find("어떻게 메워요")
    scores = covered(["구멍을 메운다", "구멍을 본다"], "fill", glossary)
    assert scores[0] > scores[1]


def test_of_two_groups_the_one_that_more_words_say_wins() -> None:
    glossary = Glossary([("contact tip", "콘택트 팁"), ("contact", "연락")])
    assert [len(said.words) for said in glossary.find("contact tip")] == [2]


@pytest.mark.parametrize("question", ["블로홀", "porosity"])
def test_a_passage_in_other_words_is_covered_as_the_question_is(question: str) -> None:
    texts = ["기공이 나오면 격리한다", "긁힘이 나오면 닦는다"]
    with_it, without = covered(texts, question, Glossary([PORES])), covered(texts, question, Glossary([]))
    assert with_it[0] == pytest.approx(0.9)
    assert max(without) < 0.6
    assert with_it[1] < 0.6


def test_words_that_only_ask_are_left_out() -> None:
    assert [word.text for word in read_question("기공이 나왔는데 어떻게 해요", [])] == ["기공이"]


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("우래탄", {"우레", "레탄"}, [("우레", "레탄")]),
        ("hieght", {"height"}, [("height",)]),
        ("컨배이어", {"컨베"}, []),  # only a part of it is known
        ("a", {"b"}, []),
    ],
)
def test_a_misspelt_word_is_one_letter_away(word: str, known: set[str], meant: list[tuple[str, ...]]) -> None:
    assert respell(word, known) == meant


def test_a_word_of_a_group_may_be_misspelt() -> None:
    texts = ["기공이 나오면 격리한다", "긁힘이 나오면 닦는다"]
    right, wrong = (covered(texts, word, Glossary([PORES])) for word in ("블로홀", "블로헐"))
    assert right[0] > wrong[0] >= 0.7
    assert wrong[1] < 0.5


def test_a_misspelt_word_that_ends_like_a_particle_is_taken_whole() -> None:
    assert ("깊이",) in respell("깁이", {"깊이"})


def test_a_word_that_only_asks_need_not_be_said() -> None:
    texts = ["기공을 메운다", "긁힘을 닦는다"]
    asking = Glossary([("얼마나", "how much")])
    assert covered(texts, "기공 얼마나", asking) == pytest.approx(covered(texts, "기공", asking))


def test_a_chapter_says_what_its_passages_say_together() -> None:
    index = LexicalIndex.build(["기공은 구멍이다", "격리하고 보고한다", "긁힘은 닦는다"])
    words = read_question("기공 격리", [])
    found = match_words(index, words, np.array([0, 0, 1]))
    assert found.covered.max() < 1.0
    assert found.around == pytest.approx([1.0, 1.0, 0.0], abs=0.3)


def test_a_misspelt_word_covers_nearly_as_much_as_the_right_one() -> None:
    texts = ["우레탄 가이드를 바꾼다", "벨트를 조인다"]
    right, wrong = (covered(texts, word, Glossary([])) for word in ("우레탄", "우래탄"))
    assert right[0] > wrong[0] >= 0.8
    assert wrong[1] < 0.5


def test_every_line_of_the_glossary_is_a_group_of_words() -> None:
    lines = [line for line in TERMS_FILE.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    assert len(lines) > 700
    for line in lines:
        words = [word.strip() for word in line.split(",")]
        assert len(words) > 1
        assert all(words), line
        assert len(set(words)) == len(words), line


def test_the_glossary_knows_the_names_of_common_defects() -> None:
    for name in ("블로홀", "쇼트샷", "orange peel", "undercut", "툼스톤", "채터", "피시아이", "무라", "빙렬", "이종"):
        assert read_glossary().find(name), name
