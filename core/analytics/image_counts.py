"""How many images there are of good parts and of each defect type."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from core.catalog.names import DefectTypeName, ProductName
from storage.tables import DefectType, Image, Product


@dataclass(frozen=True)
class TypeImages:
    """The images by split of a product's good parts (`defect_type` None), or of one of its defect types."""

    product: ProductName
    defect_type: DefectTypeName | None
    n_train: int
    n_test: int
    n_val: int = 0

    @property
    def n_all(self) -> int:
        """Images of all splits."""
        return self.n_train + self.n_val + self.n_test


def count_type_images(session: Session, product_id: int | None = None) -> list[TypeImages]:
    """Return the images of every active product, or of one, with types that have none; in order of the codes."""
    # A product that is taken out of use is none of the list; a type that is, is one while it has images.
    counted = select(Image.product_id, Image.defect_type_id, Image.split, func.count()).group_by(
        col(Image.product_id), col(Image.defect_type_id), col(Image.split)
    )
    products = select(Product).where(col(Product.is_active).is_(True))
    if product_id is not None:
        counted = counted.where(Image.product_id == product_id)
        products = products.where(Product.id == product_id)
    counts: dict[tuple[int, int | None], dict[str, int]] = defaultdict(dict)
    for owner, type_id, split, count in session.exec(counted):
        counts[owner, type_id][split] = count
    owners = {row.id: ProductName.from_row(row) for row in session.exec(products)}
    types = [
        row
        for row in session.exec(select(DefectType))
        if row.product_id in owners and (row.is_active or (row.product_id, row.id) in counts)
    ]
    kinds: list[tuple[ProductName, DefectTypeName | None]] = [(owner, None) for owner in owners.values()]
    kinds += [(owners[row.product_id], DefectTypeName.from_row(row)) for row in types]
    kinds.sort(key=lambda kind: (kind[0].code.lower(), kind[1] is not None, kind[1].code if kind[1] else ""))
    found = []
    for owner_name, kind in kinds:
        own = counts.get((owner_name.id, kind.id if kind else None), {})
        found.append(TypeImages(owner_name, kind, own.get("train", 0), own.get("test", 0), own.get("val", 0)))
    return found
