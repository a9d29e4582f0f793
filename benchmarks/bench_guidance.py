"""How well, and how fast, the manuals' passages are found.

    python -m benchmarks.bench_guidance [--pages 2000] [--split blind3]
    python -m benchmarks.bench_guidance --folder benchmarks/held_back --pages 0 --passages

`--folder` asks the questions (`questions.json`) of another folder to its `manuals/` instead, and prints figures alone:
who reads which questions failed, and mends that, has spent them.

Asks the questions of guidance_questions.json to the demo manuals and to those of other trades (`manuals/`). The
weights are fitted on all of them, so these figures tell what was fitted: `fit_retrieval` leaves manuals out. Then
indexes and searches a manual of `--pages` pages that is set from their texts, and searches the words of `--passages`
passages by the index and by the retriever that the index was fitted with. Prints progress to stderr and one JSON
object as the last line of stdout.

`library` is that retriever of langchain-community as it comes (k1 = 1.5, b = 0.75, its own idf) with our terms: what
`lexical`, the same BM25 with other constants and a lower weight for groups of letters, is to be compared with.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.demo.manuals import TEXT_FOLDER, list_demo_manuals
from inference.language.encoders.fine_encoder import open_fine_encoder
from inference.language.lexical_index import LexicalIndex, fit_retriever, list_terms
from inference.language.passages import Passage, split_passages
from inference.language.pdf_text import read_pdf
from inference.language.retrieval import Hit, ManualIndex, Query, searched_text
from inference.language.search_terms import split_terms
from inference.language.sentence_encoder import open_encoder

QUESTIONS = Path(__file__).with_name("guidance_questions.json")
MANUALS = Path(__file__).with_name("manuals")
SEARCHES = ("library", "lexical", "dense", "second", "hybrid")
LIBRARY_QUESTIONS = 20
_SECTION = re.compile(r"\d+(?:\.\d+)?")
_COLD_QUESTION = """
import sys, time
from pathlib import Path
from inference.language.retrieval import ManualIndex, Query
from inference.language.sentence_encoder import open_encoder
started = time.perf_counter()
index = ManualIndex.load(Path(sys.argv[1]), encoder=open_encoder())
loaded = time.perf_counter()
answer = index.search(Query("기공이 나왔을 때 즉시 조치는?"))
assert answer.hits
print((loaded - started) * 1000, (time.perf_counter() - loaded) * 1000)
"""


def say(*words: object) -> None:
    """Write to stderr."""
    print(*words, file=sys.stderr, flush=True)


def build_demo_indexes() -> dict[str, ManualIndex]:
    """Build an index of each demo product, and of the products of `manuals/`."""
    return build_indexes(MANUALS, with_demo=True)


def build_indexes(folder: Path, *, with_demo: bool = False) -> dict[str, ManualIndex]:
    """Build an index of each product whose manuals lie in `folder` (`CODE.LANGUAGE.md`), by its code."""
    from core.demo.manuals.typesetting import typeset

    passages: dict[str, list[Passage]] = {}
    for number, manual in enumerate(list_demo_manuals() if with_demo else (), start=1):
        found = split_passages(read_pdf(manual.content), source_id=number)
        passages.setdefault(manual.product_code, []).extend(found)
    for number, path in enumerate(sorted(folder.glob("*.md")), start=100):
        text = read_pdf(typeset(path.read_text(encoding="utf-8")))
        passages.setdefault(path.name.split(".")[0], []).extend(split_passages(text, source_id=number))
    return {code: ManualIndex.build(items, open_encoder()) for code, items in passages.items()}


def section_of(passage: Passage) -> str:
    """Return the number of the innermost numbered heading: the manuals' language versions share it."""
    for heading in reversed(passage.heading):
        if match := _SECTION.match(heading):
            return match[0]
    return ""


def measure_retrieval(
    indexes: dict[str, ManualIndex], questions: list[dict[str, Any]], *, tells_failures: bool = True
) -> dict[str, Any]:
    """Measure recall at 3 and mean reciprocal rank of each search, and how often `found` is right."""
    orders: dict[str, Callable[[Hit], float]] = {
        "lexical": lambda hit: hit.lexical_rank or 10**6,
        "dense": lambda hit: hit.dense_rank or 10**6,
        "hybrid": lambda hit: -hit.score,
    }
    library = {code: fit_as_it_comes(index.passages) for code, index in indexes.items()}
    ranks: dict[str, list[int]] = {name: [] for name in SEARCHES}
    found: dict[bool, list[bool]] = {True: [], False: []}
    by_kind: dict[str, list[tuple[int, bool]]] = {}
    for question in questions:
        index = indexes[question["product"]]
        result = index.search(Query(question["text"], language=question["language"]), k=len(index.passages))
        wanted = set(question["answers"])
        found[bool(wanted)].append(result.found == bool(wanted))
        if tells_failures and result.found != bool(wanted):
            say("found is wrong:", question["language"], question["kind"], question["text"])
        if not wanted:
            continue
        terms = split_terms(question["text"], question=True)
        scores = library[question["product"]].get_scores([*terms.words, *terms.letters])
        best_first = [index.passages[place] for place in np.argsort(-scores, kind="stable")]
        second = rank_by_second_look(index, question["text"])
        ordered = {"library": best_first, "second": second} | {
            name: [hit.passage for hit in sorted(result.hits, key=order)] for name, order in orders.items()
        }
        for name, found_passages in ordered.items():
            sections = [section_of(passage) for passage in found_passages]
            rank = next((place for place, section in enumerate(sections, start=1) if section in wanted), 0)
            if not rank:
                raise SystemExit(f"No passage of {question['product']} stands in {wanted}: {question['text']}")
            ranks[name].append(rank)
            if name == "hybrid":
                by_kind.setdefault(question["kind"], []).append((rank, result.found))
                if tells_failures and rank > 3:
                    say("answer at", rank, question["text"], sections[:3], wanted)
    return {
        "n_answerable": len(found[True]),
        "n_unanswerable": len(found[False]),
        "recall_at_3": {n: round(statistics.mean(rank <= 3 for rank in r), 3) for n, r in ranks.items()},
        "mrr": {n: round(statistics.mean(1 / rank for rank in r), 3) for n, r in ranks.items()},
        "hybrid_recall_interval": interval([rank <= 3 for rank in ranks["hybrid"]]),
        "hybrid_mrr_interval": resampled_interval([1 / rank for rank in ranks["hybrid"]]),
        "found_interval": interval(found[True]),
        "no_answer_interval": interval(found[False]),
        "found_accuracy": round(statistics.mean(found[True]), 3),
        "no_answer_accuracy": round(statistics.mean(found[False]), 3),
        "by_kind": {
            kind: {
                "n": len(rows),
                "recall_at_3": round(statistics.mean(rank <= 3 for rank, _ in rows), 3),
                "mrr": round(statistics.mean(1 / rank for rank, _ in rows), 3),
                "found": round(statistics.mean(found for _, found in rows), 3),
            }
            for kind, rows in sorted(by_kind.items())
        },
    }


def rank_by_second_look(index: ManualIndex, question: str) -> list[Passage]:
    """Return all passages in the order of the second look alone: what the encoder is worth by itself."""
    likeness = index.second_look.compare(question, range(len(index.passages)))
    if likeness is None:
        return list(index.passages)
    return [index.passages[place] for place in np.argsort(-likeness, kind="stable")]


def interval(shares: Sequence[bool]) -> list[float]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    n, z = len(shares), 1.96
    p = sum(shares) / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return [round(max(0.0, (middle + side * half) / (1 + z * z / n)), 3) for side in (-1, 1)]


def resampled_interval(values: Sequence[float]) -> list[float]:
    """Return the 95 % interval of a mean over questions drawn again with replacement."""
    drawn = np.random.default_rng(0).choice(np.asarray(values), (10_000, len(values))).mean(axis=1)
    return [round(float(bound), 3) for bound in np.quantile(drawn, (0.025, 0.975))]


def fit_as_it_comes(passages: Sequence[Passage]) -> Any:
    """Return the model of langchain-community's BM25 retriever with nothing of ours but the terms."""
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        from langchain_community.retrievers import BM25Retriever

    texts = [searched_text(passage) for passage in passages]
    return BM25Retriever.from_texts(texts, preprocess_func=list_terms).vectorizer


def set_large_manual(pages: int) -> bytes:
    """Return a PDF of that many pages, made of the demo manuals' texts with numbers of their own on each page."""
    from core.demo.manuals.typesetting import typeset

    chapters = [
        chapter.split("\n\n", 1)[-1].strip()
        for path in sorted(TEXT_FOLDER.glob("*.md"))
        for chapter in path.read_text(encoding="utf-8").split("\n---\n")
    ]
    body = "\n---\n".join(
        f"{chapters[page % len(chapters)]}\n작업 표준 {page}-{page * 7 % 991}." for page in range(pages)
    )
    return typeset(f"title: Large\ndocument: QM-0\nedition: 1\n\n{body}\n")


def cpu_s() -> float:
    """Return the processor time of this process and its children until now."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def load_encoders(indexes: dict[str, ManualIndex]) -> None:
    """Wait until both encoders are there: a search does not."""
    open_encoder().encode(["0"])
    fine = open_fine_encoder()
    if fine is not None:
        fine.encode_question("0")


def measure_speed(pages: int, folder: Path) -> dict[str, Any]:
    """Measure pages indexed a second from bytes to a saved bundle, and the time to the first passage, warm and cold."""
    content = set_large_manual(pages)
    open_encoder().encode(["0"])
    started, cpu_before_s = time.perf_counter(), cpu_s()
    text = read_pdf(content, timeout_s=600)
    read = time.perf_counter()
    passages = split_passages(text, source_id=1)
    split = time.perf_counter()
    index = ManualIndex.build(passages, open_encoder())
    built = time.perf_counter()
    index.save(folder / "index", {})
    saved, cpu_used_s = time.perf_counter(), cpu_s() - cpu_before_s
    say("read", read - started, "split", split - read, "build", built - split, "save", saved - built)
    warm = []
    for question in json.loads(QUESTIONS.read_text(encoding="utf-8")):
        asked = time.perf_counter()
        index.search(Query(question["text"]))
        warm.append((time.perf_counter() - asked) * 1000)
    ran = subprocess.run(
        [sys.executable, "-c", _COLD_QUESTION, str(folder / "index")], capture_output=True, text=True, check=True
    )
    load_ms, cold_ms = map(float, ran.stdout.split())
    return {
        "pages": text.page_count,
        "n_passages": len(passages),
        "index_pages_per_s": round(text.page_count / (saved - started), 1),
        "index_pages_per_cpu_s": round(text.page_count / cpu_used_s, 1),
        "read_pages_per_s": round(text.page_count / (read - started), 1),
        "first_passage_ms": round(statistics.median(warm), 1),
        "first_passage_p95_ms": round(statistics.quantiles(warm, n=20)[-1], 1),
        "new_process_first_passage_ms": round(cold_ms, 1),
        "new_process_load_ms": round(load_ms, 1),
    }


def measure_words(passages: Sequence[Passage], count: int) -> dict[str, Any]:
    """Search the words of `count` passages by the saved arrays and by the retriever that they were fitted with."""
    made = [passages[n % len(passages)] for n in range(count)]
    made = [replace(passage, text=f"{passage.text}\n기준서 {n}") for n, passage in enumerate(made)]
    texts = [searched_text(passage) for passage in made]
    started = time.perf_counter()
    fitted = fit_retriever(texts).vectorizer
    fitted_s = time.perf_counter() - started
    started = time.perf_counter()
    index = LexicalIndex.build(texts)
    built_s = time.perf_counter() - started
    ours_ms, library_ms, differences = [], [], []
    questions = json.loads(QUESTIONS.read_text(encoding="utf-8"))
    for question in questions[:: max(1, len(questions) // LIBRARY_QUESTIONS)]:
        terms = split_terms(question["text"], question=True)
        started = time.perf_counter()
        scores = index.score(terms).scores
        ours_ms.append((time.perf_counter() - started) * 1000)
        started = time.perf_counter()
        expected = fitted.get_scores(list(dict.fromkeys((*terms.words, *terms.letters))))
        library_ms.append((time.perf_counter() - started) * 1000)
        differences.append(float(np.abs(scores - expected).max()))
    return {
        "n_passages": count,
        "words_ms": round(statistics.median(ours_ms), 2),
        "library_words_ms": round(statistics.median(library_ms), 1),
        "largest_difference": max(differences),
        "fit_s": round(fitted_s, 1),
        "build_s": round(built_s, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--passages", type=int, nargs="*", default=[2000, 9000, 20000])
    parser.add_argument(
        "--split",
        choices=("tune", "test", "held_out", "dev", "blind", "blind2", "dev3", "blind3", "dev4", "all"),
        default="all",
    )
    parser.add_argument("--folder", type=Path, help="questions.json and manuals/ of others, figures alone")
    options = parser.parse_args()
    own: Path | None = options.folder
    questions = json.loads((QUESTIONS if own is None else own / "questions.json").read_text(encoding="utf-8"))
    chosen = [item for item in questions if options.split in (item["split"], "all")]
    indexes = build_demo_indexes() if own is None else build_indexes(own / "manuals")
    load_encoders(indexes)
    result = measure_retrieval(indexes, chosen, tells_failures=own is None)
    if options.pages:
        with tempfile.TemporaryDirectory() as folder:
            result |= measure_speed(options.pages, Path(folder))
    passages = [passage for index in indexes.values() for passage in index.passages]
    result["words"] = [measure_words(passages, count) for count in options.passages]
    print(json.dumps(result))


if __name__ == "__main__":
    main()
