"""Model versions: which exist, which is active, which is out of date; the one place where one becomes active."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, update
from sqlalchemy import select as sqlalchemy_select
from sqlmodel import Session, col, select

from core import retention
from core.accounts import Person
from core.audit import record
from core.errors import Conflict, NotFound
from core.index_examples import confirmation_stamps, confirmed_inspections
from core.job_terms import MANUAL_INDEX, MEMORY_BANK, SIMILARITY_INDEX, changed_one
from core.manual_fingerprints import manual_fingerprints
from core.model_catalog import DETECTION, SIMILARITY, chosen
from core.roles import ENGINEER, require_role
from core.services import Services
from core.transactions import reading, writing
from storage.tables import Image, ImagePreprocessing, Manual, ModelVersion, Product, ThresholdSetting, utc_now

# Part of every fingerprint: raise it when a change of our own code makes older builds out of date.
BUILD_REVISION = 2
PARTS: dict[str, tuple[str, ...]] = {
    MEMORY_BANK: ("",),
    SIMILARITY_INDEX: ("normal", "defect", "region"),
    MANUAL_INDEX: ("",),
}
# Which images an index holds: "region" has the defect images again, each by its most anomalous place alone.
IMAGES_OF = {"normal": "normal", "defect": "defect", "region": "defect"}


@dataclass(frozen=True)
class ModelState:
    """Whether a product's model is `current`, `out_of_date` or `none`, and the counts of what changed since.

    `built` is a newer version that was built from just what there is now and is kept, but not in use, as one that
    measured worse: to build once more would only give the same again.
    """

    state: str
    active: ModelVersion | None
    changes: dict[str, int] = field(default_factory=dict)
    built: ModelVersion | None = None


def scope_of(product_id: int, part: str = "") -> str:
    """The scope of a version: the product, and for an index the images it holds (`normal` or `defect`)."""
    return f"product:{product_id}:{part}" if part else f"product:{product_id}"


def active_version(session: Session, kind: str, product_id: int, part: str = "") -> ModelVersion | None:
    """The version that inspects now, or None."""
    key = f"{kind}:{scope_of(product_id, part)}"
    return session.exec(select(ModelVersion).where(ModelVersion.active_key == key)).first()


def current_threshold(session: Session, version_id: int) -> ThresholdSetting:
    """The thresholds in force for a memory bank: the newest row. Raises NotFound."""
    row = session.exec(
        select(ThresholdSetting)
        .where(ThresholdSetting.model_version_id == version_id)
        .order_by(col(ThresholdSetting.id).desc())
        .limit(1)
    ).first()
    if row is None:
        raise NotFound("thresholds_missing")
    return row


def list_versions(services: Services, kind: str, product_id: int) -> list[ModelVersion]:
    """A product's versions of this kind, newest first."""
    with reading(services) as session:
        return list(
            session.exec(
                select(ModelVersion)
                .where(ModelVersion.kind == kind, ModelVersion.product_id == product_id)
                .order_by(col(ModelVersion.id).desc())
            ).all()
        )


def add_version(session: Session, version: ModelVersion) -> ModelVersion:
    """Give the version the next number of its scope and add it as a candidate."""
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
    """Flip the scope to this version inside the caller's transaction; answers the version that was active.

    Raises Conflict `version_not_kept` for a version whose files are gone.
    """
    key = f"{version.kind}:{version.scope}"
    before = session.exec(select(ModelVersion).where(ModelVersion.active_key == key)).first()
    if before is not None and before.id == version.id:
        return before
    session.execute(
        update(ModelVersion).where(col(ModelVersion.active_key) == key).values(active_key=None, state="retired")
    )
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


def retire(session: Session, version: ModelVersion) -> None:
    """Let the scope have no active version, inside the caller's transaction: there is nothing left to build it from."""
    session.execute(
        update(ModelVersion).where(col(ModelVersion.id) == version.id).values(active_key=None, state="retired")
    )


def activate(services: Services, person: Person, version_id: int) -> ModelVersion:
    """Make a kept version the active one (also: roll back). The bundle is fetched and verified first.

    Raises NotAllowed, NotFound, or the AppError of a bundle that is missing or damaged; the active version is
    untouched then.
    """
    from core.errors import from_lower
    from inference.errors import InferenceError
    from storage.objects import ObjectStoreError

    require_role(person.role, ENGINEER)
    with reading(services) as session:
        version = session.get(ModelVersion, version_id)
    if version is None:
        raise NotFound("not_found")
    if version.active_key is not None:
        raise Conflict("version_already_active")
    if not version.object_prefix:
        raise Conflict("version_not_kept", number=version.number)
    # From the object store, not from the copy that this machine may have of it: the other machines will fetch it, too.
    services.models.forget(version)
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
        )
        session.commit()
    retention.expire_versions(services, fresh, person=person)
    return fresh


# --- out of date -----------------------------------------------------------------------------------------------------


def _image_stamps(session: Session, product_ids: list[int] | None) -> dict[int, dict[str, list[Any]]]:
    """Per product and `type/split`: count, sum of ids and last change. One query, however many images there are."""
    # SQLModel's select is typed for four columns at most.
    query = sqlalchemy_select(
        col(Image.product_id),
        col(Image.image_type),
        col(Image.split),
        func.count(),
        func.sum(col(Image.id)),
        func.max(col(Image.updated_at)),
    ).group_by(col(Image.product_id), col(Image.image_type), col(Image.split))
    if product_ids is not None:
        query = query.where(col(Image.product_id).in_(product_ids))
    stamps: dict[int, dict[str, list[Any]]] = defaultdict(dict)
    for product_id, image_type, split, count, id_sum, changed_at in session.execute(query).all():
        stamps[product_id][f"{image_type}/{split}"] = [int(count), int(id_sum or 0), changed_at.isoformat()]
    return stamps


def fingerprints(session: Session, product_ids: list[int] | None = None) -> dict[tuple[str, int, str], str]:
    """What a build of (kind, product, part) would be made from now, as a hash: images, preprocessing, model.

    Images are stamped by count, ids and last change, so it costs one grouped query and not a look at each image.
    """
    detection, similarity = chosen(session, DETECTION), chosen(session, SIMILARITY)
    preprocessing = {row.product_id: row.options for row in session.exec(select(ImagePreprocessing)).all()}
    banks = set(
        session.exec(
            select(ModelVersion.product_id).where(
                ModelVersion.kind == MEMORY_BANK, col(ModelVersion.active_key).is_not(None)
            )
        ).all()
    )
    confirmed = confirmation_stamps(session, product_ids)
    found: dict[tuple[str, int, str], str] = {}
    for product_id, stamps in _image_stamps(session, product_ids).items():
        training = [stamps.get("normal/train"), stamps.get("defect/train")]
        bank = [detection.option.name, detection.options, preprocessing.get(product_id, {}), training]
        found[(MEMORY_BANK, product_id, "")] = _digest(bank)
        for part in PARTS[SIMILARITY_INDEX]:
            stamp = stamps.get(f"{IMAGES_OF[part]}/train")
            # What people confirmed counts at the next deployment.
            inspected = [confirmed[product_id]] if IMAGES_OF[part] == "defect" and product_id in confirmed else []
            if stamp or inspected:
                # Without a memory bank nothing says where the defects are: its first one changes that.
                seen = [product_id in banks] if part == "region" else []
                made_of = [similarity.option.name, part, stamp, *seen, *inspected]
                found[(SIMILARITY_INDEX, product_id, part)] = _digest(made_of)
    return found


def note_bank(part: str, bank: ModelVersion | None) -> dict[str, Any]:
    """What the sources of an index say of the memory bank that found its defective places; nothing for other parts."""
    return {"bank_version_id": bank.id} if part == "region" and bank is not None else {}


def cut_by_another_bank(index: ModelVersion, bank: ModelVersion | None) -> bool:
    """Whether the defective places of this index were found by another memory bank than the one in use."""
    found_by = index.sources.get("bank_version_id")
    return found_by is not None and bank is not None and found_by != bank.id


def regions_stale(services: Services, product_id: int) -> bool:
    """Whether the product's index of defective places was made with another memory bank than the one in use."""
    with reading(services) as session:
        region = active_version(session, SIMILARITY_INDEX, product_id, "region")
        bank = active_version(session, MEMORY_BANK, product_id)
    return region is not None and cut_by_another_bank(region, bank)


def _digest(value: Any) -> str:
    text = json.dumps([BUILD_REVISION, value], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def model_states(services: Services) -> dict[tuple[str, int], ModelState]:
    """The state of every active product's models, in a handful of queries."""
    with reading(services) as session:
        now = fingerprints(session) | manual_fingerprints(session, services.settings.weights_dir)
        active = session.exec(select(ModelVersion).where(col(ModelVersion.active_key).is_not(None))).all()
        products = session.exec(select(Product.id).where(col(Product.is_active).is_(True))).all()
        by_part = {(version.kind, version.scope): version for version in active}
        states: dict[tuple[str, int], ModelState] = {}
        for product_id in products:
            assert product_id is not None
            for kind, parts in PARTS.items():
                states[(kind, product_id)] = _state(session, kind, product_id, parts, by_part, now)
        return states


def _state(
    session: Session,
    kind: str,
    product_id: int,
    parts: tuple[str, ...],
    by_part: dict[tuple[str, str], ModelVersion],
    now: dict[tuple[str, int, str], str],
) -> ModelState:
    newest: ModelVersion | None = None
    stale: list[ModelVersion] = []
    missing = bank_changed = False
    for part in parts:
        version = by_part.get((kind, scope_of(product_id, part)))
        wanted = now.get((kind, product_id, part))
        if version is None:
            missing = missing or wanted is not None
            continue
        newest = version if newest is None or (version.id or 0) > (newest.id or 0) else newest
        if version.fingerprint != wanted:
            stale.append(version)
        elif part == "region" and cut_by_another_bank(version, by_part.get((MEMORY_BANK, scope_of(product_id)))):
            bank_changed = True
    if newest is None:
        return ModelState("none", None)
    if not stale and not missing and not bank_changed:
        return ModelState("current", newest)
    changes: dict[str, int] = defaultdict(int)
    if bank_changed:
        changes["bank"] = 1
    for version in stale:
        if version.scope.endswith(":region") and len(stale) > 1:
            continue  # the same images again
        for name, count in _changes(session, version, product_id).items():
            changes[name] += count
    built = None if missing or bank_changed else _built_already(session, stale, now)
    return ModelState("out_of_date", newest, dict(changes), built)


def _built_already(
    session: Session, stale: list[ModelVersion], now: dict[tuple[str, int, str], str]
) -> ModelVersion | None:
    """The newer version that waits in the place of a single stale one; several parts are built and used together."""
    if len(stale) != 1:
        return None
    (version,) = stale
    product_id, part = version.product_id or 0, version.scope.partition(":")[2].partition(":")[2]
    row = session.exec(
        select(ModelVersion)
        .where(ModelVersion.kind == version.kind, ModelVersion.scope == version.scope)
        .where(ModelVersion.number > version.number)
        .where(ModelVersion.fingerprint == now.get((version.kind, product_id, part)))
        .order_by(col(ModelVersion.id).desc())
        .limit(1)
    ).first()
    return row if row is not None and retention.is_kept(row) else None


def _changes(session: Session, version: ModelVersion, product_id: int) -> dict[str, int]:
    """How many training images, or manuals, were added and removed since the version was built."""
    if version.kind == MANUAL_INDEX:
        manuals = set(session.exec(select(Manual.id).where(Manual.product_id == product_id)).all())
        indexed = set(version.sources.get("manual_ids", [])) | set(version.sources.get("unread_manual_ids", []))
        return {"added": len(manuals - indexed), "removed": len(indexed - manuals)}
    built_from = {int(image_id) for ids in version.sources.get("image_ids", {}).values() for image_id in ids}
    query = select(Image.id).where(Image.product_id == product_id, Image.split == "train")
    part = version.scope.split(":")[2] if version.scope.count(":") == 2 else None
    if part is not None:
        query = query.where(Image.image_type == IMAGES_OF[part])
    now = {int(image_id) for image_id in session.exec(query).all() if image_id is not None}
    changes = {"added": len(now - built_from), "removed": len(built_from - now)}
    if part is not None and IMAGES_OF[part] == "defect":
        confirmed = {row.id for row in confirmed_inspections(session, product_id)}
        known = {int(found) for found in version.sources.get("inspection_ids", [])}
        changes["confirmed"] = len(confirmed - known)
    return changes
