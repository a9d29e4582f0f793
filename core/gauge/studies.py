"""The studies that there are: the list, one of them with all its values, closing, cancelling and deleting it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete
from sqlmodel import Session, col, func, select

from core.access import ADMIN, ENGINEER, require_role
from core.audit import record, stale_save
from core.catalog.names import ProductName
from core.errors import BadInput, Conflict, NotFound
from core.files.discarded_objects import discard_objects
from core.gauge.records import AppraiserView, PartView, Study, StudyLine, TrialView
from core.gauge.terms import CANCELLED, CLOSED, DRAFT, RUNNING
from core.transactions import HasDatabase, HasStores, reading, writing
from storage.tables import (
    GaugeAppraiser,
    GaugePart,
    GaugeRating,
    GaugeStudy,
    GaugeTrial,
    ModelVersion,
    Product,
    User,
    utc_now,
)

if TYPE_CHECKING:
    from core.access import Person

SUBJECT = "gauge_study"


def get_row(session: Session, study_id: int) -> GaugeStudy:
    """Return the row of a study. Raises NotFound."""
    study = session.get(GaugeStudy, study_id)
    if study is None:
        raise NotFound("not_found")
    return study


def list_studies(services: HasDatabase, *, product_id: int | None = None) -> list[StudyLine]:
    """Return the studies, the newest first, in four queries however many there are."""
    query = select(GaugeStudy, Product).join(Product).order_by(col(GaugeStudy.id).desc())
    if product_id is not None:
        query = query.where(GaugeStudy.product_id == product_id)
    with reading(services) as session:
        rows = session.exec(query).all()
        names = _names(session, {study.created_by for study, _product in rows})
        parts = _count(session, GaugePart)
        pictures, taken = _count(session, GaugeTrial), _count(session, GaugeTrial, col(GaugeTrial.image_key) != "")
        ratings, rated = _count(session, GaugeRating), _count(session, GaugeRating, col(GaugeRating.verdict) != "")
    return [
        StudyLine(
            id=study.id,
            product=ProductName.from_row(product),
            name=study.name,
            kind=study.kind,
            state=study.state,
            created_at=study.created_at,
            created_by=names.get(study.created_by, ""),
            n_parts=parts.get(study.id, 0),
            n_pictures=pictures.get(study.id, 0),
            n_taken=taken.get(study.id, 0),
            n_ratings=ratings.get(study.id, 0),
            n_rated=rated.get(study.id, 0),
        )
        for study, product in rows
    ]


def load_study(services: HasDatabase, study_id: int) -> Study:
    """Return a study with its parts, pictures and people. Raises NotFound."""
    with reading(services) as session:
        study = get_row(session, study_id)
        product = session.get(Product, study.product_id)
        assert product is not None
        version = session.get(ModelVersion, study.memory_bank_version_id) if study.memory_bank_version_id else None
        parts = session.exec(select(GaugePart).where(GaugePart.study_id == study_id).order_by(col(GaugePart.place)))
        trials = session.exec(
            select(GaugeTrial).where(GaugeTrial.study_id == study_id).order_by(col(GaugeTrial.position))
        )
        people = session.exec(
            select(GaugeAppraiser).where(GaugeAppraiser.study_id == study_id).order_by(col(GaugeAppraiser.place))
        )
        by_appraiser = (
            select(GaugeRating.appraiser_id, func.count())
            .where(GaugeRating.study_id == study_id)
            .group_by(col(GaugeRating.appraiser_id))
        )
        total = dict(session.exec(by_appraiser).all())
        done = dict(session.exec(by_appraiser.where(col(GaugeRating.verdict) != "")).all())
        names = _names(session, {study.created_by, study.ended_by})
        return Study(
            id=study.id,
            product=ProductName.from_row(product),
            product_in_use=product.is_active,
            view=study.view,
            name=study.name,
            purpose=study.purpose,
            kind=study.kind,
            state=study.state,
            n_repeats=study.n_repeats,
            n_pictures=study.n_pictures,
            with_model=study.with_model,
            setups=tuple(str(setup) for setup in study.setups),
            seed=study.seed,
            version_id=study.memory_bank_version_id,
            version_number=version.number if version is not None else None,
            review_at=study.review_at,
            reject_at=study.reject_at,
            created_at=study.created_at,
            created_by=names.get(study.created_by, ""),
            started_at=study.started_at,
            ended_at=study.ended_at,
            ended_by=names.get(study.ended_by, ""),
            row_version=study.row_version,
            parts=tuple(
                PartView(row.id, row.place, row.name, row.reference, row.reference_source, row.sources) for row in parts
            ),
            trials=tuple(_view_trial(row) for row in trials),
            appraisers=tuple(
                AppraiserView(row.id, row.place, row.name, row.user_id, done.get(row.id, 0), total.get(row.id, 0))
                for row in people
            ),
        )


def close_study(services: HasDatabase, person: Person, study_id: int, *, row_version: int) -> None:
    """Complete a study: nothing of it changes any more. Raises NotFound, Conflict gauge_not_running, stale_save."""
    require_role(services, person, ENGINEER)
    _end(services, person, study_id, CLOSED, row_version)


def cancel_study(services: HasDatabase, person: Person, study_id: int, *, row_version: int) -> None:
    """End a study before it is complete; what was done stays to be read.

    Raises NotFound, Conflict gauge_not_running, stale_save.
    """
    require_role(services, person, ENGINEER)
    _end(services, person, study_id, CANCELLED, row_version)


def delete_study(services: HasStores, person: Person, study_id: int, *, typed_name: str) -> None:
    """Delete a study with its pictures and ratings; `typed_name` is its name as the person has typed it.

    Only an administrator may. Raises NotAllowed, NotFound, BadInput gauge_name_differs.
    """
    require_role(services, person, ADMIN)
    with writing(services) as session:
        study = get_row(session, study_id)
        if " ".join(typed_name.split()) != study.name:
            raise BadInput("gauge_name_differs", name=study.name)
        trials = session.exec(select(GaugeTrial).where(GaugeTrial.study_id == study_id)).all()
        keys = [key for trial in trials for key in (trial.image_key, trial.thumbnail_key) if key]
        for table in (GaugeRating, GaugeTrial, GaugeAppraiser, GaugePart):
            session.execute(delete(table).where(col(table.study_id) == study_id))
        session.delete(study)
        record(
            session, person, "gauge_study.deleted", SUBJECT, study_id, name=study.name, state=study.state,
            pictures=len(keys) // 2,
        )  # fmt: skip
        session.commit()
    discard_objects(services, keys)


def _end(services: HasDatabase, person: Person, study_id: int, state: str, row_version: int) -> None:
    with writing(services) as session:
        study = get_row(session, study_id)
        if study.row_version != row_version:
            raise stale_save(session, subject_type=SUBJECT, subject_id=study_id, row_version=row_version)
        may_end = {RUNNING} if state == CLOSED else {DRAFT, RUNNING}
        if study.state not in may_end:
            raise Conflict("gauge_not_running")
        changes = {"state": [study.state, state]}
        study.state, study.ended_at, study.ended_by = state, utc_now(), person.id
        study.row_version += 1
        action = "gauge_study.closed" if state == CLOSED else "gauge_study.cancelled"
        record(session, person, action, SUBJECT, study_id, row_version=study.row_version, changes=changes)
        session.commit()


def _count(session: Session, table: type[GaugePart | GaugeTrial | GaugeRating], *conditions: object) -> dict[int, int]:
    query = select(table.study_id, func.count()).group_by(col(table.study_id))
    for condition in conditions:
        query = query.where(condition)  # type: ignore[arg-type]
    return dict(session.exec(query).all())


def _names(session: Session, ids: set[int | None]) -> dict[int | None, str]:
    wanted = [user_id for user_id in ids if user_id is not None]
    return dict(session.exec(select(User.id, User.display_name).where(col(User.id).in_(wanted))).all())


def _view_trial(row: GaugeTrial) -> TrialView:
    return TrialView(
        id=row.id,
        part_id=row.part_id,
        setup=row.setup,
        repeat_no=row.repeat_no,
        position=row.position,
        original_name=row.original_name,
        image_key=row.image_key,
        thumbnail_key=row.thumbnail_key,
        image_sha256=row.image_sha256,
        taken_at=row.taken_at,
        inspection_id=row.inspection_id,
        image_id=row.image_id,
        score=row.score,
        verdict=row.verdict,
        error_code=row.error_code,
        error_params=row.error_params,
    )
