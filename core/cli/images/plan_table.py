"""A plan of an import as text: a line for each folder, what each product gets, and what is asked."""

from __future__ import annotations

import shlex
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from core.errors import describe
from core.i18n import N_, translate
from core.images.domains import DOMAIN_NAMES
from core.images.imports.records import DEFECT, LEFT_OUT, MASK, NORMAL, UNDECIDED, ImportPlan, LeftOut, PlannedFolder
from core.images.imports.summary import describe_left_out, describe_question

NAMED_OF_ONE_REASON = 20
_WIDEST = 60
_WORDS = {
    NORMAL: N_("normal"),
    DEFECT: N_("defect"),
    MASK: N_("masks"),
    LEFT_OUT: N_("left out"),
    UNDECIDED: N_("to be decided"),
}
_SPLITS = {"train": N_("Training"), "val": N_("Validation"), "test": N_("Test")}


def plan_lines(plan: ImportPlan, lang: str) -> Iterator[str]:
    """Yield the table of the folders, in the terminal's language."""
    heads = [translate(lang, text) for text in (N_("Folder"), N_("Image files"), N_("Becomes"), N_("Why"))]
    rows = [
        (_shorten(row.path or "."), str(row.n_images), _describe_use(row, lang), _describe_reason(row, lang))
        for row in plan.folders
    ]
    widths = [max(_width(cells[place]) for cells in [heads, *rows]) for place in range(3)]
    for cells in [heads, *rows]:
        folder, count, use = (_pad(cells[place], widths[place], right=place == 1) for place in range(3))
        yield f"{folder}  {count}  {use}  {cells[3]}".rstrip()


def product_lines(counts: dict[str, dict[str, Any]], lang: str) -> Iterator[str]:
    """Yield what each product gets, one line each."""
    for code, found in counts.items():
        types = ", ".join(f"{kind} {number}" for kind, number in sorted(found["defect"].items()))
        parts = [f"{translate(lang, _WORDS[NORMAL])} {found['normal']}"]
        defects = f"{translate(lang, _WORDS[DEFECT])} {sum(found['defect'].values())}"
        parts.append(f"{defects} ({types})" if types else defects)
        parts.append(f"{translate(lang, _WORDS[MASK])} {found['masks']}")
        parts += [f"{translate(lang, _SPLITS[split])} {found[split]}" for split in ("val", "test") if found[split]]
        yield f"{code}: " + " · ".join(parts)


def question_lines(plan: ImportPlan, lang: str) -> Iterator[str]:
    """Yield each question with the arguments that would answer it."""
    for question in plan.questions:
        yield f"? {describe_question(question, lang)} ({question.n_images})"
        path = question.path or "."
        choices = [f"--map {shlex.quote(f'{path}={role}')}" for role in question.choices]
        # Where other images have a product, --product would be one for all.
        if question.code == "import_product_missing" and not plan.images:
            names = [role.partition(":")[2] for role in question.choices]
            choices = [f"--product {shlex.quote(name)}" for name in names] or ["--product CODE"]
        if choices:
            yield "    " + "  |  ".join(choices)


def left_out_lines(left_out: Sequence[LeftOut], lang: str) -> Iterator[str]:
    """Yield what is left out and why; of many files with one reason the first, and how many more there are."""
    by_reason: dict[str, list[LeftOut]] = defaultdict(list)
    for found in left_out:
        by_reason[found.reason].append(found)
    for members in by_reason.values():
        yield from (describe_left_out(found, lang) for found in members[:NAMED_OF_ONE_REASON])
        if len(members) > NAMED_OF_ONE_REASON:
            yield f"… +{len(members) - NAMED_OF_ONE_REASON}"


def _describe_use(row: PlannedFolder, lang: str) -> str:
    use = row.use
    word = translate(lang, _WORDS[use.kind])
    if use.kind == DEFECT:
        word = f"{word} {use.defect_name}"
    parts = [use.product, word] if use.product else [word]
    if use.kind in {NORMAL, DEFECT}:
        parts.append(translate(lang, _SPLITS[use.split]))
        if use.view:
            parts.append(translate(lang, N_("view {view}")).replace("{view}", use.view))
        if use.domain:
            parts.append(translate(lang, DOMAIN_NAMES[use.domain]))
        if row.n_parts:
            parts.append(translate(lang, N_("parts: {count}")).replace("{count}", str(row.n_parts)))
    return " · ".join(parts)


def _describe_reason(row: PlannedFolder, lang: str) -> str:
    # What is left out is so file by file: the first stands for the others.
    name = row.examples[0] if row.use.kind == LEFT_OUT and row.examples else row.path or "."
    return describe(row.reason, {"name": name, "folders": row.path or "."}, lang)


def _shorten(text: str) -> str:
    return text if len(text) <= _WIDEST else "…" + text[1 - _WIDEST :]


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _pad(text: str, width: int, *, right: bool) -> str:
    fill = " " * (width - _width(text))
    return fill + text if right else text + fill
