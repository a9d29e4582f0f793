"""The demo data: real solar cells and five products that are drawn, with their defect types, masks and manuals.

Which products are the demo's own is kept in `system_config` under `demo.{code}`: a product that somebody made under
the same code is never touched, neither by loading nor by a reset.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any

from sqlmodel import col, select

from core.access import ADMIN, ENGINEER, require_role
from core.audit import record
from core.catalog.outcomes import DEFECT, GOOD
from core.demo.images.catalog import PRODUCTS
from core.demo.images.records import DemoDefect, DemoImage, DemoKind, DemoProduct
from core.errors import AppError, Conflict, NotReady
from core.images.ingest import ingest_images
from core.images.parts import LIST
from core.images.records import BY_DEMO, IncomingFile, IngestItem, Label
from core.jobs import queue
from core.jobs.records import JobPayload
from core.manuals.library import add_manuals
from core.models.options import DETECTION, default_option
from core.removal.pending import finish_removals, note_removal
from core.removal.rows import delete_product_rows, is_busy, list_bound_alone, list_product_objects
from core.transactions import reading, writing
from storage.tables import DefectType, Image, Job, Product, ProductView, SystemConfig, utc_now

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

logger = logging.getLogger(__name__)

# Large groups: on one machine nearly all the time of a commit is waiting for the disk.
GROUP_FILES = 128
_EXAMPLES = 3

Progress = Callable[[str, int], None]


def load_demo_data(
    services: Services,
    person: Person,
    *,
    only: Collection[str] | None = None,
    progress: Progress | None = None,
) -> list[str]:
    """Load what is missing of the demo products, or of the `only` ones; return the codes of those that are the demo's.

    `progress` is told the product's code and how many of its images have been gone through. Interrupted, the next call
    goes on: images that are here already are recognized by content. Raises NotReady demo_dataset_missing, and
    AppError when a store fails.
    """
    require_role(services, person, ENGINEER)
    loaded = []
    for demo in PRODUCTS:
        if only is not None and demo.code not in only:
            continue
        marker = _open_marker(services, person, demo)
        if marker is None:
            continue
        product, loaded_parts = marker
        if not loaded_parts >= {"complete", "manuals"}:
            if "complete" not in loaded_parts:
                _load_images(services, person, demo, product, progress)
                _choose_examples(services, product)
            _load_manuals(services, person, demo, product)
            _close_marker(services, person, demo, product)
        loaded.append(demo.code)
    return loaded


def cancel_waiting_jobs(services: Services, person: Person) -> None:
    """Cancel the jobs that wait and have to do with demo products alone: nothing is lost. One that runs is left."""
    require_role(services, person, ADMIN)
    with reading(services) as session:
        markers = session.exec(select(SystemConfig).where(col(SystemConfig.key).startswith("demo."))).all()
        ids = {int(marker.value["product_id"]) for marker in markers}
        waiting = session.exec(select(Job).where(Job.state == "queued")).all()
        of_job = {job.id: set(JobPayload.from_json(job.payload).product_ids) for job in waiting}
    for job_id, touched in of_job.items():
        if touched and touched <= ids:
            queue.cancel(services, person, job_id)


def reset_demo_data(services: Services, person: Person) -> list[str]:
    """Remove the demo's own products with everything that depends on them; return their codes.

    Raises Conflict demo_busy while a job that touches them waits or runs, and purge_bound.
    """
    require_role(services, person, ADMIN)
    with writing(services) as session:
        markers = session.exec(select(SystemConfig).where(col(SystemConfig.key).startswith("demo."))).all()
        ids = [int(marker.value["product_id"]) for marker in markers]
        if is_busy(session, ids):
            raise Conflict("demo_busy")
        codes = list(session.exec(select(Product.code).where(col(Product.id).in_(ids))).all())
        if bound := list_bound_alone(session, ids):
            raise Conflict("purge_bound", product_code=", ".join(sorted(codes)), names=", ".join(bound))
        keys, prefixes = list_product_objects(session, ids)
        delete_product_rows(session, ids)
        if ids:
            note_removal(session, ids, keys, prefixes)
        for marker in markers:
            session.delete(marker)
        record(session, person, "demo.reset", "system", None, products=sorted(codes))
        session.commit()
    try:
        finish_removals(services)
    except AppError as error:
        logger.warning("the files of the demo are deleted later: %s", error.code)
    return sorted(codes)


def _marker_key(demo: DemoProduct) -> str:
    return f"demo.{demo.code}"


def _open_marker(services: Services, person: Person, demo: DemoProduct) -> tuple[Product, set[str]] | None:
    """Return the demo's product, made now if it is new, and what is loaded of it; None if the code is somebody else's.

    The parts are `complete` (the images; the word is older than the manuals) and `manuals`.
    """
    with writing(services) as session:
        marker = session.get(SystemConfig, _marker_key(demo))
        if marker is not None:
            product = session.get(Product, marker.value["product_id"])
            parts = {part for part in ("complete", "manuals") if marker.value.get(part)}
            return None if product is None else (product, parts)
        if session.exec(select(Product.id).where(Product.code == demo.code)).first() is not None:
            return None
        notice = ". ".join(part.rstrip(".") for part in (demo.license, demo.source) if part)
        product = Product(
            code=demo.code,
            name=demo.name_ko,
            name_en=demo.name_en,
            description=f"{demo.description_ko}\n\n{demo.description_en}",
            notice=notice,
        )
        session.add(product)
        session.flush()
        session.add_all(_types_and_views(demo, product.id))
        session.add(_marker(demo, product, person, complete=False))
        record(session, person, "product.created", "product", product.id, code=product.code, name=product.name)
        session.commit()
        return product, set()


def _types_and_views(demo: DemoProduct, product_id: int) -> Iterator[DefectType | ProductView]:
    """Return the rows of its defect types, of its kinds of good part, and of its views."""
    for defect in demo.defects:
        yield _type_row(defect, product_id, outcome=DEFECT, severity=defect.severity, phrase=defect.phrase)
    for kind in demo.kinds:
        yield _type_row(kind, product_id, outcome=GOOD)
    for place, view in enumerate(demo.views):
        yield ProductView(
            product_id=product_id,
            code=view.code,
            name=view.name_ko,
            name_en=view.name_en,
            modality=view.modality,
            found_as=view.found_as,
            place=place,
            detector="" if view.input_size_px is None else default_option(DETECTION).name,
            detector_options={} if view.input_size_px is None else {"input_size_px": view.input_size_px},
        )


def _type_row(described: DemoDefect | DemoKind, product_id: int, **values: Any) -> DefectType:
    return DefectType(
        product_id=product_id,
        code=described.code,
        name_ko=described.name_ko,
        name_en=described.name_en,
        description=f"{described.description_ko}\n\n{described.description_en}",
        **values,
    )


def _marker(demo: DemoProduct, product: Product, person: Person, *, complete: bool) -> SystemConfig:
    value = {"product_id": product.id, "complete": complete}
    return SystemConfig(key=_marker_key(demo), value=value, updated_by=person.id)


def _close_marker(services: Services, person: Person, demo: DemoProduct, product: Product) -> None:
    with writing(services) as session:
        marker = session.get(SystemConfig, _marker_key(demo))
        if marker is None:
            return
        marker.value = {"product_id": product.id, "complete": True, "manuals": True}
        marker.updated_at = utc_now()
        marker.row_version += 1
        record(session, person, "demo.loaded", "product", product.id, code=product.code)
        session.commit()


def _choose_examples(services: Services, product: Product) -> None:
    """Show each type by its first training images; where somebody chose examples already, these stay."""
    with writing(services) as session:
        for row in session.exec(select(DefectType).where(DefectType.product_id == product.id)).all():
            if not row.example_image_ids:
                query = select(Image.id).where(Image.defect_type_id == row.id, Image.split == "train")
                row.example_image_ids = list(session.exec(query.order_by(col(Image.id)).limit(_EXAMPLES)).all())
        session.commit()


def _load_images(
    services: Services, person: Person, demo: DemoProduct, product: Product, progress: Progress | None
) -> None:
    with reading(services) as session:
        types = session.exec(select(DefectType).where(DefectType.product_id == product.id)).all()
    type_ids = {row.code: row.id for row in types}
    done = 0
    try:
        for outcome in ingest_images(services, person, product, _items(demo, type_ids), group_files=GROUP_FILES):
            if "mask" in outcome.notes:
                continue
            # What somebody has deleted of the demo stays deleted.
            if outcome.error is not None and outcome.outcome == "refused" and outcome.error.code != "image_in_trash":
                raise outcome.error
            done += 1
            if progress is not None:
                progress(demo.code, done)
    except FileNotFoundError as error:
        raise NotReady("demo_dataset_missing") from error


def _load_manuals(services: Services, person: Person, demo: DemoProduct, product: Product) -> None:
    from core.demo.manuals import list_demo_manuals

    try:
        manuals = [manual for manual in list_demo_manuals() if manual.product_code == demo.code]
    except OSError as error:
        raise NotReady("demo_manuals_missing") from error
    for manual in manuals:
        file = IncomingFile(f"{manual.title}.pdf", _reader(manual.content))
        for outcome in add_manuals(services, person, product_id=product.id, files=[file], language=manual.language):
            # What somebody has deleted of the demo stays deleted.
            if outcome.error is not None and outcome.outcome == "refused" and outcome.error.code != "image_in_trash":
                raise outcome.error


def _items(demo: DemoProduct, type_ids: dict[str, int]) -> Iterator[IngestItem]:
    for image in demo.images():
        code = image.defect_code
        kind_id = type_ids[image.kind] if image.kind else None
        label = (
            Label("normal", image.split, kind_id)
            if code is None
            else Label("defect", image.split, type_ids[code], code)
        )
        yield IngestItem(
            IncomingFile(image.name, _reader(image.content)),
            label,
            _mask(image),
            part=image.part,
            part_source=LIST if image.part else "",
            view=image.view,
            domain=image.domain,
            origin=BY_DEMO,
        )


def _mask(image: DemoImage) -> IncomingFile | None:
    if image.mask_png is None:
        return None
    return IncomingFile(f"{image.name.rsplit('.', 1)[0]}_mask.png", _reader(image.mask_png))


def _reader(content: bytes) -> Callable[[], bytes]:
    return lambda: content
