"""What dataset versions and their splits are called."""

from __future__ import annotations

from core.datasets.records import DatasetHead
from core.datasets.splits import Split
from pages.components.shared.language import _, _n, day


def name_dataset(head: DatasetHead) -> str:
    """Return number, name, size and day of a version."""
    parts = [
        _("Version {number}", number=head.number),
        head.name,
        _n("{count} image", "{count} images", head.report.n_images),
        day(head.created_at),
        _("broken") if head.broken_reason else "",
    ]
    return " · ".join(part for part in parts if part)


def name_splits() -> dict[Split, str]:
    """Return what the splits are called, in order."""
    return {"train": _("train"), "val": _("validation"), "test": _("test")}
