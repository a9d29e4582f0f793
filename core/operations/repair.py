"""Repairing rows and objects: back from the trash, thumbnails made again, orphans in the trash, counts counted again.

No row is ever deleted: what stays missing may still be on a backup. Every step is whole in itself, so a repair that is
killed is gone on with by the next one; what an application does meanwhile is younger than anything that is touched.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.access import ADMIN, require_role
from core.errors import AppError, from_lower
from core.images.bit_depth import find_bit_depth, read_bit_depth
from core.images.placement.moving import follow_labels
from core.named_objects import NamedObject
from core.operations.counts import check_counts
from core.operations.damaged_objects import DamagedObject, Expected, find_damaged, has_content, read_expected
from core.operations.orphans import are_too_many, clean_up, list_orphans, original_key, require_collectable
from core.operations.stored_objects import Stock, find_missing, take_stock
from core.rollups.rebuilding import ensure_counts, rebuild_counts
from core.transactions import reading
from inference.errors import ImageError
from inference.vision.images.bit_depth import BY_IMAGE, Reading
from storage.object_store import ObjectInfo, ObjectStore, ObjectStoreError
from storage.tables import GaugeStudy, GaugeTrial, Image, Inspection, InspectionView, TrashedImage

if TYPE_CHECKING:
    from core.access import Person
    from core.transactions import HasStores

logger = logging.getLogger(__name__)

# The columns of thumbnails, and where the picture is that each is made from.
_SOURCES = {
    ("images", "thumbnail_key"): "object_key",
    ("trashed_images", "thumbnail_key"): "object_key",
    ("inspections", "thumbnail_key"): "image_key",
    ("inspection_views", "thumbnail_key"): "image_key",
    ("gauge_trials", "thumbnail_key"): "image_key",
}
# How many orphans of how many objects would go: may they?
Ask = Callable[[int, int], bool]


@dataclass
class Repair:
    """What was found and done. `held` is why no object was touched; `orphans` are those found, `missing` what is left.

    `damaged` is what is there, is not what its row says, and could not be mended. `recounted` says that inspections
    were counted anew; `moved` images lay in the folder of an earlier label.
    """

    orphans: list[ObjectInfo] = field(default_factory=list)
    missing: list[NamedObject] = field(default_factory=list)
    damaged: list[DamagedObject] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    remade: list[str] = field(default_factory=list)
    trashed: int = 0
    refused: bool = False
    held: AppError | None = None
    recounted: bool = False
    moved: int = 0


def repair(services: HasStores, person: Person, *, ask: Ask, thorough: bool = False) -> Repair:
    """Mend what can be mended; `ask` is asked before more orphans go than would go by themselves.

    With `thorough` every object whose row keeps a hash is read and compared with it, and every thumbnail is decoded.
    Needs an administrator. Raises AppError when a store fails.
    """
    require_role(services, person, ADMIN)
    recounted = _count_anew(services)
    stock = take_stock(services)
    missing = find_missing(services, stock)
    expected = read_expected(services)
    damaged = find_damaged(services, stock, expected, thorough=thorough)
    done = Repair(orphans=list_orphans(stock), missing=missing, damaged=damaged, recounted=recounted)
    try:
        require_collectable(services, stock)
    except AppError as error:
        done.held = error
        return done
    if missing or damaged:
        done.restored = _restore(services.objects, missing, stock.trash)
        done.restored += _replace(services.objects, missing, damaged, expected, stock, done.restored)
        if done.restored:
            stock = take_stock(services)
            missing = find_missing(services, stock)
        broken = [one.named for one in damaged if one.why == "picture"]
        done.remade = _remake_thumbnails(services, [*missing, *broken], stock.named)
        mended = {*done.remade, *done.restored}
        done.missing = [one for one in missing if one.key not in mended]
        done.damaged = [one for one in damaged if one.named.key not in mended]
    done.moved = follow_labels(services, person)
    if done.orphans:
        if are_too_many(stock, done.orphans) and not ask(len(done.orphans), len(stock.objects)):
            done.refused = True
        else:
            done.trashed = clean_up(services, person, stock=stock)
    return done


def _replace(
    objects: ObjectStore,
    missing: list[NamedObject],
    damaged: list[DamagedObject],
    expected: list[Expected],
    stock: Stock,
    restored: list[str],
) -> list[str]:
    """Put right content in the place of missing and damaged objects whose hash is known; return the keys.

    It comes from the trash, or from another row's object with the same hash: the picture of an inspection that became
    an image is stored twice. Whatever is taken is read first.
    """
    absent = {one.key for one in missing} - set(restored)
    wanted = {one.named.key: one.sha256 for one in expected if one.sha256 and one.named.key in absent}
    wanted |= {one.named.key: one.expected.sha256 for one in damaged if one.expected and one.expected.sha256}
    copies: dict[str, list[str]] = {}
    for key in sorted(stock.trash, reverse=True):
        copies.setdefault(original_key(key), []).append(key)
    twins: dict[str, list[str]] = {}
    for one in expected:
        twins.setdefault(one.sha256, []).append(one.named.key)
    replaced = []
    for key, sha256 in wanted.items():
        sources = [*copies.get(key, []), *(twin for twin in twins.get(sha256, []) if twin != key)]
        try:
            source = next((source for source in sources if has_content(objects, source, sha256)), None)
            if source is not None:
                # Out of the trash for good: what a row names is never deleted there.
                (objects.move if source in stock.trash else objects.copy)(source, key)
                replaced.append(key)
        except ObjectStoreError as error:
            raise from_lower(error) from error
    return replaced


def _count_anew(services: HasStores) -> bool:
    """Count inspections again where they are not all counted, or not as they are; return whether that was so."""
    if ensure_counts(services):
        return True
    ok, _code, _params = check_counts(services, thorough=True)
    if not ok:
        rebuild_counts(services)
    return not ok


def _restore(objects: ObjectStore, missing: list[NamedObject], trash: dict[str, ObjectInfo]) -> list[str]:
    """Bring back what lies in the trash, the newest where there are several; return the keys."""
    # In the order of their keys, that is of their days: the last one stays.
    newest = {original_key(key): key for key in sorted(trash)}
    wanted = {one.key for one in missing}
    restored = []
    for key, trashed in newest.items():
        if not key or not (key in wanted or f"{key.rpartition('/')[0]}/" in wanted):
            continue
        try:
            if not objects.exists(key):
                objects.move(trashed, key)
                restored.append(key)
        except ObjectStoreError as error:
            raise from_lower(error) from error
    return restored


def _remake_thumbnails(services: HasStores, missing: list[NamedObject], named: list[NamedObject]) -> list[str]:
    """Make thumbnails again from their pictures, where those are there; return the keys."""
    from inference.vision.images.decode import decode
    from inference.vision.images.encoding import thumbnail

    wanted = {(one.table, one.row_id): one for one in missing if (one.table, one.column) in _SOURCES}
    pictures = set(_SOURCES.values())
    sources = {
        (one.table, one.row_id): one.key
        for one in named
        if one.column in pictures and (one.table, one.row_id) in wanted and (one.table, "thumbnail_key") in _SOURCES
    }
    depths = _find_depths(services, wanted)
    objects, remade = services.objects, []
    for place, source in sources.items():
        key = wanted[place].key
        try:
            pixels = decode(objects.get(source), bit_depth=depths.get(place, BY_IMAGE)).pixels
            objects.put(key, thumbnail(pixels), content_type="image/jpeg")
        except (ObjectStoreError, ImageError) as error:
            logger.warning("%s: no thumbnail can be made again: %s", wanted[place].name, error)
        else:
            remade.append(key)
    return remade


def _find_depths(services: HasStores, places: Collection[tuple[str, int]]) -> dict[tuple[str, int], Reading]:
    """Return the bit depth that each image and inspection, by (table, id), is read with."""
    found: dict[tuple[str, int], Reading] = {}
    with reading(services) as session:
        for table, row_id in places:
            if table == "images" and (image := session.get(Image, row_id)) is not None:
                found[(table, row_id)] = find_bit_depth(session, image.product_id, image.view)
            elif table == "trashed_images" and (trashed := session.get(TrashedImage, row_id)) is not None:
                found[(table, row_id)] = find_bit_depth(session, trashed.product_id)
            elif table == "inspections" and (inspection := session.get(Inspection, row_id)) is not None:
                found[(table, row_id)] = read_bit_depth(inspection.preprocessing)
            elif table == "inspection_views" and (view := session.get(InspectionView, row_id)) is not None:
                found[(table, row_id)] = read_bit_depth(view.preprocessing)
            elif table == "gauge_trials" and (trial := session.get(GaugeTrial, row_id)) is not None:
                study = session.get_one(GaugeStudy, trial.study_id)
                found[(table, row_id)] = find_bit_depth(session, study.product_id)
    return found
