"""Judging images that are known already once more, as a candidate or other thresholds would; nothing is stored."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.errors import AppError, BadInput, Conflict, NotFound, from_lower
from core.inspections.examination import Judges, examine_many
from core.inspections.records import types_of
from core.models.kinds import MEMORY_BANK
from core.registry.thresholds import MANUAL, check_thresholds
from core.registry.versions import active_version, current_threshold
from core.replay.gathering import Candidate, gather
from core.replay.records import IMAGE, INSPECTION, ComparedImage, Judge, Judgment, LeftOut, Replay
from core.transactions import reading
from inference.errors import InferenceError
from storage.object_store import ObjectStoreError
from storage.tables import DefectType, ModelVersion, Product, ThresholdSetting

if TYPE_CHECKING:
    from sqlmodel import Session

    from core.access import Person
    from core.services import Services
    from inference.vision.images.decode import DecodedImage

Progress = Callable[[int, int], None]
RECENT_INSPECTIONS = 200
MOST_INSPECTIONS = 2000
MOST_IMAGES = 1000


def replay_version(
    services: Services,
    person: Person,
    version_id: int,
    *,
    limit: int = RECENT_INSPECTIONS,
    most_images: int = MOST_IMAGES,
    progress: Progress = lambda done, total: None,
) -> Replay:
    """Return what would change if a memory bank (a candidate, or one to go back to) were in use.

    Compared are the product's `limit` newest inspections by their kept images, and its curated images, of which at most
    `most_images` are taken, evenly. Both sides are as of now: what the version in use says with the thresholds in
    force, and what the other one says with its own. An image that either has judged before it learned from it keeps
    that score; only what is not known yet is looked at. `progress` gets (done, total) of these looks; what it raises
    ends the replay. Nothing is stored.

    Raises NotAllowed, NotFound, BadInput(`replay_limit_invalid`), Conflict(`version_already_active`,
    `version_not_kept`), and the AppError of a model or an object store that cannot be used; an image that cannot be
    read is named in the result.
    """
    started = time.perf_counter()
    _check(services, person, limit)
    with reading(services) as session:
        rows = _find(session, version_id)
        if rows.version.active_key is not None:
            raise Conflict("version_already_active")
        in_force = current_threshold(session, version_id)
    before, after = _open(services, rows, in_force)
    return _compare(services, before, after, started, limit, most_images, progress, other_thresholds=False)


def replay_thresholds(
    services: Services,
    person: Person,
    version_id: int,
    review_at: float,
    reject_at: float,
    *,
    limit: int = RECENT_INSPECTIONS,
    most_images: int = MOST_IMAGES,
    progress: Progress = lambda done, total: None,
) -> Replay:
    """Return what would change if a memory bank judged by other thresholds, as `replay_version` does.

    For the version in use the stored scores are compared again: it looks only at images that it has not judged yet.
    Raises as `replay_version`, and BadInput(`thresholds_invalid`, `thresholds_crossed`).
    """
    started = time.perf_counter()
    _check(services, person, limit)
    check_thresholds(review_at, reject_at)
    tried = ThresholdSetting(model_version_id=version_id, review_at=review_at, reject_at=reject_at, method=MANUAL)
    with reading(services) as session:
        rows = _find(session, version_id)
    before, after = _open(services, rows, tried)
    return _compare(services, before, after, started, limit, most_images, progress, other_thresholds=True)


def _check(services: Services, person: Person, limit: int) -> None:
    require_role(services, person, ENGINEER)
    if isinstance(limit, bool) or not 1 <= limit <= MOST_INSPECTIONS:
        raise BadInput("replay_limit_invalid", highest=MOST_INSPECTIONS)


@dataclass(frozen=True)
class _Rows:
    """The rows of a replay: the version that is tried, and the one in use with its thresholds, where one is."""

    product: Product
    version: ModelVersion
    types: tuple[DefectType, ...]
    in_use: tuple[ModelVersion, ThresholdSetting] | None


def _find(session: Session, version_id: int) -> _Rows:
    version = session.get(ModelVersion, version_id)
    product = session.get(Product, version.product_id) if version is not None and version.product_id else None
    if version is None or product is None or version.kind != MEMORY_BANK:
        raise NotFound("not_found")
    if not version.object_prefix:
        raise Conflict("version_not_kept", number=version.number)
    active = active_version(session, MEMORY_BANK, product.id, view=version.view)
    in_use = (active, current_threshold(session, active.id)) if active is not None else None
    return _Rows(product, version, tuple(types_of(session, product.id)), in_use)


def _open(services: Services, rows: _Rows, threshold: ThresholdSetting) -> tuple[Judges | None, Judges]:
    """Return the judges in use, and those with the version that is tried and `threshold`; their models are loaded."""

    def load(bank: ModelVersion, limits: ThresholdSetting) -> Judges:
        try:
            model = services.models.memory_bank(bank)
        except (InferenceError, ObjectStoreError) as error:
            raise from_lower(error) from error
        return Judges(rows.product, bank, limits, model, {}, rows.types)

    before = load(*rows.in_use) if rows.in_use is not None else None
    if before is not None and before.bank.id == rows.version.id:
        return before, replace(before, threshold=threshold)
    return before, load(rows.version, threshold)


def _compare(
    services: Services,
    before: Judges | None,
    after: Judges,
    started: float,
    limit: int,
    most_images: int,
    progress: Progress,
    *,
    other_thresholds: bool,
) -> Replay:
    with reading(services) as session:
        gathered = gather(session, before, after, limit=limit, most_images=most_images)
    wanted = [image for image in gathered.images if not image.learned]
    places = range(len(wanted))
    old: dict[int, float] = {place: score for place in places if (score := wanted[place].before) is not None}
    new: dict[int, float] = {place: score for place in places if (score := wanted[place].after) is not None}
    same = before is not None and before.bank.id == after.bank.id
    rounds = [(after, new)] if same or before is None else [(before, old), (after, new)]
    total = sum(len(wanted) - len(known) for _judges, known in rounds)
    failed: dict[int, AppError] = {}
    done = 0
    progress(0, total)
    for judges, known in rounds:
        missing = [place for place in places if place not in known and place not in failed]
        for place, score in _score(services, judges, wanted, missing, failed):
            known[place] = score
            done += 1
            progress(min(done + len(failed), total), total)
    images = tuple(
        _describe(wanted[place], before, after, new if same else old, new, place)
        for place in places
        if place not in failed
    )
    return Replay(
        product_id=after.product.id,
        product_code=after.product.code,
        before=_judge(before) if before is not None else None,
        after=_judge(after),
        other_thresholds=other_thresholds,
        images=images,
        unreadable=tuple(
            LeftOut(wanted[place].kind, wanted[place].id, wanted[place].name, error)
            for place, error in sorted(failed.items())
        ),
        n_inspections=sum(image.kind == INSPECTION for image in gathered.images),
        n_images=sum(image.kind == IMAGE for image in gathered.images),
        n_labeled=gathered.n_labeled,
        learned_from=len(gathered.images) - len(wanted),
        n_scored=done,
        seconds=time.perf_counter() - started,
    )


def _score(
    services: Services,
    judges: Judges,
    images: Sequence[Candidate],
    missing: Sequence[int],
    failed: dict[int, AppError],
) -> Iterator[tuple[int, float]]:
    """Yield (place, score) of the images at `missing`, decoded ahead and examined in groups as an inspection is.

    One that cannot be read is put into `failed`. Raises AppError of a store that is away.
    """
    from inference.vision.images.decode import decode

    read: list[int] = []

    def load() -> Iterator[DecodedImage]:
        found = services.objects.get_many([images[place].object_key for place in missing])
        for place, (_key, data) in zip(missing, found, strict=True):
            name = images[place].name
            if isinstance(data, ObjectStoreError):
                if data.code != "object_missing":
                    raise from_lower(data, name=name)
                failed[place] = from_lower(data, name=name)
                continue
            try:
                image = decode(data, file_name=name, bit_depth=judges.bit_depth)
            except InferenceError as error:
                failed[place] = from_lower(error, name=name)
                continue
            read.append(place)
            yield image

    if missing:
        for number, finding in enumerate(examine_many(services, judges, load())):
            yield read[number], float(finding.detection.score)


def _describe(
    image: Candidate,
    before: Judges | None,
    after: Judges,
    old: dict[int, float],
    new: dict[int, float],
    place: int,
) -> ComparedImage:
    return ComparedImage(
        kind=image.kind,
        id=image.id,
        name=image.name,
        thumbnail_key=image.thumbnail_key,
        outcome=image.outcome,
        before=None if before is None else _judgment(old[place], before),
        after=_judgment(new[place], after),
    )


def _judgment(score: float, judges: Judges) -> Judgment:
    from inference.vision.detection.calibration import verdict

    return Judgment(score, verdict(score, judges.threshold.review_at, judges.threshold.reject_at))


def _judge(judges: Judges) -> Judge:
    return Judge(judges.bank.id, judges.bank.number, judges.threshold.review_at, judges.threshold.reject_at)
