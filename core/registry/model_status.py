"""Whether the models of the products are up to date, and what has changed since they were built."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from core.catalog.views import read_views_of
from core.images.outliers import KEPT
from core.images.training import of_view
from core.models.kinds import MANUAL_INDEX, MEMORY_BANK
from core.models.recognition import engine_stamp
from core.models.sources import BankSources, IndexSources, ManualSources, read_sources
from core.registry import retention
from core.registry.fingerprints import fingerprints
from core.registry.index_examples import confirmed_inspections
from core.registry.lineage import cut_by_another_bank
from core.registry.manual_fingerprints import manual_fingerprints
from core.registry.versions import IMAGES_OF, PARTS, part_of, place_of, scope_of
from core.services import Services
from core.transactions import reading
from storage.tables import Image, Manual, ModelVersion, Product


@dataclass(frozen=True)
class ModelState:
    """Whether a product's model is `current`, `out_of_date` or `none`, and the counts of what changed since.

    `built` is a newer version that was built from just what there is now and is kept, but not in use, because
    something speaks against it: to build once more would only give the same again. Of a product with views `views` are
    the states of each, by code, and the others sum them up.
    """

    state: str
    active: ModelVersion | None
    changes: dict[str, int] = field(default_factory=dict)
    built: ModelVersion | None = None
    views: Mapping[str, ModelState] = field(default_factory=dict)


def model_states(services: Services, *, with_changes: bool = True) -> dict[tuple[str, int], ModelState]:
    """Return the state of every active product's models, in a handful of queries.

    Without `with_changes`, which costs some more for each model that is out of date, it is the same handful for any
    number of them.
    """
    # A model is built from all lines: of one line alone it would be out of date.
    with reading(services, every_line=True) as session:
        settings = services.settings
        ocr = engine_stamp(settings)
        now = fingerprints(session) | manual_fingerprints(session, settings.weights_dir, ocr=ocr)
        active = session.exec(select(ModelVersion).where(col(ModelVersion.active_key).is_not(None))).all()
        products = session.exec(select(Product.id).where(col(Product.is_active).is_(True))).all()
        by_part = {(version.kind, version.scope): version for version in active}
        found = _Found(session, now, by_part, _newest_builds(session, now, by_part), with_changes)
        views = read_views_of(session, products)
        return {
            (kind, product_id): _sum_up(
                found,
                kind,
                product_id,
                {view.code: _state(found, kind, product_id, parts, view.code) for view in views[product_id]},
            )
            if product_id in views and kind != MANUAL_INDEX
            else _state(found, kind, product_id, parts)
            for product_id in products
            for kind, parts in PARTS.items()
        }


@dataclass(frozen=True)
class _Found:
    """What the states are told from: the fingerprints of now, the versions in use, and the newest builds of now."""

    session: Session
    now: dict[tuple[str, int, str], str]
    by_part: dict[tuple[str, str], ModelVersion]
    builds: dict[tuple[str, str], ModelVersion]
    with_changes: bool


def _sum_up(found: _Found, kind: str, product_id: int, views: dict[str, ModelState]) -> ModelState:
    """Return the state of a product with views: current where every view that something can be built of is."""
    # What inspected before there were views does so until the first view has a model.
    before = [
        version
        for part in PARTS[kind]
        if (version := found.by_part.get((kind, scope_of(product_id, part)))) is not None
    ]
    wanted = {
        code for code in views if any((kind, product_id, place_of(part, code)) in found.now for part in PARTS[kind])
    }
    used = [state for code, state in views.items() if code in wanted or state.active is not None]
    active = [*(state.active for state in used if state.active is not None), *before]
    newest = max(active, key=lambda version: version.id, default=None)
    built = [state.built for state in used if state.state != "current"]
    waits = built[0] if built and all(built) else None
    if newest is None:
        return ModelState("none", None, built=waits, views=views)
    if used and not before and all(state.state == "current" for state in used):
        return ModelState("current", newest, views=views)
    changes: dict[str, int] = defaultdict(int)
    for state in used:
        for name, count in state.changes.items():
            changes[name] += count
    return ModelState("out_of_date", newest, dict(changes), waits, views)


def _state(found: _Found, kind: str, product_id: int, parts: tuple[str, ...], view: str = "") -> ModelState:
    newest: ModelVersion | None = None
    stale: list[ModelVersion] = []
    missing = bank_changed = False
    for part in parts:
        version = found.by_part.get((kind, scope_of(product_id, part, view)))
        wanted = found.now.get((kind, product_id, place_of(part, view)))
        if version is None:
            missing = missing or wanted is not None
            continue
        newest = version if newest is None or version.id > newest.id else newest
        if version.fingerprint != wanted:
            stale.append(version)
        elif part == "region" and cut_by_another_bank(
            version, found.by_part.get((MEMORY_BANK, scope_of(product_id, view=view)))
        ):
            bank_changed = True
    if newest is None:
        return ModelState("none", None, built=_kept_build(found, kind, scope_of(product_id, view=view)))
    if not stale and not missing and not bank_changed:
        return ModelState("current", newest)
    changes: dict[str, int] = defaultdict(int)
    if bank_changed:
        changes["bank"] = 1
    for version in stale if found.with_changes else ():
        if part_of(version) == "region" and len(stale) > 1:
            continue  # the same images again
        for name, count in _changes(found.session, version, product_id).items():
            changes[name] += count
    built = None if missing or bank_changed else _built_already(found, stale)
    return ModelState("out_of_date", newest, dict(changes), built)


def _built_already(found: _Found, stale: list[ModelVersion]) -> ModelVersion | None:
    """Return the newer version that waits in the place of a single stale one; several parts are used together."""
    if len(stale) != 1:
        return None
    (version,) = stale
    return _kept_build(found, version.kind, version.scope, after=version.number)


def _kept_build(found: _Found, kind: str, scope: str, *, after: int = 0) -> ModelVersion | None:
    """Return the newest version that was built from what there is now, if it is kept and its number above `after`."""
    row = found.builds.get((kind, scope))
    return row if row is not None and row.number > after and retention.is_kept(row) else None


def _newest_builds(
    session: Session, now: dict[tuple[str, int, str], str], by_part: dict[tuple[str, str], ModelVersion]
) -> dict[tuple[str, str], ModelVersion]:
    """Return the newest version of each scope that was built from just what there is now, where none such is in use."""
    wanted = {(kind, scope_of(product_id, part)): text for (kind, product_id, part), text in now.items()}
    wanted = {key: text for key, text in wanted.items() if key not in by_part or by_part[key].fingerprint != text}
    rows = session.exec(
        select(ModelVersion).where(col(ModelVersion.fingerprint).in_(wanted.values())).order_by(col(ModelVersion.id))
    ).all()
    return {(row.kind, row.scope): row for row in rows if wanted.get((row.kind, row.scope)) == row.fingerprint}


def _changes(session: Session, version: ModelVersion, product_id: int) -> dict[str, int]:
    """Return how many training images, or manuals, were added and removed since the version was built.

    `kept` are those that it set apart and a person kept as really good.
    """
    sources = read_sources(version.kind, version.sources)
    if isinstance(sources, ManualSources):
        manuals = set(session.exec(select(Manual.id).where(Manual.product_id == product_id)).all())
        indexed = {*sources.manual_ids, *sources.unread_manual_ids}
        return {"added": len(manuals - indexed), "removed": len(indexed - manuals)}
    query = select(Image.id).where(Image.product_id == product_id, Image.split == "train", *of_view(version.view))
    part = part_of(version)
    if part:
        query = query.where(Image.image_type == IMAGES_OF[part])
    now = {int(image_id) for image_id in session.exec(query).all() if image_id is not None}
    changes = {"added": len(now - sources.image_ids), "removed": len(sources.image_ids - now)}
    if isinstance(sources, BankSources) and sources.set_apart:
        kept = select(Image.id).where(Image.product_id == product_id, Image.outlier_state == KEPT)
        changes["kept"] = len(set(sources.set_apart) & set(session.exec(kept).all()))
    if isinstance(sources, IndexSources) and IMAGES_OF.get(part) == "defect":
        confirmed = {row.id for row in confirmed_inspections(session, product_id, version.view)}
        changes["confirmed"] = len(confirmed - set(sources.inspection_ids))
    return changes
