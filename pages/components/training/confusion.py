"""What was taken for what: a table whose cells open the images; of many classes the most frequent mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.components.shared.language import _, _n, number
from pages.components.shared.link_table import Cell, Color, Target, show_link_table
from pages.components.shared.screens import TRAIN_MODEL
from pages.components.training.address import IMAGES, ImageFilter, RunLook, query_of

if TYPE_CHECKING:
    from pages.components.comparing.wording import ProductWords

# More columns than this cannot be read side by side.
_MOST_COLUMNS = 12
_MOST_MISTAKES = 30
_HEIGHT_PX = 460


def show_confusion(run_id: int, split: str, figures: Mapping[str, Any], words: ProductWords) -> None:
    """Draw the confusion matrix of a classifier, or its list of mistakes; nothing for other tasks."""
    labels, counts = _read(figures)
    if not labels:
        return
    st.markdown(f"**{_('Confusion matrix')}**")
    if len(labels) <= _MOST_COLUMNS:
        _show_matrix(run_id, split, labels, counts, words)
        st.caption(_("Rows are the truth, columns what was predicted. Every number opens its images."))
    else:
        _show_mistakes(run_id, split, labels, counts, words)


def _read(figures: Mapping[str, Any]) -> tuple[list[str], list[list[int]]]:
    labels, counts = figures.get("labels"), figures.get("confusion")
    if not isinstance(labels, list) or not isinstance(counts, list) or len(labels) != len(counts):
        return [], []
    return [str(label) for label in labels], [[int(count) for count in row] for row in counts]


def _show_matrix(run_id: int, split: str, labels: list[str], counts: list[list[int]], words: ProductWords) -> None:
    columns = [(_("In truth"), ""), *((words.label(label), "number") for label in labels)]
    rows = []
    for truth, row in zip(labels, counts, strict=True):
        cells = [Cell(words.label(truth), _target(run_id, ImageFilter(split, truth=truth)) if sum(row) else None)]
        for named, count in zip(labels, row, strict=True):
            color: Color = "green" if named == truth else "red"
            target = _target(run_id, ImageFilter(split, truth=truth, named=named))
            cells.append(Cell(number(count), target, color) if count else Cell("0"))
        rows.append(cells)
    show_link_table(columns, rows, key="train_confusion", label=_("Confusion matrix"), height_px=_HEIGHT_PX)  # type: ignore[arg-type]


def _show_mistakes(run_id: int, split: str, labels: list[str], counts: list[list[int]], words: ProductWords) -> None:
    found = [
        (count, truth, named, sum(row))
        for truth, row in zip(labels, counts, strict=True)
        for named, count in zip(labels, row, strict=True)
        if count and named != truth
    ]
    if not found:
        st.caption(f":green[:material/check:] {_('No image was taken for another class.')}")
        return
    found.sort(key=lambda one: (-one[0], one[1], one[2]))
    rows = [
        [
            Cell(words.label(truth)),
            Cell(words.label(named)),
            Cell(
                _("{count} of {total}", count=number(count), total=number(total)),
                _target(run_id, ImageFilter(split, truth=truth, named=named)),
                "red",
            ),
        ]
        for count, truth, named, total in found[:_MOST_MISTAKES]
    ]
    columns = [(_("In truth"), ""), (_("Predicted"), ""), (_("Images"), "number")]
    show_link_table(columns, rows, key="train_mistakes", label=_("Mistakes"), height_px=_HEIGHT_PX)  # type: ignore[arg-type]
    told = _n("{count} class", "{count} classes", len(labels))
    rest = len(found) - len(rows)
    more = " " + _n("and {count} more kind of mistake", "and {count} more kinds of mistake", rest) if rest > 0 else ""
    st.caption(_("Of {classes}, the most frequent mistakes.", classes=told) + more)


def _target(run_id: int, wanted: ImageFilter) -> Target:
    return Target(TRAIN_MODEL, query_of(run_id, RunLook(IMAGES, wanted)))
