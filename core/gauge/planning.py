"""Planning a study: making, changing and copying a plan, and starting it with its random orders."""

from __future__ import annotations

import random
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert
from sqlmodel import Session, col, select

from core.access import ENGINEER, require_role
from core.accounts.built_in import API_LOGIN_PREFIX, BUILT_IN_LOGINS
from core.audit import find_changes, record, stale_save
from core.catalog.views import choose_view
from core.errors import BadInput, Conflict, NotFound
from core.gauge.plans import check_plan
from core.gauge.records import PlannedAppraiser, PlannedPart, StudyPlan
from core.gauge.studies import SUBJECT, get_row, load_study
from core.gauge.terms import BY_EXPERT, DRAFT, REFERENCE_NAMES, RUNNING
from core.transactions import reading, writing
from storage.tables import GaugeAppraiser, GaugePart, GaugeRating, GaugeStudy, GaugeTrial, Product, User, utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.access import Person
    from core.services import Services

_SEEDS = 2**31 - 1


def list_appraiser_choices(services: Services, person: Person) -> list[PlannedAppraiser]:
    """Return everybody with an account who may rate, by name; the built-in accounts and API keys are nobody."""
    require_role(services, person, ENGINEER)
    query = select(User).where(
        col(User.is_active).is_(True),
        col(User.login).not_in(BUILT_IN_LOGINS),
        col(User.login).not_like(f"{API_LOGIN_PREFIX}%"),
    )
    with reading(services) as session:
        users = session.exec(query.order_by(User.display_name, User.login)).all()
    names = [user.display_name for user in users]
    return [
        PlannedAppraiser(
            user.display_name if names.count(user.display_name) == 1 else f"{user.display_name} ({user.login})", user.id
        )
        for user in users
    ]


def create_study(services: Services, person: Person, plan: StudyPlan) -> int:
    """Store a plan and return the number of the study.

    Raises as `check_plan`, NotFound for the product, `view_unknown`, and `view_not_said` for one with several views.
    """
    require_role(services, person, ENGINEER)
    checked = check_plan(plan)
    with writing(services) as session:
        study = GaugeStudy(
            **_columns(checked),
            product_id=checked.product_id,
            view=_settle_view(session, checked),
            # Not the clock, and not the program's own generator: the orders of two studies have nothing in common.
            seed=secrets.randbelow(_SEEDS),
            created_by=person.id,
        )
        session.add(study)
        session.flush()
        _add_members(session, study.id, checked)
        record(session, person, "gauge_study.created", SUBJECT, study.id, name=study.name, kind=study.kind)
        session.commit()
        return study.id


def update_plan(services: Services, person: Person, study_id: int, plan: StudyPlan, *, row_version: int) -> None:
    """Change a plan that has not been started. Raises as `check_plan`, NotFound, Conflict gauge_started, stale_save."""
    require_role(services, person, ENGINEER)
    checked = check_plan(plan)
    with writing(services) as session:
        study = get_row(session, study_id)
        _refuse_stale(session, study, row_version)
        _refuse_started(study)
        # The product of a study stays; of its views another one may be meant.
        view = _settle_view(session, replace(checked, product_id=study.product_id))
        values = {**_columns(checked), "view": view}
        changes = find_changes({name: getattr(study, name) for name in values}, values)
        for name, value in values.items():
            setattr(study, name, value)
        study.row_version += 1
        for table in (GaugePart, GaugeAppraiser):
            session.execute(delete(table).where(col(table.study_id) == study_id))
        _add_members(session, study_id, checked)
        record(
            session, person, "gauge_study.changed", SUBJECT, study_id, row_version=study.row_version, changes=changes
        )
        session.commit()


def copy_plan(services: Services, person: Person, study_id: int, *, name: str) -> int:
    """Plan the same study once more, under another name, and return its number; pictures and ratings come anew."""
    require_role(services, person, ENGINEER)
    study = load_study(services, study_id)
    return create_study(
        services, person, replace(read_plan(services, study_id), name=name, product_id=study.product.id)
    )


def read_plan(services: Services, study_id: int) -> StudyPlan:
    """Return the plan of a study. Raises NotFound."""
    study = load_study(services, study_id)
    return StudyPlan(
        product_id=study.product.id,
        name=study.name,
        purpose=study.purpose,
        kind=study.kind,
        n_repeats=study.n_repeats,
        one_picture=study.with_model and study.n_pictures == 1,
        with_model=study.with_model,
        setups=study.setups,
        parts=tuple(PlannedPart(one.name, one.reference, one.reference_source, one.sources) for one in study.parts),
        appraisers=tuple(PlannedAppraiser(one.name, one.user_id) for one in study.appraisers),
        view=study.view,
    )


def set_references(
    services: Services, person: Person, study_id: int, references: Mapping[int, str], *, row_version: int
) -> None:
    """Say what parts really are, by their id, while the study is not over; what a label said is replaced.

    Raises BadInput gauge_reference_unknown, NotFound, Conflict gauge_over, stale_save.
    """
    require_role(services, person, ENGINEER)
    with writing(services) as session:
        study = get_row(session, study_id)
        _refuse_stale(session, study, row_version)
        if study.state not in {DRAFT, RUNNING}:
            raise Conflict("gauge_over")
        rows = session.exec(select(GaugePart).where(GaugePart.study_id == study_id)).all()
        by_id = {row.id: row for row in rows}
        changes: dict[str, list[str]] = {}
        for part_id, reference in references.items():
            if part_id not in by_id:
                raise NotFound("not_found")
            row = by_id[part_id]
            if reference not in REFERENCE_NAMES:
                raise BadInput("gauge_reference_unknown", part=row.name)
            if row.reference != reference:
                changes[row.name] = [row.reference, reference]
                row.reference, row.reference_source = reference, BY_EXPERT if reference else ""
        if not changes:
            return
        study.row_version += 1
        record(
            session, person, "gauge_study.references", SUBJECT, study_id, row_version=study.row_version, changes=changes
        )
        session.commit()


def start_study(services: Services, person: Person, study_id: int, *, row_version: int) -> None:
    """Fix the plan, and the random order in which pictures are taken and people look.

    Raises NotFound, Conflict gauge_started, stale_save, and BadInput gauge_account_gone for a person who may not rate
    any more.
    """
    require_role(services, person, ENGINEER)
    with writing(services) as session:
        study = get_row(session, study_id)
        _refuse_stale(session, study, row_version)
        _refuse_started(study)
        parts = session.exec(select(GaugePart).where(GaugePart.study_id == study_id).order_by(col(GaugePart.place)))
        people = session.exec(
            select(GaugeAppraiser).where(GaugeAppraiser.study_id == study_id).order_by(col(GaugeAppraiser.place))
        ).all()
        part_ids = [part.id for part in parts.all()]
        for one in people:
            user = session.get(User, one.user_id) if one.user_id is not None else None
            if one.user_id is not None and (user is None or not user.is_active):
                raise BadInput("gauge_account_gone", name=one.name)
        generator = random.Random(study.seed)  # noqa: S311 - an order of looks, not a secret  # nosec B311
        session.execute(insert(GaugeTrial), _plan_trials(study, part_ids, generator))
        for one in people:
            session.execute(insert(GaugeRating), _plan_ratings(study, one, part_ids, generator))
        study.state, study.started_at = RUNNING, utc_now()
        study.row_version += 1
        record(session, person, "gauge_study.started", SUBJECT, study_id, row_version=study.row_version)
        session.commit()


def _settle_view(session: Session, plan: StudyPlan) -> str:
    product = session.get(Product, plan.product_id)
    if product is None:
        raise NotFound("not_found")
    return choose_view(session, product, plan.view)


def _columns(plan: StudyPlan) -> dict[str, Any]:
    return {
        "name": plan.name,
        "purpose": plan.purpose,
        "kind": plan.kind,
        "n_repeats": plan.n_repeats,
        "n_pictures": plan.n_pictures,
        "with_model": plan.with_model,
        "setups": list(plan.setups),
    }


def _add_members(session: Session, study_id: int, plan: StudyPlan) -> None:
    session.add_all(
        GaugePart(
            study_id=study_id,
            place=place,
            name=part.name,
            reference=part.reference,
            reference_source=(part.reference_source or BY_EXPERT) if part.reference else "",
            sources=part.sources,
        )
        for place, part in enumerate(plan.parts, start=1)
    )
    session.add_all(
        GaugeAppraiser(study_id=study_id, place=place, name=one.name, user_id=one.user_id)
        for place, one in enumerate(plan.appraisers, start=1)
    )


def _plan_trials(study: GaugeStudy, part_ids: Sequence[int], generator: random.Random) -> list[dict[str, Any]]:
    """Return the pictures: round by round, each setup takes all parts in an order of its own."""
    rows: list[dict[str, Any]] = []
    for repeat_no in range(1, study.n_pictures + 1):
        for setup in range(len(study.setups)):
            for part_id in generator.sample(part_ids, len(part_ids)):
                row = GaugeTrial(
                    study_id=study.id, part_id=part_id, setup=setup, repeat_no=repeat_no, position=len(rows) + 1
                )
                rows.append(row.model_dump(exclude={"id"}))
    return rows


def _plan_ratings(
    study: GaugeStudy, appraiser: GaugeAppraiser, part_ids: Sequence[int], generator: random.Random
) -> list[dict[str, Any]]:
    """Return the looks of one person: all parts in a new order each round, none twice in a row."""
    rows: list[dict[str, Any]] = []
    for repeat_no in range(1, study.n_repeats + 1):
        order = generator.sample(part_ids, len(part_ids))
        if rows and order[0] == rows[-1]["part_id"]:
            order.append(order.pop(0))
        for part_id in order:
            row = GaugeRating(
                study_id=study.id,
                appraiser_id=appraiser.id,
                part_id=part_id,
                repeat_no=repeat_no,
                position=len(rows) + 1,
            )
            rows.append(row.model_dump(exclude={"id"}))
    return rows


def _refuse_stale(session: Session, study: GaugeStudy, row_version: int) -> None:
    if study.row_version != row_version:
        raise stale_save(session, subject_type=SUBJECT, subject_id=study.id, row_version=row_version)


def _refuse_started(study: GaugeStudy) -> None:
    if study.state != DRAFT:
        raise Conflict("gauge_started")
