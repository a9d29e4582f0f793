"""The preprocessing of each product: what is set, what the active memory bank was built with, and how it looks.

What is set here is used by the next deployment. Until then inspection goes on with the options in the bundle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlmodel import Session, col, func, select

from core.access import ENGINEER, require_role
from core.audit import find_changes, record, stale_save
from core.catalog.views import View, choose_view, read_views_of
from core.errors import BadInput, Conflict, NotFound, from_lower
from core.images.library import get_image, read_image
from core.models.kinds import MEMORY_BANK
from core.transactions import reading, writing
from inference.errors import ImageError, InferenceError
from inference.vision.images.decode import decode
from inference.vision.images.preprocessing import LATER, Preprocessing, Rectangle
from storage.tables import ImagePreprocessing, ModelVersion, Product, User, utc_now

if TYPE_CHECKING:
    import numpy.typing as npt

    from core.access import Person
    from core.services import Services

DEPLOYED, WAITING, NO_MODEL = "deployed", "waiting", "no_model"
MAX_IGNORED_AREAS = 20
PREVIEW_SIDE_PX = 900
_SUBJECT = "image_preprocessing"
_WHOLE_IMAGE: Rectangle = (0.0, 0.0, 1.0, 1.0)
_NEUTRAL = np.uint8(110)  # what the detector puts in the place of all that does not count
_DEFAULTS = Preprocessing()


@dataclass(frozen=True)
class ProductPreprocessing:
    """What is set for a product, or for one `view` of it, and where that stands.

    A view for which nothing was ever saved is treated as the product was before it had views. `row_version` is 0 where
    nothing was ever saved. `deployed` are the options in the active memory bank, None where there is no bank or its
    options cannot be read by this version. `state` is "deployed" (both are the same), "waiting" (the next deployment
    changes them) or "no_model".
    """

    product: Product
    options: Preprocessing
    row_version: int
    updated_at: datetime | None
    updated_by: str
    deployed: Preprocessing | None
    state: str
    view: View | None = None

    @property
    def view_code(self) -> str:
        """Return the code of the view; empty for a product without views."""
        return "" if self.view is None else self.view.code


@dataclass(frozen=True)
class Preview:
    """An image before and after the chain, RGB uint8 (h, w, 3), no side longer than PREVIEW_SIDE_PX.

    `after` is neutral gray where findings do not count. `width_px` and `height_px` are those of the image itself.
    `before` is read by the bit depth that is tried, `notes` say what the decoder made right.
    """

    name: str
    before: npt.NDArray[np.uint8]
    after: npt.NDArray[np.uint8]
    width_px: int
    height_px: int
    notes: tuple[str, ...] = ()


def parse_options(values: Mapping[str, Any]) -> Preprocessing:
    """Return options from the values of a form, those without an effect brought to their defaults.

    Raises BadInput preprocessing_unknown, preprocessing_invalid, preprocessing_nothing_left, preprocessing_no_area,
    preprocessing_too_many_areas.
    """
    areas = [values.get("region_of_interest"), *values.get("ignore", ())]
    if any(area is not None and len(area) == 4 and not (area[2] > 0 and area[3] > 0) for area in areas):
        raise BadInput("preprocessing_no_area")
    if len(areas) - 1 > MAX_IGNORED_AREAS:
        raise BadInput("preprocessing_too_many_areas", highest=MAX_IGNORED_AREAS)
    try:
        return simplify(Preprocessing.from_dict(values))
    except InferenceError as error:
        raise BadInput(error.code, **error.params) from error


def simplify(options: Preprocessing) -> Preprocessing:
    """Return the chain with every value that has no effect at its default, so that two equal chains compare equal."""
    if not options.clahe:
        options = replace(
            options, clahe_clip_limit=_DEFAULTS.clahe_clip_limit, clahe_tile_grid=_DEFAULTS.clahe_tile_grid
        )
    if options.smoothing == "none":
        options = replace(options, smoothing_size_px=_DEFAULTS.smoothing_size_px)
    if options.tile_height_px == options.tile_size_px:
        options = replace(options, tile_height_px=0)
    if options.window is not None:
        options = replace(options, bit_depth=_DEFAULTS.bit_depth)
    if options.region_of_interest == _WHOLE_IMAGE:
        options = replace(options, region_of_interest=None)
    return options


def all_values(options: Preprocessing) -> dict[str, Any]:
    """Return the values of all options, as a form has them, whether they have an effect or not."""
    return {**LATER, **options.to_dict()}


def get_preprocessing(services: Services, product_id: int, view: str | None = None) -> ProductPreprocessing:
    """Return what is set for this product, or for this view of it.

    Raises NotFound not_found, view_unknown, and view_not_said where there are several and none is named.
    """
    with reading(services) as session:
        product = session.get(Product, product_id)
        if product is None:
            raise NotFound("not_found")
        return _get(session, product, choose_view(session, product, view))


def list_preprocessing(services: Services) -> list[ProductPreprocessing]:
    """Return what is set for every active product and view, by code, in five queries however many there are."""
    with reading(services) as session:
        query = select(Product).where(col(Product.is_active).is_(True)).order_by(func.lower(Product.code))
        return _gather(session, list(session.exec(query).all()))


def read_preprocessing(session: Session, product_id: int, view: str = "") -> Preprocessing:
    """Return what the next build of the product, or of this view, is set to; the defaults where nothing was saved.

    Raises InferenceError for options of another version of the program, which this one does not know.
    """
    row = _find_row(session, product_id, view) or _find_row(session, product_id, "")
    return Preprocessing.from_dict(row.options if row is not None else {})


def save_preprocessing(
    services: Services,
    person: Person,
    product_id: int,
    *,
    row_version: int,
    options: Preprocessing,
    view: str | None = None,
) -> ProductPreprocessing:
    """Save the options for the next deployment, chosen on the state `row_version` (0: nothing was saved before).

    Raises Conflict preprocessing_changed when somebody else saved in the meantime; NotFound as `get_preprocessing`.
    """
    require_role(services, person, ENGINEER)
    with writing(services) as session:
        # The product's row is locked, because the row of its options may not be there yet.
        product = session.get(Product, product_id, with_for_update=True)
        if product is None:
            raise NotFound("not_found")
        code = choose_view(session, product, view)
        row = _find_row(session, product_id, code)
        if (row.row_version if row is not None else 0) != row_version:
            if row is None:
                raise NotFound("not_found")
            stale = stale_save(session, subject_type=_SUBJECT, subject_id=row.id, row_version=row_version)
            raise Conflict("preprocessing_changed", who=stale.params["who"])
        seen = row or _find_row(session, product_id, "")
        before = _read_options(seen.options if seen is not None else {}) or _DEFAULTS
        changes = find_changes(all_values(before), all_values(simplify(options)))
        if not changes:
            return _get(session, product, code)
        if row is None:
            row = ImagePreprocessing(product_id=product_id, view=code, options={}, row_version=0)
        row.options = _to_stored(options)
        row.row_version += 1
        row.updated_at, row.updated_by = utc_now(), person.id
        session.add(row)
        session.flush()
        record(
            session,
            person,
            "preprocessing.changed",
            _SUBJECT,
            row.id,
            product_id=product_id,
            product_code=product.code,
            **({"view": code} if code else {}),
            row_version=row.row_version,
            changes=changes,
        )
        session.commit()
        return _get(session, product, code)


def preview(services: Services, image_id: int, options: Preprocessing) -> Preview:
    """Return one of the product's images through the one decoder and the one chain, before and after.

    The chain sees all pixels, as in a build; only what it gave is made smaller for the screen. Raises NotFound,
    Unavailable, and BadInput for a stored file that cannot be decoded any more.
    """
    image = get_image(services, image_id)
    try:
        decoded = decode(read_image(services, image), bit_depth=options.reading)
    except ImageError as error:
        raise from_lower(error, name=image.stored_name) from error
    pixels = decoded.pixels
    height_px, width_px = pixels.shape[:2]
    after = shrink(options.apply(pixels), PREVIEW_SIDE_PX)
    if options.region_of_interest is not None or options.ignore:
        counts = options.valid_mask(*after.shape[:2])
        after = np.where(counts[..., None], after, _NEUTRAL)
    return Preview(image.stored_name, shrink(pixels, PREVIEW_SIDE_PX), after, width_px, height_px, decoded.notes)


def shrink(pixels: npt.NDArray[np.uint8], longest_side_px: int) -> npt.NDArray[np.uint8]:
    """Return the image with no side longer than `longest_side_px`; itself where it is small enough."""
    import cv2

    height_px, width_px = pixels.shape[:2]
    scale = longest_side_px / max(height_px, width_px)
    if scale >= 1:
        return pixels
    size = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _find_row(session: Session, product_id: int, view: str) -> ImagePreprocessing | None:
    query = select(ImagePreprocessing).where(
        ImagePreprocessing.product_id == product_id, ImagePreprocessing.view == view
    )
    return session.exec(query).first()


def _get(session: Session, product: Product, view: str) -> ProductPreprocessing:
    return next(found for found in _gather(session, [product]) if found.view_code == view)


def _gather(session: Session, products: list[Product]) -> list[ProductPreprocessing]:
    ids = [product.id for product in products]
    views = read_views_of(session, ids)
    stored = {
        (row.product_id, row.view): row
        for row in session.exec(select(ImagePreprocessing).where(col(ImagePreprocessing.product_id).in_(ids))).all()
    }
    banks = {
        (version.product_id, version.view): version
        for version in session.exec(
            select(ModelVersion).where(
                ModelVersion.kind == MEMORY_BANK,
                col(ModelVersion.active_key).is_not(None),
                col(ModelVersion.product_id).in_(ids),
            )
        ).all()
    }
    authors = {row.updated_by for row in stored.values() if row.updated_by is not None}
    names = {
        user.id: user.display_name or user.login
        for user in session.exec(select(User).where(col(User.id).in_(authors))).all()
    }
    pictured = [(product, view) for product in products for view in views.get(product.id, (None,))]
    return [_describe(product, view, stored, banks, names) for product, view in pictured]


def _describe(
    product: Product,
    view: View | None,
    stored: Mapping[tuple[int, str], ImagePreprocessing],
    banks: Mapping[tuple[int | None, str], ModelVersion],
    names: Mapping[int, str],
) -> ProductPreprocessing:
    code = "" if view is None else view.code
    bank, own = banks.get((product.id, code)), stored.get((product.id, code))
    row = own or stored.get((product.id, ""))
    options = (_read_options(row.options) if row is not None else None) or _DEFAULTS
    deployed = _read_options(bank.preprocessing) if bank is not None else None
    state = NO_MODEL if bank is None else DEPLOYED if deployed == options else WAITING
    return ProductPreprocessing(
        product=product,
        options=options,
        row_version=own.row_version if own is not None else 0,
        updated_at=row.updated_at if row is not None else None,
        updated_by=names.get(row.updated_by, "") if row is not None and row.updated_by is not None else "",
        deployed=deployed,
        state=state,
        view=view,
    )


def _read_options(values: Mapping[str, Any]) -> Preprocessing | None:
    """Return stored options; None where another version of the product wrote what this one does not know."""
    try:
        return simplify(Preprocessing.from_dict(values))
    except InferenceError:
        return None


def _to_stored(options: Preprocessing) -> dict[str, Any]:
    """Return only what differs from the defaults: options that were reset leave no trace in a build's fingerprint."""
    values, defaults = all_values(simplify(options)), all_values(_DEFAULTS)
    return {field.name: values[field.name] for field in fields(options) if values[field.name] != defaults[field.name]}
