"""A plan, or what became of it, in counts: by product, split and defect type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.errors import describe
from core.images.imports.records import DEFECT, ImportPlan, LeftOut, Question


def count_products(
    plan: ImportPlan,
    *,
    stored: Iterable[str] | None = None,
    masks: Iterable[str] | None = None,
    codes: Mapping[str, str] | None = None,
    type_codes: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, dict[str, Any]]:
    """Return by product code: normal, defect (by type code), masks, val, test.

    `normal` and `defect` are images of all splits; `val` and `test` how many of both are not learned from, and `masks`
    how many images have one. `stored` and `masks` are the paths that were stored, where some were not. `codes` gives
    the product's code by name, `type_codes` those of its types by name, where they exist already.
    """
    kept = None if stored is None else set(stored)
    with_mask = None if masks is None else set(masks)
    found: dict[str, dict[str, Any]] = {}
    for image in plan.images:
        if kept is not None and image.path not in kept:
            continue
        code = (codes or {}).get(image.product) or plan.names.get(image.product, image.product)
        counts = found.setdefault(code, {"normal": 0, "defect": {}, "masks": 0, "val": 0, "test": 0})
        if image.kind == DEFECT:
            known = (type_codes or {}).get(code, {})
            kind = known.get(image.defect_name.casefold()) or known.get(image.defect_code) or image.defect_code
            counts["defect"][kind] = counts["defect"].get(kind, 0) + 1
        else:
            counts["normal"] += 1
        if image.split in {"val", "test"}:
            counts[image.split] += 1
        # The mask of regions is made of them, and is no file of its own.
        was_stored = with_mask is None or not image.masks or bool(with_mask & set(image.masks))
        counts["masks"] += bool(image.masks or image.regions) and was_stored
    return dict(sorted(found.items()))


def describe_left_out(found: LeftOut, language: str) -> str:
    """Return the sentence of a file that is left out."""
    return describe(found.reason, {"name": found.path, **found.params}, language)


def describe_question(question: Question, language: str) -> str:
    """Return the sentence of a question."""
    return describe(question.code, {"name": question.path or ".", **question.params}, language)


def questions_to_json(plan: ImportPlan, language: str) -> list[dict[str, Any]]:
    """Return the questions as JSON values: code, path, message, choices, images, examples."""
    return [
        {
            "code": question.code,
            "path": question.path or ".",
            "message": describe_question(question, language),
            "choices": list(question.choices),
            "images": question.n_images,
            "examples": list(question.examples),
        }
        for question in plan.questions
    ]
