"""What would change with another version or other thresholds, in the terminal."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from core.accounts import people
from core.catalog import products
from core.catalog.names import spoken_name
from core.catalog.views import choose_view
from core.cli.terminal import StatusLine, language, name_some, to_json, write_out
from core.errors import BadInput, NotFound, NotReady, describe
from core.i18n import translate
from core.models.kinds import MEMORY_BANK
from core.registry.retention import is_kept
from core.registry.versions import list_versions
from core.services import Services, build_services
from core.transactions import reading

if TYPE_CHECKING:
    from core.replay.records import ComparedImage, Judgment, Replay
    from storage.tables import ModelVersion, Product


def replay(wanted: argparse.Namespace) -> int:
    """Compare a version, or other thresholds, with what is in use; the status is 0 whatever would change."""
    from core.replay.replaying import replay_thresholds, replay_version

    services = build_services()
    person = people.command_line_person(services)
    product = products.find_named_product(services, wanted.product)
    limits = (wanted.review, wanted.reject)
    view = _choose_view(services, product, wanted.view)
    version = _choose(services, product, view, wanted.version, other_thresholds=limits != (None, None))
    status = StatusLine()

    def show(done: int, total: int) -> None:
        status.show("inspecting", f"{done}/{total}")

    try:
        if limits == (None, None):
            found = replay_version(services, person, version.id, limit=wanted.limit, progress=show)
        elif None in limits:
            raise BadInput("replay_thresholds_incomplete")
        else:
            found = replay_thresholds(services, person, version.id, *limits, limit=wanted.limit, progress=show)
    finally:
        status.clear()
    if wanted.json:
        write_out(to_json(found.to_json()))
    else:
        for line in _describe(found, language()):
            write_out(line)
    return 0


def _choose_view(services: Services, product: Product, said: str | None) -> str:
    with reading(services) as session:
        return choose_view(session, product, said)


def _choose(
    services: Services, product: Product, view: str, number: int | None, *, other_thresholds: bool
) -> ModelVersion:
    """Return the version of this number; without one, what is in use for other thresholds, else what waits."""
    versions = list_versions(services, MEMORY_BANK, product.id, view=view)
    if number is not None:
        named = next((version for version in versions if version.number == number), None)
        if named is None:
            raise NotFound("replay_version_unknown", product=product.code, number=number)
        return named
    active = next((version for version in versions if version.active_key is not None), None)
    if other_thresholds:
        if active is None:
            raise NotReady("no_active_memory_bank", product=spoken_name(product))
        return active
    waiting = next((version for version in versions if version.state == "candidate" and is_kept(version)), None)
    if waiting is None:
        raise NotReady("replay_without_candidate", product=product.code)
    return waiting


def _describe(found: Replay, lang: str) -> list[str]:
    def say(code: str, **params: object) -> str:
        return describe(code, params, lang)

    after, before = found.after, found.before
    lines = [
        say(
            "replay_compared",
            product=found.product_code,
            number=after.number,
            review_at=f"{after.review_at:.4f}",
            reject_at=f"{after.reject_at:.4f}",
            inspections=found.n_inspections,
            images=found.n_images,
            seconds=f"{found.seconds:.1f}",
        )
    ]
    if before is None:
        lines.append(say("replay_none_in_use"))
    else:
        limits = {"review_at": f"{before.review_at:.4f}", "reject_at": f"{before.reject_at:.4f}"}
        lines.append(say("replay_in_use", number=before.number, **limits))
    if found.is_sample:
        lines.append(say("replay_sample", count=found.n_images, all=found.n_labeled))
    if found.learned_from:
        lines.append(say("replay_left_out", count=found.learned_from))
    if found.unreadable:
        names = name_some([one.name for one in found.unreadable])
        lines.append(say("replay_unreadable", count=len(found.unreadable), names=names))
    groups = found.groups()
    for group in groups:
        lines.append(f"{translate(lang, group.name)}: {len(group.images)}")
        lines += [f"  {_line(image)}" for image in group.images]
    if before is not None and not groups:
        lines.append(say("replay_no_change"))
    return lines


def _line(image: ComparedImage) -> str:
    before = _judgment(image.before) if image.before is not None else "-"
    kind = image.outcome.defect_type if image.outcome is not None else None
    words = f"{image.name}: {before} -> {_judgment(image.after)}"
    return words + (f"  {kind.code}" if kind is not None else "")


def _judgment(judgment: Judgment) -> str:
    return f"{judgment.verdict.upper()} {judgment.score:.4f}"
