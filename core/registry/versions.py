"""Model versions: which exist and which is active; the one place where one becomes active."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from core.access import ENGINEER, Person, require_role
from core.audit import record
from core.catalog.views import built_views
from core.errors import Conflict, NotFound, from_lower
from core.jobs.terms import changed_one
from core.models.judgment_words import reason_sentence
from core.models.judgments import reasons_of
from core.models.kinds import MANUAL_INDEX, MEMORY_BANK, SIMILARITY_INDEX, TRAINED_MODEL
from core.registry import retention
from core.services import Services
from core.transactions import HasDatabase, reading, writing
from inference.errors import InferenceError
from storage.object_store import ObjectStoreError
from storage.tables import ModelVersion, ThresholdSetting, utc_now

# The parts of what deployments build, by kind. A trained model, which runs bring, has one.
PARTS: dict[str, tuple[str, ...]] = {
    MEMORY_BANK: ("",),
    SIMILARITY_INDEX: ("normal", "defect", "region"),
    MANUAL_INDEX: ("",),
}
# Which images an index holds: "region" has the defect images again, each by its most anomalous place alone.
IMAGES_OF = {"normal": "normal", "defect": "defect", "region": "defect"}


def place_of(part: str, view: str = "") -> str:
    """Return what a version is among those of its kind and product: the part (see `PARTS`), and the view if it has one.

    Whatever takes a part takes this, too: `scope_of(7, "normal@ct")` is `scope_of(7, "normal", "ct")`.
    """
    return f"{part}@{view}" if view else part


def scope_of(product_id: int, part: str = "", view: str = "") -> str:
    """Return the scope of a version: the product, for an index the part (see `PARTS`), and the view if it has one."""
    own = place_of(part, view)
    return f"product:{product_id}:{own}" if own else f"product:{product_id}"


def part_of(version: ModelVersion) -> str:
    """Return which part of its product's model the version is; empty for a kind that has only one."""
    return version.scope.partition(":")[2].partition(":")[2].partition("@")[0]


def active_version(session: Session, kind: str, product_id: int, part: str = "", view: str = "") -> ModelVersion | None:
    """Return the version that inspects (a view of) the product now, or None."""
    key = f"{kind}:{scope_of(product_id, part, view)}"
    return session.exec(select(ModelVersion).where(ModelVersion.active_key == key)).first()


def find_active(session: Session, product_id: int, *kinds: str, view: str = "") -> dict[tuple[str, str], ModelVersion]:
    """Return the versions of these kinds that inspect (a view of) the product now, by kind and part: one statement.

    Manuals are those of the product: their index is found whatever the view.
    """
    keys = {
        f"{kind}:{scope_of(product_id, part, '' if kind == MANUAL_INDEX else view)}": (kind, part)
        for kind in kinds
        for part in PARTS.get(kind, ("",))
    }
    rows = session.exec(select(ModelVersion).where(col(ModelVersion.active_key).in_(list(keys)))).all()
    return {keys[row.active_key]: row for row in rows if row.active_key is not None}


def active_versions(session: Session, product_id: int) -> list[ModelVersion]:
    """Return the versions of every kind, view and part that inspect the product now, in the order of these."""
    kinds = {**PARTS, TRAINED_MODEL: ("",)}
    found = {view: find_active(session, product_id, *kinds, view=view) for view in _used_views(session, product_id)}
    wanted = [(view, kind, part) for kind, parts in kinds.items() for view in found for part in parts]
    active = [found[view][kind, part] for view, kind, part in wanted if (kind, part) in found[view]]
    return list({version.id: version for version in active}.values())  # an index of manuals is that of every view


def has_active_version(services: HasDatabase, kind: str, product_id: int) -> bool:
    """Return whether a version of this kind inspects the product, or one of its views, now."""
    with reading(services) as session:
        return any(find_active(session, product_id, kind, view=view) for view in _used_views(session, product_id))


def _used_views(session: Session, product_id: int) -> tuple[str, ...]:
    """Return the views that versions are looked for; what is of none is in use until the first one of a view is."""
    return tuple(dict.fromkeys((*built_views(session, product_id), "")))


def has_any_active(services: HasDatabase, kind: str) -> bool:
    """Return whether any product has a version of this kind in use."""
    query = select(ModelVersion.id).where(ModelVersion.kind == kind, ModelVersion.state == "active").limit(1)
    with reading(services) as session:
        return session.exec(query).first() is not None


def current_threshold(session: Session, version_id: int) -> ThresholdSetting:
    """Return the thresholds in force for a memory bank: the newest row. Raises NotFound."""
    row = session.exec(
        select(ThresholdSetting)
        .where(ThresholdSetting.model_version_id == version_id)
        .order_by(col(ThresholdSetting.id).desc())
        .limit(1)
    ).first()
    if row is None:
        raise NotFound("thresholds_missing")
    return row


def list_versions(services: HasDatabase, kind: str, product_id: int, *, view: str | None = None) -> list[ModelVersion]:
    """Return a product's versions of this kind, newest first; those of one view where it is given ("": of none)."""
    query = select(ModelVersion).where(ModelVersion.kind == kind, ModelVersion.product_id == product_id)
    if view is not None:
        query = query.where(ModelVersion.view == view)
    with reading(services) as session:
        return list(session.exec(query.order_by(col(ModelVersion.id).desc())).all())


def get_version(services: HasDatabase, version_id: int) -> ModelVersion:
    """Return the version. Raises NotFound."""
    with reading(services) as session:
        version = session.get(ModelVersion, version_id)
    if version is None:
        raise NotFound("not_found")
    return version


def find_previous(services: HasDatabase, version_id: int) -> ModelVersion:
    """Return what inspected before the version in use: where a roll-back leads.

    Raises NotFound, Conflict `version_not_in_use` for another version, `version_without_previous` where none is kept.
    """
    with reading(services) as session:
        version = session.get(ModelVersion, version_id)
        if version is None:
            raise NotFound("not_found")
        if version.active_key is None:
            raise Conflict("version_not_in_use", number=version.number)
        before = session.exec(
            select(ModelVersion)
            .where(
                ModelVersion.kind == version.kind,
                ModelVersion.scope == version.scope,
                ModelVersion.id != version.id,
                col(ModelVersion.object_prefix) != "",
                col(ModelVersion.activated_at).is_not(None),
            )
            .order_by(col(ModelVersion.activated_at).desc())
            .limit(1)
        ).first()
    if before is None:
        raise Conflict("version_without_previous", number=version.number)
    return before


def add_version(session: Session, version: ModelVersion) -> ModelVersion:
    """Add the version as a candidate, with the next number of its scope; return it."""
    last = session.exec(
        select(func.max(ModelVersion.number)).where(
            ModelVersion.kind == version.kind, ModelVersion.scope == version.scope
        )
    ).one()
    version.number = int(last or 0) + 1
    session.add(version)
    session.flush()
    return version


def make_active(session: Session, version: ModelVersion) -> ModelVersion | None:
    """Make this version the active one of its scope, in the caller's transaction; return the one that was active.

    Raises Conflict `version_not_kept` for a version whose files are gone.
    """
    key = f"{version.kind}:{version.scope}"
    before = session.exec(select(ModelVersion).where(ModelVersion.active_key == key)).first()
    if before is not None and before.id == version.id:
        return before
    session.execute(
        update(ModelVersion).where(col(ModelVersion.active_key) == key).values(active_key=None, state="retired")
    )
    _retire_other_cut(session, version)
    session.flush()
    # Names what it needs: the files of an old version may be on their way out at this moment.
    if not changed_one(
        session,
        update(ModelVersion)
        .where(col(ModelVersion.id) == version.id, col(ModelVersion.object_prefix) != "")
        .values(active_key=key, state="active", activated_at=utc_now()),
    ):
        raise Conflict("version_not_kept", number=version.number)
    session.refresh(version)
    return before


def find_viewless(session: Session, version: ModelVersion) -> list[int]:
    """Return the numbers of the versions of the whole product that this one, of a view, takes the place of."""
    if not version.view:
        return []
    query = select(ModelVersion.number).where(
        ModelVersion.kind == version.kind,
        ModelVersion.product_id == version.product_id,
        ModelVersion.view == "",
        col(ModelVersion.active_key).is_not(None),
    )
    return sorted(set(session.exec(query).all()))


def _retire_other_cut(session: Session, version: ModelVersion) -> None:
    """Take out of use what inspected the product before it had views, or while it had, and what waited for that."""
    if version.product_id is None or version.kind == MANUAL_INDEX:
        return
    session.execute(
        update(ModelVersion)
        .where(
            col(ModelVersion.kind) == version.kind,
            col(ModelVersion.product_id) == version.product_id,
            col(ModelVersion.state) != "retired",
            col(ModelVersion.view) == "" if version.view else col(ModelVersion.view) != "",
        )
        .values(active_key=None, state="retired")
    )


def retire(session: Session, version: ModelVersion) -> None:
    """Leave the scope without an active version, inside the caller's transaction: nothing is left to build it from."""
    session.execute(
        update(ModelVersion).where(col(ModelVersion.id) == version.id).values(active_key=None, state="retired")
    )


def activate(
    services: Services,
    person: Person,
    version_id: int,
    *,
    in_spite_of: Collection[str] = (),
    flips: Mapping[str, int] | None = None,
) -> ModelVersion:
    """Make a version whose bundle is there the active one (also: roll back). It is fetched and verified first.

    `in_spite_of` are the codes of the reasons that the person has seen against a candidate (`reasons_of`), and `flips`
    the counts of what would change where that was seen; both stand in the audit log. Raises NotAllowed, NotFound,
    Conflict `version_held_back` for a candidate with other reasons than these, `version_without_view` or
    `version_of_view` for one that is not of a view that the product has now, or the AppError of a bundle that is
    missing or damaged; the active version is untouched then.
    """
    require_role(services, person, ENGINEER)
    with reading(services) as session:
        version = session.get(ModelVersion, version_id)
        views = built_views(session, version.product_id or 0) if version is not None else ()
    if version is None:
        raise NotFound("not_found")
    if version.active_key is not None:
        raise Conflict("version_already_active")
    if not version.object_prefix:
        raise Conflict("version_not_kept", number=version.number)
    if version.kind != MANUAL_INDEX and version.view not in views:
        raise Conflict("version_without_view" if views[0] else "version_of_view", number=version.number)
    reasons = reasons_of(version.metrics) if version.state == "candidate" else ()
    if {found.code for found in reasons} - set(in_spite_of):
        said = " ".join(reason_sentence(found, person.language or "en") for found in reasons)
        raise Conflict("version_held_back", number=version.number, reasons=said)
    # From the object store, not from the copy that this machine may have of it: the other machines will fetch it, too.
    services.models.evict(version)
    try:
        services.models.verify(version)
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error) from error
    with writing(services) as session:
        fresh = session.get(ModelVersion, version_id)
        if fresh is None:
            raise NotFound("not_found")
        before = make_active(session, fresh)
        record(
            session,
            person,
            "version.activate",
            "model_version",
            version_id,
            kind=fresh.kind,
            number=fresh.number,
            instead_of=before.number if before else None,
            **({"overridden": [found.code for found in reasons]} if reasons else {}),
            **({"flips": dict(flips)} if flips is not None else {}),
        )
        session.commit()
    retention.expire_versions(services, fresh, person=person)
    return fresh
