"""The thresholds of a product's model in use, in the terminal: shown, set, computed by a method, undone."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.accounts import people
from core.catalog import products
from core.catalog.views import label_of
from core.cli.terminal import language, to_json, write_note, write_out
from core.errors import BadInput, Conflict, describe
from core.registry.thresholds import CHEAPEST, MANUAL, check_thresholds, save_thresholds, undo_thresholds
from core.services import Services, build_services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.access import Person
    from core.model_report.in_force import ProductThresholds
    from core.model_report.records import Confusion, ThresholdEntry
    from storage.tables import Product

# Which method takes which option.
_OPTIONS = {"percent": "percentile", "k": "mean_std", "defect_rate": "cheapest"}


@dataclass(frozen=True)
class _Wanted:
    """Two thresholds to put in force, how they were found, and what to store with them."""

    review_at: float
    reject_at: float
    method: str
    figures: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


def thresholds(wanted: argparse.Namespace) -> int:
    """Show the thresholds of the model in use, or put others in force; the status is 0 where nothing failed."""
    from core.model_report.in_force import read_product_thresholds

    _check_options(wanted)
    services = build_services()
    person = people.command_line_person(services)
    product = products.find_named_product(services, wanted.product)
    now = read_product_thresholds(services, product.id, wanted.view)
    if wanted.measure:
        return _measure(services, person, product, now, wanted)
    asked = _ask(services, person, now, wanted)
    if asked is not None and not wanted.only_try:
        _save(services, person, now, asked, wanted)
        now = read_product_thresholds(services, product.id, wanted.view)
    shown = None if asked is None or not wanted.only_try else asked
    if wanted.json:
        write_out(to_json(_to_json(now, shown, asked)))
    else:
        for line in _describe(now, shown, language()):
            write_out(line)
    for said in _warn(asked) if asked is not None else ():
        write_note(said)
    return 0


def _check_options(wanted: argparse.Namespace) -> None:
    if (wanted.review is None) != (wanted.reject is None):
        raise BadInput("replay_thresholds_incomplete")
    for name, method in _OPTIONS.items():
        if getattr(wanted, name) is not None and wanted.method != method:
            raise BadInput(
                "thresholds_option_unused", option=f"--{name.replace('_', '-')}", needed=f"--method {method}"
            )
    changes = wanted.review is not None or wanted.method is not None or wanted.undo
    for name, is_given in (("--reason", bool(wanted.reason.strip())), ("--try", wanted.only_try)):
        if is_given and not changes:
            raise BadInput("thresholds_option_unused", option=name, needed="--review/--reject, --method, --undo")
    if changes and not wanted.only_try and not wanted.reason.strip():
        raise BadInput("thresholds_need_reason")


def _ask(services: Services, person: Person, now: ProductThresholds, wanted: argparse.Namespace) -> _Wanted | None:
    """Return what is to be put in force; None where the thresholds are only looked at."""
    from core.model_report.in_force import suggest_thresholds

    if wanted.review is not None:
        check_thresholds(wanted.review, wanted.reject)
        return _Wanted(wanted.review, wanted.reject, MANUAL, {})
    if wanted.undo:
        if len(now.entries) < 2:
            raise Conflict("thresholds_nothing_to_undo")
        before = now.entries[1]
        return _Wanted(before.review_at, before.reject_at, before.method, {})
    if wanted.method is None:
        return None
    found = suggest_thresholds(
        services,
        person,
        now.head.version_id,
        wanted.method,
        percent=wanted.percent,
        k=wanted.k,
        defect_rate=wanted.defect_rate,
    )
    return _Wanted(found.review_at, found.reject_at, found.method, found.figures, found.warnings)


def _warn(asked: _Wanted) -> list[str]:
    from core.models.calibration_words import warning_sentences

    if asked.method == CHEAPEST:
        return [describe(f"cheapest_{code}", {}, language()) for code in asked.warnings]
    return warning_sentences(asked.warnings, language())


def _save(
    services: Services, person: Person, now: ProductThresholds, asked: _Wanted, wanted: argparse.Namespace
) -> None:
    version_id, seen_id = now.head.version_id, now.in_force.id
    if wanted.undo:
        undo_thresholds(services, person, version_id, reason=wanted.reason, seen_id=seen_id)
        return
    save_thresholds(
        services,
        person,
        version_id,
        asked.review_at,
        asked.reject_at,
        reason=wanted.reason,
        seen_id=seen_id,
        method=asked.method,
        figures=asked.figures,
    )


def _measure(
    services: Services, person: Person, product: Product, now: ProductThresholds, wanted: argparse.Namespace
) -> int:
    """Measure the model in use, here where no worker is alive, then show what came of it; 1 where it failed."""
    from core.cli.job_following import follow
    from core.model_report.in_force import read_product_thresholds
    from core.model_report.measurement import start_measurement

    job_id = start_measurement(services, person, now.head.version_id)
    (job,) = follow(services, [job_id], language=language())
    if job.state != "succeeded":
        write_note(job.error.sentence(language()) if job.error is not None else job.state)
        return 1
    now = read_product_thresholds(services, product.id, wanted.view)
    if wanted.json:
        write_out(to_json(_to_json(now, None, None)))
    else:
        for line in _describe(now, None, language()):
            write_out(line)
    return 0


def _to_json(now: ProductThresholds, tried: _Wanted | None, asked: _Wanted | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "product": now.head.product_code,
        **({"view": now.head.view} if now.head.view else {}),
        "model_version": now.head.number,
        "thresholds": _entry(now.in_force),
        "test": _counts(now.count_at(now.in_force.review_at, now.in_force.reject_at)),
        "history": [_entry(entry) for entry in now.entries[1:]],
    }
    if tried is not None:
        told["tried"] = {
            "review_at": tried.review_at,
            "reject_at": tried.reject_at,
            "method": tried.method,
            "figures": dict(tried.figures),
            "test": _counts(now.count_at(tried.review_at, tried.reject_at)),
        }
    if asked is not None:
        told["warnings"] = list(asked.warnings)
    return told


def _entry(entry: ThresholdEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "review_at": entry.review_at,
        "reject_at": entry.reject_at,
        "method": entry.method,
        "reason": entry.reason,
        "saved_at": entry.created_at.isoformat(),
        "saved_by": entry.saved_by,
    }


def _counts(found: Confusion | None) -> dict[str, Any] | None:
    """Return what the thresholds make of the test images; None where the model was not measured on any."""
    if found is None:
        return None
    return {
        "n_normal": found.overkill.total,
        "n_defect": found.escape.total,
        "confusion": {"normal": found.good.to_json(), "defect": found.defect.to_json()},
        "overkill": found.overkill.count,
        "escape": found.escape.count,
    }


def _describe(now: ProductThresholds, tried: _Wanted | None, lang: str) -> list[str]:
    def say(code: str, **params: object) -> str:
        return describe(code, params, lang)

    entry = now.in_force
    head = {"product": label_of(now.head.product_code, now.head.view), "number": now.head.number}
    lines = [say("thresholds_in_force", **head, **_numbers(entry), **_origin(entry))]
    lines += _say_counts(now.count_at(entry.review_at, entry.reject_at), lang)
    if tried is not None:
        lines.append(say("thresholds_tried", method=tried.method, **_numbers(tried)))
        lines += _say_counts(now.count_at(tried.review_at, tried.reject_at), lang)
    lines += [say("thresholds_before", **_numbers(one), **_origin(one)) for one in now.entries[1:]]
    return lines


def _numbers(found: ThresholdEntry | _Wanted) -> dict[str, str]:
    return {"review_at": f"{found.review_at:.4f}", "reject_at": f"{found.reject_at:.4f}"}


def _origin(entry: ThresholdEntry) -> dict[str, str]:
    said = " · ".join(word for word in (entry.saved_by, entry.reason) if word)
    return {
        "method": entry.method,
        "when": entry.created_at.astimezone().strftime("%Y-%m-%d %H:%M"),
        "said": f" · {said}" if said else "",
    }


def _say_counts(found: Confusion | None, lang: str) -> list[str]:
    if found is None:
        return [describe("thresholds_not_measured", {}, lang)]
    return [
        describe(
            "thresholds_on_test",
            {
                "overkill": found.overkill.count,
                "n_normal": found.overkill.total,
                "escape": found.escape.count,
                "n_defect": found.escape.total,
                "review": found.good.review + found.defect.review,
            },
            lang,
        )
    ]
