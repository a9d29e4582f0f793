"""Fit what each piece of evidence counts in the search of manuals, and tell how it holds on other manuals.

    python -m benchmarks.fit_retrieval

Asks the questions of guidance_questions.json. The weights of `ranking/evidence.py` are fitted on all of them and
printed; the figures are those of products that were left out one after the other. Each question counts three times:
with the glossary, and with two random halves of it, because a glossary that was written beside these questions knows
more of their words than of others' (`half_…` are the figures with the halves).
Prints progress to stderr and one JSON object as the last line of stdout.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from benchmarks.bench_guidance import QUESTIONS, build_demo_indexes, load_encoders, section_of
from inference.language.encoders.second_look import LOOKED_AT
from inference.language.ranking import evidence as current
from inference.language.ranking.evidence import Evidence, OrderWeights
from inference.language.ranking.glossary import TERMS_FILE, Glossary
from inference.language.retrieval import Query

HALVES = 2
# Columns without the second look.
PLAIN = len(OrderWeights._fields) - 1
# The limit is taken a little higher than the goal asks: it has to hold on other manuals.
_NO_ANSWER_LIMIT = 0.95
_ORDER_L2, _FOUND_C = 0.02, 0.3
# Weights are divided so that the second look counts as much as it did before they were fitted.
_SECOND_WEIGHT = 12.0


class Asked(NamedTuple):
    """A question as one glossary reads it; `expected` are the places of the passages that it asks for."""

    product: str
    glossary: int
    expected: np.ndarray
    evidence: Evidence
    second: np.ndarray
    text: str


def read_halves() -> list[Glossary]:
    lines = [line for line in TERMS_FILE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    found = []
    for seed in range(HALVES):
        kept = np.random.default_rng(seed).random(len(lines)) < 0.5
        found.append(Glossary(line.split(",") for line, keep in zip(lines, kept, strict=True) if keep))
    return found


def ask() -> list[Asked]:
    """Return every question, once for each glossary."""
    indexes = build_demo_indexes()
    load_encoders(indexes)
    asked = []
    for question in json.loads(QUESTIONS.read_text(encoding="utf-8")):
        index = indexes[question["product"]]
        sections = [section_of(passage) for passage in index.passages]
        expected = np.flatnonzero(np.isin(sections, question["answers"]))
        everything = range(len(index.passages))
        second = index.second_look.compare(question["text"], everything)
        if second is None:
            raise SystemExit("The package of the second look is not installed.")
        query = Query(question["text"], language=question["language"])
        for number, glossary in enumerate([None, *read_halves()]):
            found = index.gather_evidence(query, glossary)
            asked.append(Asked(question["product"], number, expected, found, second, question["text"]))
    return asked


def rows(one: Asked, weights: np.ndarray | None) -> np.ndarray:
    """Return the evidence for each passage as a row; with the second look at those that `weights` put first."""
    plain = current.tabulate(replace(one.evidence, second=None))
    if weights is None:
        return plain
    best = np.argsort(-(plain @ weights), kind="stable")[:LOOKED_AT]
    return current.tabulate(one.evidence.with_second(best, one.second[best]))


def fit_order(asked: Sequence[Asked], weights: np.ndarray | None = None) -> np.ndarray:
    """Return the weights that make expected passages likeliest; the second look's last, given the first `weights`."""
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    answerable = [one for one in asked if len(one.expected)]
    tables = [rows(one, weights) for one in answerable]
    everything = np.concatenate(tables)
    spread = everything.std(axis=0) + 1e-6
    everything = everything / spread
    sizes = [len(table) for table in tables]
    starts = np.cumsum([0, *sizes[:-1]])
    owners = np.repeat(np.arange(len(sizes)), sizes)
    right = np.zeros(len(everything))
    for start, one in zip(starts, answerable, strict=True):
        right[start + one.expected] = 1.0

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        scores = everything @ values
        shares = np.exp(scores - np.maximum.reduceat(scores, starts)[owners])
        shares_right = shares * right
        total, total_right = np.add.reduceat(shares, starts), np.add.reduceat(shares_right, starts)
        lost = float(np.mean(np.log(total) - np.log(total_right))) + _ORDER_L2 * float(values @ values)
        slope = (shares / total[owners] - shares_right / total_right[owners]) @ everything / len(sizes)
        return lost, slope + 2 * _ORDER_L2 * values

    return np.asarray(minimize(loss, np.zeros(len(spread)), jac=True, method="L-BFGS-B").x / spread)


def fit_found(features: np.ndarray, answered: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the weights and the intercept of a logistic regression on whether the question is answered."""
    from sklearn.linear_model import LogisticRegression

    middle, spread = features.mean(axis=0), features.std(axis=0) + 1e-6
    model = LogisticRegression(C=_FOUND_C, class_weight="balanced").fit((features - middle) / spread, answered)
    weights = model.coef_[0] / spread
    return weights, float(model.intercept_[0] - weights @ middle)


def describe(one: Asked, table: np.ndarray, weights: np.ndarray) -> list[float]:
    """Return what `evidence.describe_best` does, under these weights."""
    scores = table @ weights
    best = np.argsort(-scores, kind="stable")[:3]
    found = [scores[best[0]], one.evidence.said[best].max(), one.evidence.rarest[best].max()]
    second = table[:, PLAIN:].max(axis=0) if table.shape[1] > PLAIN else [0.0]
    return [float(value) for value in (*found, *second, one.evidence.asks_section)]


def least_for(features: np.ndarray, weights: np.ndarray, answered: np.ndarray) -> float:
    """Return the sum from which a question counts as answered."""
    return float(np.quantile(features[answered == 0] @ weights, _NO_ANSWER_LIMIT))


def fit_all(asked: Sequence[Asked], *, with_second: bool) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Return the weights of the order (first, with the second look) and those of `found`."""
    first = fit_order(asked)
    second = fit_order(asked, first) if with_second else None
    used = first if second is None else second
    features = np.array([describe(one, rows(one, first if with_second else None), used) for one in asked])
    found, _ = fit_found(features, np.array([len(one.expected) > 0 for one in asked]))
    return first, second, found


def cross_validate(asked: Sequence[Asked], *, with_second: bool, say: Callable[..., None]) -> dict[str, Any]:
    """Return the figures of each product under weights, and a limit of `found`, that were fitted without it."""
    ranks: dict[int, list[int]] = {}
    said: list[tuple[int, bool, bool]] = []
    for product in sorted({one.product for one in asked}):
        others = [one for one in asked if one.product != product]
        first, second, found = fit_all(others, with_second=with_second)
        used, looked = (first, None) if second is None else (second, first)
        whole = [one for one in others if one.glossary == 0]
        features = np.array([describe(one, rows(one, looked), used) for one in whole])
        least = least_for(features, found, np.array([len(one.expected) > 0 for one in whole]))
        for one in asked:
            if one.product != product:
                continue
            table = rows(one, looked)
            answered = float(found @ describe(one, table, used)) > least
            said.append((one.glossary, len(one.expected) > 0, answered))
            if len(one.expected):
                order = np.argsort(-(table @ used), kind="stable")
                rank = 1 + int(np.flatnonzero(np.isin(order, one.expected))[0])
                ranks.setdefault(one.glossary, []).append(rank)
                if rank > 3 and one.glossary == 0:
                    say("answer at", rank, one.product, one.text)
    halves = [rank for number, some in ranks.items() if number for rank in some]
    return {
        "recall_at_3": round(statistics.mean(rank <= 3 for rank in ranks[0]), 3),
        "mrr": round(statistics.mean(1 / rank for rank in ranks[0]), 3),
        "half_recall_at_3": round(statistics.mean(rank <= 3 for rank in halves), 3),
        "half_mrr": round(statistics.mean(1 / rank for rank in halves), 3),
        "found": round(statistics.mean(yes for n, expected, yes in said if n == 0 and expected), 3),
        "no_answer": round(statistics.mean(not yes for n, expected, yes in said if n == 0 and not expected), 3),
        "half_found": round(statistics.mean(yes for n, expected, yes in said if n and expected), 3),
        "half_no_answer": round(statistics.mean(not yes for n, expected, yes in said if n and not expected), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    asked = ask()
    summary: dict[str, Any] = {}
    for with_second in (False, True):
        name = "with_second" if with_second else "first"
        figures = cross_validate(asked, with_second=with_second, say=lambda *words: print(*words, file=sys.stderr))
        first, second, _found = fit_all(asked, with_second=with_second)
        used = first if second is None else second
        scale = _SECOND_WEIGHT / float(fit_order(asked, first)[-1])
        features = np.array([describe(one, rows(one, first if with_second else None), used * scale) for one in asked])
        answered = np.array([len(one.expected) > 0 for one in asked])
        found, _ = fit_found(features, answered)
        whole = np.array([one.glossary == 0 for one in asked])
        least = least_for(features[whole], found, answered[whole])
        summary[name] = {
            "cross_validated": figures,
            "order": [round(float(value), 2) for value in used * scale],
            "found": [round(float(value), 2) for value in found],
            "least": round(least, 2),
        }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
