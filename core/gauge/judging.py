"""The model's look at the pictures of a study: all by one version and one pair of thresholds, and nothing else stored.

Each group is committed by itself, so whoever goes on after an interruption goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import update
from sqlmodel import col, select

from core.access import ENGINEER, require_role
from core.audit import record, stale_save
from core.catalog.names import spoken_name
from core.errors import AppError, Conflict, NotReady, from_lower
from core.gauge.studies import SUBJECT, get_row
from core.gauge.terms import RUNNING
from core.inspections.examination import GROUP_IMAGES, Judges, examine_group, find_judges
from core.models.kinds import MEMORY_BANK
from core.registry.versions import active_version, current_threshold
from core.transactions import HasDatabase, reading, writing
from inference.errors import InferenceError
from storage.object_store import ObjectStoreError
from storage.tables import GaugeStudy, GaugeTrial, ModelVersion, Product, ThresholdSetting, utc_now

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services
    from inference.vision.images.decode import DecodedImage


def judge_waiting(services: Services, person: Person, study_id: int) -> Iterator[tuple[int, int]]:
    """Let the model judge the pictures that wait for it; yield (done, total) after each group.

    The first time, the version and the thresholds in use become those of the study. A picture that cannot be read is
    named with the study. Raises NotAllowed, NotFound, Conflict gauge_not_running, version_not_kept, NotReady without a
    model; while iterating the AppError of a store or a model.
    """
    require_role(services, person, ENGINEER)
    with reading(services) as session:
        study = get_row(session, study_id)
        waiting = session.exec(
            select(GaugeTrial)
            .where(
                GaugeTrial.study_id == study_id,
                GaugeTrial.image_key != "",
                col(GaugeTrial.score).is_(None),
                GaugeTrial.error_code == "",
            )
            .order_by(col(GaugeTrial.position))
        ).all()
    if study.state != RUNNING:
        raise Conflict("gauge_not_running")
    if not study.with_model or not waiting:
        return iter(())
    judges = _find_judges(services, study)
    return _judge_all(services, judges, study_id, waiting)


def judge_again(services: Services, person: Person, study_id: int, *, row_version: int) -> None:
    """Forget what the model said, so that all pictures are judged by the version and the thresholds in use now.

    Raises NotFound, Conflict gauge_not_running, stale_save.
    """
    require_role(services, person, ENGINEER)
    with writing(services) as session:
        study = get_row(session, study_id)
        if study.row_version != row_version:
            raise stale_save(session, subject_type=SUBJECT, subject_id=study_id, row_version=row_version)
        if study.state != RUNNING:
            raise Conflict("gauge_not_running")
        session.execute(
            update(GaugeTrial)
            .where(col(GaugeTrial.study_id) == study_id)
            .values(score=None, verdict="", judged_at=None, error_code="", error_params={})
        )
        study.memory_bank_version_id = study.review_at = study.reject_at = None
        study.row_version += 1
        record(session, person, "gauge_study.judged_again", SUBJECT, study_id, row_version=study.row_version)
        session.commit()


def find_change_of_model(services: HasDatabase, study_id: int) -> tuple[int, float, float] | None:
    """Return (version number, Review from, NG from) in use now where they are not those of the study any more."""
    with reading(services) as session:
        study = get_row(session, study_id)
        active = active_version(session, MEMORY_BANK, study.product_id, view=study.view)
        if study.memory_bank_version_id is None or active is None:
            return None
        limits = current_threshold(session, active.id)
    same = (study.memory_bank_version_id, study.review_at, study.reject_at)
    if same == (active.id, limits.review_at, limits.reject_at):
        return None
    return active.number, limits.review_at, limits.reject_at


def _find_judges(services: Services, study: GaugeStudy) -> Judges:
    """Return the version and the thresholds of the study, which are from now on those in use where it has none yet."""
    if study.memory_bank_version_id is None:
        judges = find_judges(services, study.product_id, study.view)
        limits = judges.threshold
        fresh = update(GaugeStudy).where(
            col(GaugeStudy.id) == study.id, col(GaugeStudy.memory_bank_version_id).is_(None)
        )
        with writing(services) as session:
            session.execute(
                fresh.values(
                    memory_bank_version_id=judges.bank.id, review_at=limits.review_at, reject_at=limits.reject_at
                )
            )
            session.commit()
    with reading(services) as session:
        study = get_row(session, study.id)
        bank = session.get(ModelVersion, study.memory_bank_version_id)
        product = session.get(Product, study.product_id)
    assert product is not None
    if bank is None or study.review_at is None or study.reject_at is None:
        raise NotReady("no_active_memory_bank", product=spoken_name(product))
    if not bank.object_prefix:
        raise Conflict("version_not_kept", number=bank.number)
    try:
        model = services.models.memory_bank(bank)
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error) from error
    limits = ThresholdSetting(model_version_id=bank.id, review_at=study.review_at, reject_at=study.reject_at, method="")
    # Scores and verdicts alone: no similar images are searched.
    return Judges(product, bank, limits, model, {}, ())


def _judge_all(
    services: Services, judges: Judges, study_id: int, waiting: Sequence[GaugeTrial]
) -> Iterator[tuple[int, int]]:
    done = 0
    for start in range(0, len(waiting), GROUP_IMAGES):
        group = waiting[start : start + GROUP_IMAGES]
        _judge_group(services, judges, study_id, group)
        done += len(group)
        yield done, len(waiting)


def _judge_group(services: Services, judges: Judges, study_id: int, group: Sequence[GaugeTrial]) -> None:
    images: list[tuple[GaugeTrial, DecodedImage]] = []
    found: dict[int, dict[str, object]] = {}
    for trial, (_key, data) in zip(group, services.objects.get_many([one.image_key for one in group]), strict=True):
        try:
            images.append((trial, _decode(judges, trial, data)))
        except AppError as error:
            found[trial.id] = {"error_code": error.code, "error_params": {"name": trial.original_name}}
    for (trial, _image), finding in zip(
        images, examine_group(services, judges, [image for _trial, image in images]) if images else [], strict=True
    ):
        found[trial.id] = {"score": float(finding.detection.score), "verdict": finding.verdict, "judged_at": utc_now()}
    with writing(services) as session:
        study = get_row(session, study_id)
        same = (judges.bank.id, judges.threshold.review_at, judges.threshold.reject_at)
        if (study.memory_bank_version_id, study.review_at, study.reject_at) != same or study.state != RUNNING:
            raise Conflict("gauge_judged_meanwhile")
        for trial in group:
            # A picture that was taken out or replaced meanwhile is not the one that was judged.
            session.execute(
                update(GaugeTrial)
                .where(col(GaugeTrial.id) == trial.id, col(GaugeTrial.image_key) == trial.image_key)
                .values(**found[trial.id])
            )
        session.commit()


def _decode(judges: Judges, trial: GaugeTrial, data: bytes | ObjectStoreError) -> DecodedImage:
    from inference.vision.images.decode import decode

    if isinstance(data, ObjectStoreError):
        if data.code != "object_missing":
            raise from_lower(data, name=trial.original_name)
        raise from_lower(data, name=trial.original_name) from data
    try:
        return decode(data, file_name=trial.original_name, bit_depth=judges.bit_depth)
    except InferenceError as error:
        raise from_lower(error, name=trial.original_name) from error
