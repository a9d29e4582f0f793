"""Folders as in MVTec AD: `PRODUCT/{train,val,test}/{good,<type>}/…` with `PRODUCT/ground_truth/<type>/…_mask.png`.

Bergmann et al., "MVTec AD — A Comprehensive Real-World Dataset for Unsupervised Anomaly Detection" (CVPR 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core.images.exports.records import Entry, ExportImage, Marked
from core.images.exports.safe_names import safe_name

# A defect type may be called like this; its folder may not, because it would be read as good parts.
_GOOD_WORDS = frozenset({"good", "ok", "normal", "pass", "fine"})


class FolderLayout:
    """Images sorted into folders; their regions are in the manifest and in the masks."""

    def __init__(self, product_code: str) -> None:
        self._root = safe_name(product_code)

    def image_path(self, image: ExportImage) -> str:
        """Return where the image goes."""
        return f"{self._root}/{image.split}/{_folder(image)}/{image.name}"

    def mask_path(self, image: ExportImage) -> str:
        """Return where its mask goes."""
        return f"{self._root}/ground_truth/{_folder(image)}/{image.stem}_mask.png"

    def annotate(self, image: ExportImage, marked: Callable[[], Marked]) -> Iterator[Entry]:
        """Yield nothing: the folders say it."""
        yield from ()

    def finish(self) -> Iterator[Entry]:
        """Yield nothing: the folders say it."""
        yield from ()

    def close(self) -> None:
        """Do nothing: nothing is held."""
        return


def _folder(image: ExportImage) -> str:
    code = "" if image.type is None else image.type.code
    if not image.is_defect:
        return safe_name(f"good_{code}") if code else "good"
    return safe_name(f"defect_{code}" if code.lower() in _GOOD_WORDS else code or "defect")
