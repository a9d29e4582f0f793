"""The images of a plan by folder, as a person reads them, and the questions about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.images.imports.labels import (
    CONTRADICTION,
    LIST_LABEL,
    LISTS_DIFFER,
    MASK_MISSING,
    TYPE_UNKNOWN,
    Answer,
)
from core.images.imports.names import is_image_name, split_path
from core.images.imports.records import (
    LEFT_OUT,
    MASK,
    UNDECIDED,
    LeftOut,
    PlannedFolder,
    PlannedImage,
    Question,
    Sureness,
    Use,
)
from core.images.imports.words import UNSURE, read_words

EXAMPLES = 3


@dataclass
class _Row:
    use: Use
    reason: str
    sureness: Sureness
    suggested: str
    paths: list[str] = field(default_factory=list)
    parts: set[str] = field(default_factory=set)


def gather_questions(undecided: Sequence[tuple[str, Answer]]) -> tuple[Question, ...]:
    """Return one question for each folder, file or pattern that has to be decided on."""
    groups: dict[tuple[str, str], list[tuple[str, Answer]]] = defaultdict(list)
    for path, found in undecided:
        groups[found.code, found.path].append((path, found))
    questions = []
    for (code, path), members in sorted(groups.items(), key=lambda group: (group[0][1], group[0][0])):
        suggested = members[0][1].suggested
        questions.append(
            Question(
                code,
                path,
                _choices(code, suggested),
                len(members),
                tuple(found for found, _answer in members[:EXAMPLES]),
                {"suggested": suggested} if suggested else {},
            )
        )
    return tuple(questions)


def _choices(code: str, suggested: str) -> tuple[str, ...]:
    # "misc" is no type of defect, though a person may say that it is one here.
    is_name = suggested and read_words(suggested).says != UNSURE
    named = (f"defect:{suggested}",) if is_name else ("defect",)
    return {
        LISTS_DIFFER: ("list", "skip"),
        LIST_LABEL: ("list", "skip"),
        TYPE_UNKNOWN: tuple(dict.fromkeys((*named, "defect", "skip"))),
        MASK_MISSING: ("normal", "skip"),
        CONTRADICTION: ("normal", *named, "skip"),
    }.get(code, ("normal", *named, "skip"))


def count_folders(
    images: Sequence[PlannedImage],
    answers: Mapping[str, Answer],
    undecided: Sequence[tuple[str, Answer]],
    left_out: Sequence[LeftOut],
) -> tuple[PlannedFolder, ...]:
    """Return a row for each folder and what its images become; a folder of two splits or types has two."""
    rows: dict[tuple[str, Use, str], _Row] = {}

    def add(path: str, use: Use, reason: str, sureness: Sureness = "certain", suggested: str = "") -> _Row:
        row = rows.setdefault((_folder(path), use, reason), _Row(use, reason, sureness, suggested))
        row.paths.append(path)
        return row

    for image in images:
        found = answers[image.path]
        use = Use(image.kind, image.product, image.defect_name, image.split, image.view, image.domain)
        row = add(image.path, use, found.reason, found.sureness, image.defect_name or found.suggested)
        if image.part:
            row.parts.add(image.part)
        for mask in image.masks:
            add(mask, Use(MASK, image.product), "import_by_mask_of")
    asked = set()
    for path, found in undecided:
        asked.add(path)
        add(path, Use(UNDECIDED), found.code, "unknown", found.suggested)
    for one in left_out:
        if is_image_name(one.path) and one.path not in asked:
            add(one.path, Use(LEFT_OUT), one.reason)
    found_rows = [
        PlannedFolder(
            folder,
            row.use,
            len(set(row.paths)),
            tuple(sorted(set(row.paths))[:EXAMPLES]),
            row.sureness,
            row.reason,
            row.suggested,
            len(row.parts),
        )
        for (folder, _use, _reason), row in rows.items()
    ]
    order = {UNDECIDED: 0, "normal": 1, "defect": 2, MASK: 3, LEFT_OUT: 4}
    return tuple(sorted(found_rows, key=lambda row: (row.path, order[row.use.kind], row.use.split, row.reason)))


def _folder(path: str) -> str:
    return "/".join(split_path(path)[:-1])
