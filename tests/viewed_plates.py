"""The product "plate" with views: "ct" shows what is inside, "rgb" what is outside, each with toy models of its own."""

from __future__ import annotations

from sqlmodel import select

from core.access import Person
from core.accounts.people import open_person
from core.inspections.by_view.examining import ViewPicture
from core.inspections.by_view.inspection import inspect_views
from core.inspections.records import InspectionRecord
from core.models.detection_figures import DetectionFigures
from core.models.kinds import MEMORY_BANK
from core.registry.test_scores import ImageScore, save_measurement
from core.registry.versions import scope_of
from core.services import Services
from core.transactions import writing
from storage.tables import Image, ModelVersion, Product, ProductView, ThresholdSetting
from tests.plates import encode, plate, seed_of

CT, RGB = "ct", "rgb"
GOOD = encode(plate(seed_of("test", "good", 50)))
SPOT = encode(plate(seed_of("test", "spot", 50), "spot"))
SCRATCH = encode(plate(seed_of("test", "scratch", 50), "scratch"))
# What the toy detector scores good plates (gray levels) and defective ones.
GOOD_SCORES = tuple(14.0 + number % 7 for number in range(40))
DEFECT_SCORES = tuple(70.0 + 4 * number for number in range(12))


def add_view(services: Services, product_id: int, code: str, *, found_as: str, required: bool = True) -> None:
    """Add a view without any model."""
    with writing(services) as session:
        place = len(session.exec(select(ProductView).where(ProductView.product_id == product_id)).all())
        session.add(
            ProductView(
                product_id=product_id,
                code=code,
                name={"ct": "CT 단면", "rgb": "외관 사진"}.get(code, code),
                name_en={"ct": "CT slice", "rgb": "Photograph"}.get(code, code),
                found_as=found_as,
                is_required=required,
                place=place,
            )
        )
        session.commit()


def add_bank(services: Services, product_id: int, view: str, *, number: int = 1, scored: bool = True) -> int:
    """Put a toy memory bank in use for a view; return its id. With `scored`, it keeps the scores of unseen images."""
    scope = scope_of(product_id, "", view)
    with writing(services) as session:
        for before in session.exec(select(ModelVersion).where(ModelVersion.active_key == f"{MEMORY_BANK}:{scope}")):
            before.active_key, before.state = None, "retired"
            session.add(before)
        session.flush()
        first = 100_000 * number
        defects = {f"image:{first + 500 + place}": score for place, score in enumerate(DEFECT_SCORES)}
        goods = {f"image:{first + place}": score for place, score in enumerate(GOOD_SCORES)}
        bank = ModelVersion(
            kind=MEMORY_BANK,
            scope=scope,
            view=view,
            product_id=product_id,
            number=number,
            state="active",
            active_key=f"{MEMORY_BANK}:{scope}",
            model_name="toy",
            object_prefix="models/none/",
            manifest_sha256="0" * 64,
            fingerprint="0" * 64,
            metrics={"normal_scores": goods, "defect_scores": defects} if scored else {},
            sources={"image_ids": {"defect": [int(key.split(":")[1]) for key in defects]}} if scored else {},
        )
        session.add(bank)
        session.flush()
        session.add(ThresholdSetting(model_version_id=bank.id, review_at=30.0, reject_at=50.0, method="manual"))
        session.commit()
        return bank.id


def measure(services: Services, version_id: int, scores: dict[str, tuple[float, str | None]]) -> None:
    """Store what a bank scored test images: by part the score and the code of its type, None for a good one."""
    images = [
        ImageScore(number, f"{part}.png", "0" * 64, part, code, score)
        for number, (part, (score, code)) in enumerate(scores.items(), start=900_000)
    ]
    with writing(services) as session:
        save_measurement(session, version_id, DetectionFigures(), images)
        session.commit()


def with_views(services: Services, product: Product) -> None:
    """Give the product its two views, each with a bank; the bank of before it had views is out of use."""
    with writing(services) as session:
        for row in session.exec(select(ModelVersion).where(ModelVersion.kind == MEMORY_BANK)):
            row.active_key, row.state = None, "retired"
            session.add(row)
        session.commit()
    add_view(services, product.id, CT, found_as="internal")
    add_view(services, product.id, RGB, found_as="external")
    for code in (CT, RGB):
        add_bank(services, product.id, code)


def inspect_plate(
    services: Services, product: Product, person: Person | None = None, **pictures: bytes | list[bytes]
) -> InspectionRecord:
    """Inspect a part by pictures of views, `ct=…, rgb=[…, …]`."""
    given = [
        ViewPicture(code, data, f"P001_{code}.png")
        for code, found in pictures.items()
        for data in (found if isinstance(found, list) else [found])
    ]
    who = person or open_person(services, "worker")
    return inspect_views(services, who, product_id=product.id, pictures=given).record


def name_parts(services: Services, names: dict[int, str]) -> None:
    """Say which part images show."""
    with writing(services) as session:
        for image_id, part in names.items():
            row = session.get(Image, image_id)
            assert row is not None
            row.part = part
            session.add(row)
        session.commit()
