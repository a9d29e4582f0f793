"""The keys under which an image's objects lie: the folder says what the image shows."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import PurePosixPath

from storage.tables import Image


def folder_of(image_type: str, product_id: int, defect_type_id: int | None) -> str:
    """Return the folder of images with this label; a kind of good part has none of its own."""
    if image_type == "defect":
        return f"images/defect/{product_id}_{defect_type_id}"
    return f"images/normal/{product_id}"


def lies_right_for(image: Image, image_type: str, defect_type_id: int | None) -> bool:
    """Return whether the objects of the image lie in the folder of this label; a normal image has no mask to lie."""
    folder = folder_of(image_type, image.product_id, defect_type_id)
    return are_in(folder, image.object_key, image.mask_key if image_type == "defect" else None)


def are_in(folder: str, *keys: str | None) -> bool:
    """Return whether these keys are of objects in the folder itself; None is none."""
    return all(key is None or key.rpartition("/")[0] == folder for key in keys)


@dataclass(frozen=True)
class Placement:
    """The keys that an image's objects have and are to have; `mask` and `new_mask` are None where there is none."""

    image_id: int
    key: str
    new_key: str
    mask: str | None = None
    new_mask: str | None = None

    @property
    def copies(self) -> list[tuple[str, str]]:
        """Return what is to be copied: (from, to)."""
        pairs = [(self.key, self.new_key)]
        if self.mask is not None and self.new_mask is not None:
            pairs.append((self.mask, self.new_mask))
        return pairs

    def is_of(self, image: Image) -> bool:
        """Return whether the image's objects are still where they were when this was planned."""
        return image.object_key == self.key and (self.new_mask is None or image.mask_key == self.mask)


def plan_placement(image: Image, *, image_type: str, defect_type_id: int | None) -> Placement | None:
    """Return where the image's objects are to go for this label; None where they lie right already.

    A key is never given twice: whoever still deletes the old object must not meet a new one of the same name.
    """
    if lies_right_for(image, image_type, defect_type_id):
        return None
    mask = image.mask_key if image_type == "defect" else None
    folder = folder_of(image_type, image.product_id, defect_type_id)
    stem = f"{folder}/{uuid.uuid4().hex}"
    return Placement(
        image.id,
        image.object_key,
        stem + PurePosixPath(image.object_key).suffix,
        mask,
        f"{stem}_mask.png" if mask else None,
    )
