"""BM25 over the terms of passages: scores worked out by hand, the library's own, and those of an index of before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from inference.language.lexical_index import LexicalIndex, fit_retriever
from inference.language.search_terms import Terms, split_terms

# Figures are words without groups of letters; "go" is one word and the two groups "^go" and "go$".
TEXTS = ("11 11 22", "22 33 44 55 66", "go")
# Two postings of one term, as the version before computed and saved them: its weights differ from today's.
OLD_TENSORS: dict[str, np.ndarray] = {
    "words_starts": np.array([0, 2], np.int64),
    "words_passages": np.array([2, 0], np.int32),
    "words_weights": np.array([0.75, 0.125], np.float32),
    "words_rarity": np.array([0.5], np.float32),
}


def score(index: LexicalIndex, text: str) -> list[float]:
    """The BM25 of each passage for a question."""
    return [float(found) for found in index.score(split_terms(text)).scores]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        # n = 3 passages of 3, 5 and 3 terms, 11/3 on average. idf = ln(1 + (n - has + 0.5) / (has + 0.5)).
        # has = 1: ln(1 + 2.5 / 1.5) = 0.980829; 2 * (1.2 + 1) / (2 + 1.2 * (0.5 + 0.5 * 9 / 11)) = 1.423529
        ("11", [1.423529 * 0.980829, 0, 0]),
        # has = 2: ln(1 + 1.5 / 2.5) = 0.470004; once in a short passage and once in a long one:
        # 2.2 / (1 + 1.2 * (0.5 + 0.5 * 9 / 11)) = 1.052174; 2.2 / (1 + 1.2 * (0.5 + 0.5 * 15 / 11)) = 0.909774
        ("22", [1.052174 * 0.470004, 0.909774 * 0.470004, 0]),
        # A word and its two groups, which count 0.35 each.
        ("go", [0, 0, (1 + 2 * 0.35) * 1.052174 * 0.980829]),
        ("11 22", [1.423529 * 0.980829 + 1.052174 * 0.470004, 0.909774 * 0.470004, 0]),
        ("77", [0, 0, 0]),
    ],
)
def test_scores_are_those_worked_out_by_hand(question: str, expected: list[float]) -> None:
    assert score(LexicalIndex.build(TEXTS), question) == pytest.approx(expected, rel=1e-5)


def test_coverage_is_the_share_of_the_question_by_the_terms_rarity() -> None:
    # "11" and the unknown word weigh 0.980829 and ln(1 + 3.5 / 0.5) = 2.079442, "go" and its groups 1.7 * 0.980829.
    found = LexicalIndex.build(TEXTS).score(Terms(("11", "77", "go"), ("~^go", "~go$"))).coverage
    total = 0.980829 + 2.079442 + 1.7 * 0.980829
    assert found == pytest.approx([0.980829 / total, 0, 1.7 * 0.980829 / total], rel=1e-5)


def test_an_unknown_group_of_letters_counts_less_than_an_unknown_word() -> None:
    index = LexicalIndex.build(TEXTS)
    with_word = index.score(Terms(("11", "77"), ())).coverage[0]
    with_group = index.score(Terms(("11",), ("~xyz",))).coverage[0]
    assert with_word == pytest.approx(0.980829 / (0.980829 + 2.079442), rel=1e-5)
    assert with_group == pytest.approx(0.980829 / (0.980829 + 0.35 * 2.079442), rel=1e-5)


def test_scores_are_those_of_the_librarys_retriever() -> None:
    rng = np.random.default_rng(3)
    words = ["기공", "버를", "긁힘", "조치", "확인한다", "scratch", "burr", "12", "3.5", "임펠러"]
    texts = [" ".join(rng.choice(words, size=rng.integers(0, 30))) for _ in range(60)]
    index, fitted = LexicalIndex.build(texts), fit_retriever(texts).vectorizer
    for question in ("기공이 나왔을 때 조치", "스크래치 scratches", "버 12 확인", "임펠러", "zzz"):
        terms = split_terms(question)
        expected = fitted.get_scores(list(dict.fromkeys((*terms.words, *terms.letters))))
        assert index.score(terms).scores == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("texts", [["기공 조치"], ["기공 조치", "기공 원인"], ["기공", "", "!"], [""], []])
def test_small_manuals_and_those_without_words_have_no_negative_scores(texts: list[str]) -> None:
    found = LexicalIndex.build(texts).score(split_terms("기공"))
    assert found.scores.shape == found.coverage.shape == (len(texts),)
    assert [bool(one > 0) for one in found.scores] == ["기공" in text for text in texts]


def test_what_a_version_before_saved_scores_as_it_did() -> None:
    index = LexicalIndex.read(OLD_TENSORS, "words", '["기공"]'.encode(), passage_count=3)
    found = index.score(Terms(("기공",), ()))
    assert found.scores.tolist() == [0.125, 0.0, 0.75]
    assert found.coverage.tolist() == [1.0, 0.0, 1.0]


def test_a_search_imports_neither_the_retriever_nor_sentence_transformers(tmp_path: Path) -> None:
    build = (
        "import sys; from pathlib import Path; from inference.language.passages import Passage;"
        "from inference.language.retrieval import ManualIndex, Query;"
        "from inference.language.sentence_encoder import open_encoder;"
        "folder, encoder = Path(sys.argv[1]), open_encoder();"
    )
    make = "ManualIndex.build([Passage(1, 1, ('기공',), '조치한다', 'text', ())], encoder).save(folder, {});"
    search = (
        "encoder.encode(['기공']); found = ManualIndex.load(folder, encoder=encoder).search(Query('기공의 조치'));"
        "assert found.hits[0].dense_rank == 1;"
    )
    heavy = "{'langchain_community', 'langchain_core', 'rank_bm25', 'sentence_transformers', 'transformers', 'torch'}"
    report = f"print(sorted({heavy} & set(sys.modules)))"
    for step, expected in (
        (make, "['langchain_community', 'langchain_core', 'rank_bm25']"),
        (search, "[]"),
    ):
        ran = subprocess.run(
            [sys.executable, "-c", build + step + report, str(tmp_path / "index")],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (ran.returncode, ran.stdout.strip()) == (0, expected), ran.stderr
