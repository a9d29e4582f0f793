"""Gauge studies for tests: plans, pictures of one color, and studies that are filled by rows alone."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from PIL import Image as PillowImage
from sqlmodel import select

from core.access import Person
from core.gauge.pictures import NewPicture, PictureOutcome, add_pictures
from core.gauge.planning import create_study, start_study
from core.gauge.records import PlannedAppraiser, PlannedPart, Study, StudyPlan
from core.gauge.studies import load_study
from core.images.records import IncomingFile
from core.services import Services
from core.transactions import writing
from storage.tables import GaugeRating, GaugeStudy, GaugeTrial, ModelVersion, utc_now

REVIEW_AT, REJECT_AT = 20.0, 25.0


def make_plan(product_id: int, **values: Any) -> StudyPlan:
    """Return a plan of four parts, two setups, two repeats and two people by name; `values` differ."""
    usual: dict[str, Any] = {
        "name": "Bracket camera",
        "kind": "both",
        "n_repeats": 2,
        "setups": ("Station A", "Station B"),
        "parts": tuple(
            PlannedPart(f"P{number}", "good" if number < 3 else "defect", "expert") for number in range(1, 5)
        ),
        "appraisers": (PlannedAppraiser("Kim"), PlannedAppraiser("Lee")),
    }
    return StudyPlan(product_id=product_id, **(usual | values))


def start(services: Services, person: Person, plan: StudyPlan) -> Study:
    """Store a plan and start it."""
    study_id = create_study(services, person, plan)
    start_study(services, person, study_id, row_version=load_study(services, study_id).row_version)
    return load_study(services, study_id)


def encode_gray(level: int, mark: int = 0) -> bytes:
    """Return a small picture (PNG) of one gray; `mark` makes it another file, without another look."""
    picture = PillowImage.new("RGB", (48, 48), (level, level, level))
    picture.putpixel((0, 0), (level, level, (level + mark) % 256))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def reader(data: bytes) -> Callable[[], bytes]:
    """Return what reads these bytes."""
    return lambda: data


def photograph(
    services: Services, person: Person, study: Study, level: Callable[[int, int, int], int]
) -> list[PictureOutcome]:
    """Take all pictures: `level` gives the gray of (place of the part, setup, repeat)."""
    places = {part.id: part.place for part in study.parts}
    wanted = [
        NewPicture(
            trial.id,
            IncomingFile(
                f"{trial.position}.png",
                reader(encode_gray(level(places[trial.part_id], trial.setup, trial.repeat_no), mark=trial.position)),
            ),
        )
        for trial in study.trials
        if not trial.is_taken
    ]
    return list(add_pictures(services, person, study.id, wanted))


def fill(
    services: Services,
    study_id: int,
    score: Callable[[int, int, int], float],
    stops: Callable[[str, int, int], bool] | None = None,
) -> None:
    """Fill a started study by rows: `score` of (part, setup, repeat), `stops` of (person, part, repeat)."""
    with writing(services) as session:
        study = session.get(GaugeStudy, study_id)
        assert study is not None
        version = session.exec(select(ModelVersion).where(ModelVersion.product_id == study.product_id)).first()
        study.memory_bank_version_id = version.id if version is not None else None
        study.review_at, study.reject_at = REVIEW_AT, REJECT_AT
        session.commit()
    view = load_study(services, study_id)
    places = {part.id: part.place for part in view.parts}
    names = {one.id: one.name for one in view.appraisers}
    with writing(services) as session:
        for trial in session.exec(select(GaugeTrial).where(GaugeTrial.study_id == study_id)):
            trial.image_key = trial.thumbnail_key = "inspections/part.png"
            trial.original_name, trial.taken_at = f"{trial.position}.png", utc_now()
            trial.image_sha256 = f"{trial.id:064x}"
            if view.with_model:
                trial.score = score(places[trial.part_id], trial.setup, trial.repeat_no)
                trial.verdict = "ok" if trial.score < REVIEW_AT else "review" if trial.score < REJECT_AT else "reject"
        if stops is not None:
            for rating in session.exec(select(GaugeRating).where(GaugeRating.study_id == study_id)):
                stopped = stops(names[rating.appraiser_id], places[rating.part_id], rating.repeat_no)
                rating.verdict = "reject" if stopped else "ok"
                rating.rated_at = utc_now()
        session.commit()
