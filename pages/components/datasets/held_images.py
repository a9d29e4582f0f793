"""Which dataset versions images belong to that are about to be deleted, said before it is done."""

from __future__ import annotations

from collections.abc import Sequence

from core.images.trash.dataset_versions import HeldVersion, list_versions_with
from pages.components.shared.language import _n
from pages.components.shared.session import services

_MOST_NAMED = 5


def say_broken_versions(image_ids: Sequence[int]) -> str:
    """Return the sentences about the versions that deleting these images breaks, and a blank line; or nothing."""
    held = list_versions_with(services(), list(image_ids))
    busy = [one for one in held if one.in_training]
    if busy:
        return (
            _n(
                "Dataset version {numbers} is being learned from: its images cannot be deleted until that has ended.",
                "Dataset versions {numbers} are being learned from: their images cannot be deleted until that has "
                "ended.",
                len(busy),
                numbers=_name(busy),
            )
            + "\n\n"
        )
    if not held:
        return ""
    return (
        _n(
            "Dataset version {numbers} is broken by it: nothing can be trained or compared with it any more, unless "
            "the images are put back.",
            "Dataset versions {numbers} are broken by it: nothing can be trained or compared with them any more, "
            "unless the images are put back.",
            len(held),
            numbers=_name(held),
        )
        + "\n\n"
    )


def _name(held: Sequence[HeldVersion]) -> str:
    return ", ".join(str(one.number) for one in held[:_MOST_NAMED]) + (" …" if len(held) > _MOST_NAMED else "")
