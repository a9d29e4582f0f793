"""Deleting objects that no row names: kept apart from storing, because every kind of file needs it."""

from __future__ import annotations

from collections.abc import Sequence

from core.transactions import HasStores
from storage.object_store import ObjectStoreError


def discard_objects(services: HasStores, keys: Sequence[str]) -> None:
    """Delete objects that no row names (any more); what cannot be deleted now is collected as an orphan later."""
    for key in keys:
        try:
            services.objects.delete(key)
        except ObjectStoreError:
            return
