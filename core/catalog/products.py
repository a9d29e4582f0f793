"""The catalog: the products, and how much of what each has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import Session, col, func, select

from core.access import ENGINEER, require_role
from core.audit import record
from core.catalog.code_rules import read_code_rule
from core.catalog.edits import MAX_NAME_CHARACTERS, check_code, clean_description, clean_name, make_code, save_edit
from core.catalog.outcomes import DEFECT, GOOD
from core.errors import BadInput, Conflict, NotFound
from core.i18n import N_
from core.transactions import reading, writing
from storage.tables import DefectType, Image, Manual, Product

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

AT_ONCE, ON_CLICK = "at_once", "on_click"
TRIGGER_NAMES: dict[str, str] = {AT_ONCE: N_("At once"), ON_CLICK: N_("On a click")}


@dataclass(frozen=True)
class ProductSummary:
    """A product and how much of what it has (deactivated defect types are not counted)."""

    product: Product
    n_normal_train: int = 0
    n_normal_val: int = 0
    n_normal_test: int = 0
    n_defect_train: int = 0
    n_defect_val: int = 0
    n_defect_test: int = 0
    n_manual: int = 0
    n_manual_pages: int = 0
    n_defect_types: int = 0
    n_good_kinds: int = 0

    @property
    def n_normal(self) -> int:
        """Normal images of all splits."""
        return self.n_normal_train + self.n_normal_val + self.n_normal_test

    @property
    def n_defect(self) -> int:
        """Defect images of all splits."""
        return self.n_defect_train + self.n_defect_val + self.n_defect_test


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
        types = {
            (product_id, outcome): count
            for product_id, outcome, count in session.exec(
                select(DefectType.product_id, DefectType.outcome, func.count())
                .where(col(DefectType.is_active).is_(True))
                .group_by(col(DefectType.product_id), col(DefectType.outcome))
            )
        }
    parts = [f"n_{image_type}_{split}" for image_type in ("normal", "defect") for split in ("train", "val", "test")]
    return [
        ProductSummary(
            product,
            **{part: images.get((product.id, part), 0) for part in parts},
            n_manual=manuals.get(product.id, (0, 0))[0],
            n_manual_pages=manuals.get(product.id, (0, 0))[1],
            n_defect_types=types.get((product.id, DEFECT), 0),
            n_good_kinds=types.get((product.id, GOOD), 0),
        )
        for product in products
    ]


def list_products_in_use(services: Services) -> list[Product]:
    """Return every active product by code, without its counts: one query."""
    with reading(services) as session:
        return list(
            session.exec(
                select(Product).where(col(Product.is_active).is_(True)).order_by(func.lower(Product.code))
            ).all()
        )


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


def find_named_product(services: Services, said: str) -> Product:
    """Return the product that a person means by its code, or by one of its names; a code counts before a name.

    Upper and lower case are alike. Raises NotFound product_unknown; BadInput product_name_ambiguous where several have
    the name.
    """
    wanted = clean_name(said[: MAX_NAME_CHARACTERS + 1], missing=None).casefold()
    with reading(services) as session:
        product = find_product_row(session, said)
        if product is not None:
            return product
        rows = session.exec(select(Product).order_by(col(Product.code))).all() if wanted else ()
    named = [row for row in rows if wanted in {row.name.casefold(), row.name_en.casefold()}]
    # One that is out of use gives way to the one in use under the same name.
    found = [row for row in named if row.is_active] or named
    if not found:
        raise NotFound("product_unknown", product_code=said[:80])
    if len(found) > 1:
        raise BadInput("product_name_ambiguous", name=said[:80], codes=", ".join(row.code for row in found))
    return found[0]


def find_product_row(session: Session, code: str) -> Product | None:
    """Return the product with this code inside the caller's transaction, or None."""
    return session.exec(select(Product).where(func.lower(Product.code) == code.strip().lower())).first()


def create_product(
    services: Services,
    person: Person,
    *,
    name: str,
    code: str | None = None,
    name_en: str = "",
    description: str = "",
    notice: str = "",
) -> Product:
    """Add a product; without `code` one is made from a name that is Latin, or else by number.

    `name_en` is what it is called in English, where that differs.

    Raises BadInput product_name_missing, name_too_long, description_too_long, code_invalid; Conflict
    product_code_taken.
    """
    require_role(services, person, ENGINEER)
    product = Product(
        code="",
        name=clean_name(name, missing="product_name_missing"),
        name_en=clean_name(name_en, missing=None),
        description=clean_description(description),
        notice=clean_description(notice),
    )
    given = None if code is None or not code.strip() else check_code(code)
    with writing(services) as session:
        product.code = given or _free_product_code(session, product.name, product.name_en)
        if find_product_row(session, product.code) is not None:
            raise Conflict("product_code_taken", product_code=product.code)
        session.add(product)
        session.flush()
        record(session, person, "product.created", "product", product.id, code=product.code, name=product.name)
        session.commit()
    return product


def update_product(
    services: Services,
    person: Person,
    product_id: int,
    *,
    row_version: int,
    name: str,
    description: str,
    name_en: str | None = None,
    notice: str | None = None,
    inspection_trigger: str | None = None,
    code_rule: str | None = None,
) -> Product:
    """Save an edit made on the state `row_version`; what is None stays as it is.

    Raises Conflict stale_save, which says who changed what in the meantime; NotFound not_found; BadInput
    product_name_missing, name_too_long, description_too_long, inspection_trigger_unknown, and those of
    `read_code_rule`.
    """
    require_role(services, person, ENGINEER)
    values: dict[str, str] = {
        "name": clean_name(name, missing="product_name_missing"),
        "description": clean_description(description),
    }
    if name_en is not None:
        values["name_en"] = clean_name(name_en, missing=None)
    if notice is not None:
        values["notice"] = clean_description(notice)
    if inspection_trigger is not None:
        if inspection_trigger not in TRIGGER_NAMES:
            raise BadInput("inspection_trigger_unknown", value=inspection_trigger[:40])
        values["inspection_trigger"] = inspection_trigger
    if code_rule is not None:
        rule = read_code_rule(code_rule)
        values["code_rule"] = "" if rule is None else rule.text
    with writing(services) as session:
        product = get_product_row(session, product_id, lock=True)
        save_edit(session, person, product, "product", values, row_version)
        session.commit()
        return product


def set_product_active(
    services: Services, person: Person, product_id: int, active: bool, *, row_version: int | None = None
) -> Product:
    """Deactivate a product, or bring it back. Its images, models and inspections stay.

    `row_version` is the state that the person saw; None for whoever saw none. Raises NotFound not_found, Conflict
    stale_save.
    """
    require_role(services, person, ENGINEER)
    with writing(services) as session:
        product = get_product_row(session, product_id, lock=True)
        seen = product.row_version if row_version is None else row_version
        save_edit(session, person, product, "product", {"is_active": active}, seen)
        session.commit()
        return product


def _free_product_code(session: Session, name: str, name_en: str) -> str:
    stem = make_code(name) or make_code(name_en)
    taken = {code.lower() for code in session.exec(select(Product.code)).all()}
    if stem is not None and stem.lower() not in taken:
        return stem
    pattern = "{stem}-{number}" if stem is not None else "product-{number:03d}"
    number = 2 if stem is not None else 1
    while (code := pattern.format(stem=stem, number=number)).lower() in taken:
        number += 1
    return code
