"""What lies in the object store beside what the rows name: one pass over the store, one query a column."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from core.errors import from_lower
from core.identity import AUDIT, FOLDERS, TRASH
from core.named_objects import MANIFEST, NamedObject, read_named
from core.transactions import HasStores, reading
from storage.object_store import ObjectInfo, ObjectStore, ObjectStoreError, transfer_in_parallel

# What seems to be missing is looked at once more: it may have been put after the pass went by. So many at most; more
# than that are never on their way at once.
_LOOKED_AT_AGAIN = 1000


@dataclass(frozen=True)
class Stock:
    """The objects by key, those in the trash apart, and what the rows name."""

    objects: dict[str, ObjectInfo]
    trash: dict[str, ObjectInfo]
    named: list[NamedObject]
    bundle_bytes: dict[str, int]
    # Folders of which a row needs everything, whatever it is.
    held_folders: frozenset[str] = frozenset()

    def names(self, key: str) -> bool:
        """Return whether a row names this object, by itself or as part of a bundle; an anchor needs none."""
        if key.startswith(AUDIT) or key in self._keys or "/".join(key.split("/")[:2]) in self.held_folders:
            return True
        parts = key.split("/")
        return any("/".join(parts[:count]) + "/" in self.bundle_bytes for count in range(1, len(parts)))

    @cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset(one.key for one in self.named)


def take_stock(services: HasStores) -> Stock:
    """Return what is there and what is named. Raises AppError when a store fails."""
    objects: dict[str, ObjectInfo] = {}
    trash: dict[str, ObjectInfo] = {}
    try:
        for folder in (*FOLDERS, TRASH):
            found = trash if folder == TRASH else objects
            found.update((info.key, info) for info in services.objects.list(folder))
    except ObjectStoreError as error:
        raise from_lower(error) from error
    # The rows are read after the listing, so that whatever was committed in between counts as named.
    with reading(services) as session:
        named = read_named(session)
    return Stock(objects, trash, [*named.objects, *named.bundles], named.bundle_bytes, named.held_folders)


def find_missing(services: HasStores, stock: Stock | None = None) -> list[NamedObject]:
    """Return what rows name and the store does not hold, or for a bundle not all of it. Raises AppError."""
    stock = take_stock(services) if stock is None else stock
    sizes: Counter[str] = Counter()
    for info in stock.objects.values():
        sizes[f"{info.key.rpartition('/')[0]}/"] += info.byte_size
    missing = [
        one
        for one in stock.named
        if (
            one.key not in stock.objects
            if not one.key.endswith("/")
            else one.key + MANIFEST not in stock.objects or sizes[one.key] < stock.bundle_bytes[one.key]
        )
    ]
    if len(missing) > _LOOKED_AT_AGAIN:
        return missing
    absent = []
    for one, outcome in transfer_in_parallel(lambda one: _is_there(services.objects, stock, one), missing):
        if isinstance(outcome, ObjectStoreError):
            # A key that the store refuses is one under which nothing can lie.
            if outcome.code != "object_key_invalid":
                raise from_lower(outcome) from outcome
            outcome = False
        if not outcome:
            absent.append(one)
    return absent


def _is_there(objects: ObjectStore, stock: Stock, one: NamedObject) -> bool:
    if not one.key.endswith("/"):
        return objects.exists(one.key)
    found = {info.key: info.byte_size for info in objects.list(one.key)}
    return one.key + MANIFEST in found and sum(found.values()) >= stock.bundle_bytes[one.key]
