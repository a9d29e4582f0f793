"""Rating by people: blind, in a random order of each person's own, one part at a time, every look kept at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import case, update
from sqlmodel import Session, col, func, select

from core.access import WORKER, require_role
from core.accounts.bindings import require_bound_in
from core.catalog.names import ProductName
from core.errors import BadInput, Conflict, NotAllowed, NotFound, NotReady
from core.gauge.studies import get_row
from core.gauge.terms import RATINGS, RUNNING
from core.transactions import HasDatabase, reading, writing
from storage.tables import GaugeAppraiser, GaugePart, GaugeRating, GaugeStudy, GaugeTrial, Product, utc_now

if TYPE_CHECKING:
    from core.access import Person


@dataclass(frozen=True)
class RatingTask:
    """What waits for somebody: the looks of one appraiser of a running study. Without the study's other results."""

    study_id: int
    study_name: str
    product: ProductName
    appraiser_id: int
    appraiser_name: str
    by_name_alone: bool
    done: int
    total: int

    @property
    def is_done(self) -> bool:
        """Return whether all looks are done."""
        return self.done == self.total


@dataclass(frozen=True)
class Look:
    """The part that is to be looked at now. It tells neither which part it is nor what anybody said of it."""

    rating_id: int
    trial_id: int
    position: int


def list_tasks(services: HasDatabase, person: Person) -> list[RatingTask]:
    """Return the running studies that wait for this person, or for somebody by name alone at a shared screen.

    Those in which all parts have a picture; one query where there is none.
    """
    require_role(services, person, WORKER)
    query = (
        select(GaugeAppraiser, GaugeStudy, Product)
        .join(GaugeStudy, col(GaugeStudy.id) == col(GaugeAppraiser.study_id))
        .join(Product, col(Product.id) == col(GaugeStudy.product_id))
        .where(
            GaugeStudy.state == RUNNING,
            col(GaugeAppraiser.user_id).is_(None) | (col(GaugeAppraiser.user_id) == person.id),
        )
        .order_by(col(GaugeStudy.id), col(GaugeAppraiser.place))
    )
    with reading(services) as session:
        rows = session.exec(query).all()
        if not rows:
            return []
        counts = _count(session, [appraiser.id for appraiser, _study, _product in rows])
        ready = {study.id: _is_ready(session, study.id) for _appraiser, study, _product in rows}
    return [
        _describe(appraiser, study, product, counts) for appraiser, study, product in rows if ready.get(study.id, False)
    ]


def open_task(services: HasDatabase, person: Person, appraiser_id: int) -> RatingTask:
    """Return what is left to do of an appraiser.

    Raises NotFound, NotAllowed gauge_not_yours for somebody else's, Conflict gauge_not_running, NotReady
    gauge_pictures_missing while a part has no picture.
    """
    require_role(services, person, WORKER)
    with reading(services) as session:
        appraiser, study = _find(session, person, appraiser_id)
        product = session.get(Product, study.product_id)
        assert product is not None
        return _describe(appraiser, study, product, _count(session, [appraiser_id]))


def next_look(services: HasDatabase, person: Person, appraiser_id: int) -> Look | None:
    """Return the first look in the person's order that is not done, None when all are. Raises as `open_task`."""
    require_role(services, person, WORKER)
    with reading(services) as session:
        appraiser, study = _find(session, person, appraiser_id)
        rating = session.exec(
            select(GaugeRating)
            .where(GaugeRating.appraiser_id == appraiser_id, GaugeRating.verdict == "")
            .order_by(col(GaugeRating.position))
            .limit(1)
        ).first()
        if rating is None:
            return None
        return Look(rating.id, _choose_picture(session, study, appraiser, rating), rating.position)


def rate(services: HasDatabase, person: Person, appraiser_id: int, look: Look, verdict: str) -> None:
    """Keep what the person says of the part: "ok" or "reject". What was said already stays: the first press counts.

    Raises BadInput gauge_rating_unknown, and as `open_task`.
    """
    require_role(services, person, WORKER)
    if verdict not in RATINGS:
        raise BadInput("gauge_rating_unknown")
    with writing(services) as session:
        _find(session, person, appraiser_id)
        session.execute(
            update(GaugeRating)
            .where(
                col(GaugeRating.id) == look.rating_id,
                col(GaugeRating.appraiser_id) == appraiser_id,
                col(GaugeRating.verdict) == "",
            )
            .values(verdict=verdict, trial_id=look.trial_id, rated_at=utc_now(), rated_by=person.id)
        )
        session.commit()


def take_back(services: HasDatabase, person: Person, appraiser_id: int) -> bool:
    """Take the last look back, so that it comes again; return whether there was one. Raises as `open_task`."""
    require_role(services, person, WORKER)
    with writing(services) as session:
        _find(session, person, appraiser_id)
        last = session.exec(
            select(GaugeRating)
            .where(GaugeRating.appraiser_id == appraiser_id, GaugeRating.verdict != "")
            .order_by(col(GaugeRating.position).desc())
            .limit(1)
        ).first()
        if last is None:
            return False
        last.verdict, last.rated_at, last.rated_by, last.trial_id = "", None, None, None
        session.commit()
        return True


def _find(session: Session, person: Person, appraiser_id: int) -> tuple[GaugeAppraiser, GaugeStudy]:
    appraiser = session.get(GaugeAppraiser, appraiser_id)
    if appraiser is None:
        raise NotFound("not_found")
    study = get_row(session, appraiser.study_id)
    require_bound_in(session, person, product_id=study.product_id)
    if appraiser.user_id not in {None, person.id}:
        raise NotAllowed("gauge_not_yours", name=appraiser.name)
    if study.state != RUNNING:
        raise Conflict("gauge_not_running")
    if not _is_ready(session, study.id):
        raise NotReady("gauge_pictures_missing")
    return appraiser, study


def _is_ready(session: Session, study_id: int) -> bool:
    """Return whether all parts have a picture: an order with gaps would not be the random one."""
    pictured = select(GaugeTrial.part_id).where(GaugeTrial.study_id == study_id, GaugeTrial.image_key != "")
    bare = select(GaugePart.id).where(GaugePart.study_id == study_id, col(GaugePart.id).not_in(pictured))
    return session.exec(bare.limit(1)).first() is None


def _choose_picture(session: Session, study: GaugeStudy, appraiser: GaugeAppraiser, rating: GaugeRating) -> int:
    """Return a picture of the part: another one at each repeat, and the setups in turn from person to person."""
    pictures = session.exec(
        select(GaugeTrial.id, GaugeTrial.setup, GaugeTrial.repeat_no)
        .where(GaugeTrial.part_id == rating.part_id, GaugeTrial.image_key != "")
        .order_by(col(GaugeTrial.setup), col(GaugeTrial.repeat_no))
    ).all()
    setup = (appraiser.place - 1) % max(1, len(study.setups))
    exact = [number for number, at, repeat in pictures if (at, repeat) == (setup, rating.repeat_no)]
    return exact[0] if exact else pictures[(rating.repeat_no - 1) % len(pictures)][0]


def _count(session: Session, appraiser_ids: list[int]) -> dict[int, tuple[int, int]]:
    query = (
        select(GaugeRating.appraiser_id, func.sum(case((col(GaugeRating.verdict) != "", 1), else_=0)), func.count())
        .where(col(GaugeRating.appraiser_id).in_(appraiser_ids))
        .group_by(col(GaugeRating.appraiser_id))
    )
    return {appraiser_id: (int(done), total) for appraiser_id, done, total in session.exec(query).all()}


def _describe(
    appraiser: GaugeAppraiser, study: GaugeStudy, product: Product, counts: dict[int, tuple[int, int]]
) -> RatingTask:
    done, total = counts.get(appraiser.id, (0, 0))
    return RatingTask(
        study_id=study.id,
        study_name=study.name,
        product=ProductName.from_row(product),
        appraiser_id=appraiser.id,
        appraiser_name=appraiser.name,
        by_name_alone=appraiser.user_id is None,
        done=done,
        total=total,
    )
