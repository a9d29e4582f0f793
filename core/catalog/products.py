"""The catalog: the products, and how much of what each has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import Session, col, func, select

from core.access import ENGINEER, require_role
from core.audit import record
from core.catalog.edits import check_code, clean_description, clean_name, make_code, save_edit
from core.errors import Conflict, NotFound
from core.transactions import reading, writing
from storage.tables import DefectType, Image, Manual, Product

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services


@dataclass(frozen=True)
class ProductSummary:
    """A product and how much of what it has (deactivated defect types are not counted)."""

    product: Product
    n_normal_train: int = 0
    n_normal_test: int = 0
    n_defect_train: int = 0
    n_defect_test: int = 0
    n_manual: int = 0
    n_manual_pages: int = 0
    n_defect_types: int = 0

    @property
    def n_normal(self) -> int:
        """Normal images of both splits."""
        return self.n_normal_train + self.n_normal_test

    @property
    def n_defect(self) -> int:
        """Defect images of both splits."""
        return self.n_defect_train + self.n_defect_test


def list_products(services: Services, *, include_inactive: bool = False) -> list[ProductSummary]:
    """Return every product by code with its counts, in four queries however many products there are."""
    query = select(Product).order_by(func.lower(Product.code))
    if not include_inactive:
        query = query.where(col(Product.is_active).is_(True))
    with reading(services) as session:
        products = session.exec(query).all()
        images = {
            (product_id, f"n_{image_type}_{split}"): count
            for product_id, image_type, split, count in session.exec(
                select(Image.product_id, Image.image_type, Image.split, func.count()).group_by(
                    col(Image.product_id), col(Image.image_type), col(Image.split)
                )
            )
        }
        manuals = {
            product_id: (count, int(pages or 0))
            for product_id, count, pages in session.exec(
                select(Manual.product_id, func.count(), func.sum(Manual.page_count)).group_by(col(Manual.product_id))
            )
        }
        types = dict(
            session.exec(
                select(DefectType.product_id, func.count())
                .where(col(DefectType.is_active).is_(True))
                .group_by(col(DefectType.product_id))
            ).all()
        )
    parts = ("n_normal_train", "n_normal_test", "n_defect_train", "n_defect_test")
    return [
        ProductSummary(
            product,
            **{part: images.get((product.id, part), 0) for part in parts},
            n_manual=manuals.get(product.id, (0, 0))[0],
            n_manual_pages=manuals.get(product.id, (0, 0))[1],
            n_defect_types=types.get(product.id, 0),
        )
        for product in products
    ]


def get_product(services: Services, product_id: int) -> Product:
    """Return the product, active or not. Raises NotFound not_found."""
    with reading(services) as session:
        return get_product_row(session, product_id)


def get_product_row(session: Session, product_id: int, *, lock: bool = False) -> Product:
    """Return the product inside the caller's transaction, active or not. Raises NotFound not_found."""
    # The lock lets two saves of one row follow each other on the database servers; SQLite has one writer anyway.
    product = session.get(Product, product_id, with_for_update=True if lock else None)
    if product is None:
        raise NotFound("not_found")
    return product


def find_product(services: Services, code: str) -> Product:
    """Return the product with this code, upper and lower case alike. Raises NotFound product_unknown."""
    with reading(services) as session:
        product = find_product_row(session, code)
    if product is None:
        raise NotFound("product_unknown", product_code=code[:80])
    return product


def find_product_row(session: Session, code: str) -> Product | None:
    """Return the product with this code inside the caller's transaction, or None."""
    return session.exec(select(Product).where(func.lower(Product.code) == code.strip().lower())).first()


def create_product(
    services: Services,
    person: Person,
    *,
    name: str,
    code: str | None = None,
    description: str = "",
    notice: str = "",
) -> Product:
    """Add a product; without `code` one is made from the name, or by number where the name is not Latin.

    Raises BadInput product_name_missing, name_too_long, description_too_long, code_invalid; Conflict
    product_code_taken.
    """
    require_role(services, person, ENGINEER)
    product = Product(
        code="",
        name=clean_name(name, missing="product_name_missing"),
        description=clean_description(description),
        notice=clean_description(notice),
    )
    given = None if code is None or not code.strip() else check_code(code)
    with writing(services) as session:
        product.code = given or _free_product_code(session, product.name)
        if find_product_row(session, product.code) is not None:
            raise Conflict("product_code_taken", product_code=product.code)
        session.add(product)
        session.flush()
        record(session, person, "product.created", "product", product.id, code=product.code, name=product.name)
        session.commit()
    return product


def update_product(
    services: Services, person: Person, product_id: int, *, row_version: int, name: str, description: str
) -> Product:
    """Save an edit made on the state `row_version`.

    Raises Conflict stale_save, which says who changed what in the meantime; NotFound not_found; BadInput
    product_name_missing, name_too_long, description_too_long.
    """
    require_role(services, person, ENGINEER)
    values = {
        "name": clean_name(name, missing="product_name_missing"),
        "description": clean_description(description),
    }
    with writing(services) as session:
        product = get_product_row(session, product_id, lock=True)
        save_edit(session, person, product, "product", values, row_version)
        session.commit()
        return product


def set_product_active(services: Services, person: Person, product_id: int, active: bool) -> Product:
    """Deactivate a product, or bring it back. Its images, models and inspections stay. Raises NotFound not_found."""
    require_role(services, person, ENGINEER)
    with writing(services) as session:
        product = get_product_row(session, product_id, lock=True)
        save_edit(session, person, product, "product", {"is_active": active}, product.row_version)
        session.commit()
        return product


def _free_product_code(session: Session, name: str) -> str:
    stem = make_code(name)
    taken = {code.lower() for code in session.exec(select(Product.code)).all()}
    if stem is not None and stem.lower() not in taken:
        return stem
    pattern = "{stem}-{number}" if stem is not None else "product-{number:03d}"
    number = 2 if stem is not None else 1
    while (code := pattern.format(stem=stem, number=number)).lower() in taken:
        number += 1
    return code
