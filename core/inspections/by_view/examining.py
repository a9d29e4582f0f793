"""What the models say of a part's pictures: each view by its own memory bank, all views at the same time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.catalog.names import spoken_name
from core.catalog.views import View, find_view, read_views
from core.errors import AppError, BadInput, NotFound, NotReady, from_lower
from core.inspections.examination import Finding, Judges, examine_group, find_judges
from core.models.kinds import MEMORY_BANK
from core.registry.versions import active_version
from core.transactions import HasDatabase, reading
from inference.errors import InferenceError
from storage.tables import Product

if TYPE_CHECKING:
    from sqlmodel import Session

    from core.services import Services
    from inference.vision.images.decode import DecodedImage

MOST_PICTURES = 32


@dataclass(frozen=True)
class ViewPicture:
    """A picture of a part: the code of its view, the bytes of its file, its name."""

    view: str
    data: bytes = field(repr=False)
    file_name: str


@dataclass(frozen=True)
class ViewFinding:
    """What became of a picture: the models' finding, or the `error` for which there is none.

    `exposure` counts the pictures of its view from 0 on. `image` is there wherever the file is a picture, `judges`
    wherever the view has a model. `ms` is the time that the view took, of all its exposures.
    """

    picture: ViewPicture
    exposure: int
    finding: Finding | None = field(default=None, repr=False)
    image: DecodedImage | None = field(default=None, repr=False)
    judges: Judges | None = field(default=None, repr=False)
    error: AppError | None = None
    ms: float = 0.0


def views_to_inspect(services: HasDatabase, product_id: int) -> tuple[View, ...]:
    """Return the views by which a part of the product is inspected; none where it is inspected by one picture.

    A product that was built before it had views is inspected by one picture until the first view has a memory bank.
    Raises NotFound for an unknown product.
    """
    with reading(services) as session:
        if session.get(Product, product_id) is None:
            raise NotFound("not_found")
        views = read_views(session, product_id)
        if not views:
            return ()
        whole = active_version(session, MEMORY_BANK, product_id)
        if whole is not None and not any(active_version(session, MEMORY_BANK, product_id, view=v.code) for v in views):
            return ()
        return views


def has_bank(session: Session, product_id: int) -> bool:
    """Return whether parts of the product can be judged: by its memory bank, or by that of one view at least."""
    codes = {"", *(view.code for view in read_views(session, product_id))}
    return any(active_version(session, MEMORY_BANK, product_id, view=code) is not None for code in sorted(codes))


def check_bank(services: HasDatabase, product_id: int) -> None:
    """Raise NotReady(`no_active_memory_bank`) where parts of the product cannot be judged, NotFound for none."""
    with reading(services) as session:
        product = session.get(Product, product_id)
        if product is None:
            raise NotFound("not_found")
        if not product.is_active:
            raise NotReady("product_not_in_use", product=spoken_name(product))
        if not has_bank(session, product_id):
            raise NotReady("no_active_memory_bank", product=spoken_name(product))


def check_pictures(product: Product, views: Sequence[View], pictures: Sequence[ViewPicture]) -> list[ViewPicture]:
    """Return the pictures with the codes of their views, in the order of the views.

    Raises BadInput(`views_without_pictures`, `views_too_many_pictures`), NotFound(`view_unknown`).
    """
    if not pictures:
        raise BadInput("views_without_pictures", views=", ".join(view.code for view in views))
    if len(pictures) > MOST_PICTURES:
        raise BadInput("views_too_many_pictures", limit=MOST_PICTURES)
    found: dict[str, list[ViewPicture]] = {view.code: [] for view in views}
    for picture in pictures:
        view = find_view(views, picture.view)
        if view is None:
            raise NotFound(
                "view_unknown",
                product=spoken_name(product),
                view=picture.view[:40],
                codes=", ".join(known.code for known in views),
            )
        found[view.code].append(ViewPicture(view.code, picture.data, picture.file_name))
    return [picture for several in found.values() for picture in several]


def examine_views(
    services: Services, product_id: int, pictures: Sequence[ViewPicture], *, top_k: int = 6
) -> list[ViewFinding]:
    """Return what became of each picture, in order; a view that fails leaves the others.

    Each view has a thread of its own: what one waits for (the disk, the device, the index) the others use. Raises the
    AppError that concerns the product as a whole, such as one that is out of use.
    """
    by_view: dict[str, list[ViewPicture]] = {}
    for picture in pictures:
        by_view.setdefault(picture.view, []).append(picture)
    with ThreadPoolExecutor(max(1, len(by_view)), thread_name_prefix="view") as threads:
        running = [
            threads.submit(_examine_view, services, product_id, view, several, top_k)
            for view, several in by_view.items()
        ]
        return [found for one in running for found in one.result()]


def _examine_view(
    services: Services, product_id: int, view: str, pictures: Sequence[ViewPicture], top_k: int
) -> list[ViewFinding]:
    started = time.perf_counter()
    judges: Judges | None = None
    problem: AppError | None = None
    try:
        judges = find_judges(services, product_id, view)
    except NotReady as error:
        if error.code == "product_not_in_use":
            raise
        problem = error
    except AppError as error:
        problem = error
    found = [_decode(picture, exposure, judges, problem) for exposure, picture in enumerate(pictures)]
    good = [one for one in found if one.error is None and one.image is not None]
    findings: list[Finding] = []
    failed: AppError | None = None
    if good and judges is not None:
        try:
            findings = examine_group(services, judges, [one.image for one in good if one.image], top_k=top_k)
        except AppError as error:
            failed = error
    ms = (time.perf_counter() - started) * 1000.0
    by_exposure = {one.exposure: finding for one, finding in zip(good, findings, strict=False)}
    return [
        ViewFinding(
            one.picture,
            one.exposure,
            finding=by_exposure.get(one.exposure),
            image=one.image,
            judges=judges,
            error=one.error or (failed if one.exposure not in by_exposure else None),
            ms=ms,
        )
        for one in found
    ]


def _decode(picture: ViewPicture, exposure: int, judges: Judges | None, problem: AppError | None) -> ViewFinding:
    from inference.vision.images.bit_depth import BY_IMAGE
    from inference.vision.images.decode import decode

    try:
        depth = judges.bit_depth if judges is not None else BY_IMAGE
        image = decode(picture.data, file_name=picture.file_name, bit_depth=depth)
    except InferenceError as error:
        return ViewFinding(picture, exposure, error=from_lower(error, name=picture.file_name))
    return ViewFinding(picture, exposure, image=image, judges=judges, error=problem)
