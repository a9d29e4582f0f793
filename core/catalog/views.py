"""The views of a product: named ways of picturing it, each with images, preprocessing, models, thresholds of its own.

A product without views is pictured in one way, which has the empty code.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from sqlmodel import Session, col, select

from core.catalog.names import HasProductNames, spoken_name
from core.errors import NotFound
from core.i18n import N_
from core.transactions import HasDatabase, reading
from storage.tables import ProductView

if TYPE_CHECKING:
    from storage.tables import Product

RGB = "rgb"
MODALITY_NAMES: dict[str, str] = {
    RGB: N_("Color photograph"),
    "gray": N_("Gray photograph"),
    "ct": N_("CT slice"),
    "xray": N_("X-ray"),
    "thermal": N_("Thermal image"),
    "depth": N_("Depth map"),
}
INTERNAL, EXTERNAL = "internal", "external"
FOUND_AS_NAMES: dict[str, str] = {INTERNAL: N_("Internal defect"), EXTERNAL: N_("External defect")}


class HasViewNames(Protocol):
    """Whatever carries the code and the names of a view: its row, or `View`."""

    @property
    def code(self) -> str:
        """Return the code, by which images, models and files name the view."""

    @property
    def name(self) -> str:
        """Return the name; the Korean one where there are two."""

    @property
    def name_en(self) -> str:
        """Return the English name, "" where there is one name for both languages."""


@dataclass(frozen=True)
class View:
    """A view of a product, as a value that outlives the session it was read in.

    `modality` is a key of `MODALITY_NAMES`, `found_as` one of `FOUND_AS_NAMES`: what a defect is called that this view
    alone shows. A part is not judged without its `is_required` views. `detector` is the model that is built for it,
    with its `detector_options`; an empty name stands for what is chosen for all. `place` is its place in the order.
    """

    id: int
    product_id: int
    code: str
    name: str
    name_en: str = ""
    modality: str = RGB
    is_required: bool = True
    found_as: str = EXTERNAL
    place: int = 0
    detector: str = ""
    detector_options: Mapping[str, Any] = field(default_factory=dict)
    is_active: bool = True
    row_version: int = 1

    @classmethod
    def from_row(cls, row: ProductView) -> View:
        """Return the view in a row."""
        return cls(
            id=row.id,
            product_id=row.product_id,
            code=row.code,
            name=row.name,
            name_en=row.name_en,
            modality=row.modality,
            is_required=row.is_required,
            found_as=row.found_as,
            place=row.place,
            detector=row.detector,
            detector_options=dict(row.detector_options),
            is_active=row.is_active,
            row_version=row.row_version,
        )


def name_view(view: HasViewNames, language: str) -> str:
    """Return the view's name in a language; the other one where there is none of its own."""
    return (view.name if language == "ko" else (view.name_en or view.name)) or view.code


def list_views(services: HasDatabase, product_id: int, *, include_inactive: bool = False) -> tuple[View, ...]:
    """Return the views of a product in their order; none for a product that is pictured in one way."""
    with reading(services) as session:
        return read_views(session, product_id, include_inactive=include_inactive)


def read_views(session: Session, product_id: int, *, include_inactive: bool = False) -> tuple[View, ...]:
    """Do as `list_views`, inside the caller's transaction."""
    return read_views_of(session, [product_id], include_inactive=include_inactive).get(product_id, ())


def list_views_of(services: HasDatabase, product_ids: Collection[int] | None = None) -> dict[int, tuple[View, ...]]:
    """Return the views in use of these products, or of all, by product; one without any is left out."""
    with reading(services) as session:
        return read_views_of(session, product_ids)


def read_views_of(
    session: Session, product_ids: Collection[int] | None = None, *, include_inactive: bool = False
) -> dict[int, tuple[View, ...]]:
    """Do as `list_views_of`, inside the caller's transaction."""
    query = select(ProductView).order_by(col(ProductView.product_id), col(ProductView.place), col(ProductView.id))
    if product_ids is not None:
        query = query.where(col(ProductView.product_id).in_(list(product_ids)))
    if not include_inactive:
        query = query.where(col(ProductView.is_active).is_(True))
    found: dict[int, list[View]] = {}
    for row in session.exec(query).all():
        found.setdefault(row.product_id, []).append(View.from_row(row))
    return {product_id: tuple(views) for product_id, views in found.items()}


def built_views(session: Session, product_id: int) -> tuple[str, ...]:
    """Return the codes of the views that models are built for: one empty code for a product without views."""
    return codes_of(read_views(session, product_id))


def codes_of(views: Sequence[HasViewNames]) -> tuple[str, ...]:
    """Return the codes of a product's views; one empty code where there are none."""
    return tuple(view.code for view in views) or ("",)


def find_view(views: Iterable[View], code: str) -> View | None:
    """Return the view with this code, upper and lower case alike, or None."""
    return next((view for view in views if view.code == code.strip().lower()), None)


def choose_view(session: Session, product: Product, code: str | None) -> str:
    """Return the code of the view that a person means, inside the caller's transaction.

    Nothing said means the only view, or the empty code for a product without views. Raises NotFound view_unknown, and
    view_not_said where there are several to choose from.
    """
    views = read_views(session, product.id)
    said = (code or "").strip()
    known = ", ".join(view.code for view in views)
    if not said:
        if len(views) > 1:
            raise NotFound("view_not_said", product=spoken_name(product), codes=known)
        return codes_of(views)[0]
    found = find_view(views, said)
    if found is None:
        raise NotFound("view_unknown", product=spoken_name(product), view=said[:40], codes=known or "–")
    return found.code


def spoken_view(product: HasProductNames, views: Iterable[HasViewNames], code: str) -> str | dict[str, str]:
    """Return "product · view" for a sentence whose language is chosen later; the product alone without a view."""
    if not code:
        return spoken_name(product)
    view = next((one for one in views if one.code == code), None)
    names = {"ko": product.name, "en": product.name_en or product.name}
    return {lang: f"{name} · {code if view is None else name_view(view, lang)}" for lang, name in names.items()}


def speak(session: Session, product: Product, code: str) -> str | dict[str, str]:
    """Do as `spoken_view` with the views that the product has, in use or not."""
    return spoken_view(product, read_views(session, product.id, include_inactive=True) if code else (), code)


def label_of(product_code: str, view: str) -> str:
    """Return how logs and command lines name a product's view: by their codes."""
    return f"{product_code}/{view}" if view else product_code
