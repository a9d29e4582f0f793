"""A second opinion on an inspected part: another method, asked on a click and kept; it decides nothing."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import Session, col, select

from core.access import WORKER, require_role
from core.accounts.bindings import require_bound
from core.audit import record
from core.catalog.names import name_product
from core.comparisons.bills import read_meter
from core.comparisons.opinion_choice import MODEL_PREFIX, RUN_PREFIX, read_choice
from core.comparisons.opinion_records import SecondOpinionRecord, StoredPrediction
from core.comparisons.opinion_subjects import (
    InspectedPicture,
    find_picture,
    load_good_pictures,
    load_picture,
    read_types,
)
from core.errors import AppError, NotFound, NotReady, from_lower
from core.files.discarded_objects import discard_objects
from core.methods.models import load_method, read_thresholds
from core.methods.records import LabelWords
from core.methods.registry import find_method
from core.methods.specifications.trained_runs import TRAINED_RUN
from core.methods.trained_networks import has_network, load_network
from core.methods.visual.grounding_weights import load_grounder
from core.methods.visual.vlg import VLG, make_phrases
from core.methods.visual.vlm import VLM, Language, as_language, connect_model, make_question
from core.transactions import reading, writing
from inference.errors import InferenceError
from inference.language.grounding.method import GroundingMethod
from inference.language.visual_questions.method import VisualQuestionMethod
from inference.vision.comparison.predictions import Method, Prediction
from storage.object_store import ObjectStoreError
from storage.tables import Inspection, MethodModel, Product, SecondOpinion, TrainingRun, User

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

_log = logging.getLogger(__name__)

# A vision-language model says good or defective by itself: its score crosses this in the middle.
_MIDDLE = (0.5, 0.5)


def ask_second_opinion(services: Services, person: Person, inspection_id: int, *, language: str) -> SecondOpinionRecord:
    """Ask the product's chosen method about an inspected part, and keep what it said, or why it said nothing.

    Nothing of the inspection changes. Words come in `language`. Raises NotAllowed, NotFound(`not_found`),
    BadInput(`words_language_unknown`), NotReady(`second_opinion_not_chosen`), Unavailable where it cannot be kept.
    """
    require_role(services, person, WORKER)
    spoken = as_language(language)
    with reading(services) as session:
        asked = _Asked.read(session, inspection_id)
        session.expunge_all()
    require_bound(services, person, product_id=asked.product.id)
    started = time.perf_counter()
    answer, prediction, problem = StoredPrediction(), None, None
    try:
        ready = _OPENERS.get(asked.method, _open_trained)(services, asked, spoken)
        prediction = ready.method.predict([load_picture(services, asked.picture)])[0]
        answer = ready.describe(prediction)
        problem = None if prediction.error is None else from_lower(prediction.error)
    except (AppError, InferenceError) as error:
        problem = from_lower(error)
    except Exception as error:  # noqa: BLE001 - whatever a method does, the inspection and its screen go on
        _log.exception("the second opinion on inspection %d failed", inspection_id)
        problem = from_lower(error)
    # Opening a method takes seconds once; the time that counts is that of the image.
    latency_ms = prediction.ms if prediction is not None else (time.perf_counter() - started) * 1000.0
    return _keep(services, person, asked, answer, prediction, problem, latency_ms=latency_ms)


@dataclass(frozen=True)
class _Asked:
    """What is asked about, and which method: `has_view` is False where the method's view was not pictured.

    `model` is the row of a trained method, `run` that of a training run. `references` good parts are shown to a
    vision-language model for comparison.
    """

    inspection_id: int
    product: Product
    method: str
    model: MethodModel | None
    picture: InspectedPicture
    types: tuple[LabelWords, ...]
    references: int = 0
    has_view: bool = True
    run: TrainingRun | None = None

    @classmethod
    def read(cls, session: Session, inspection_id: int) -> _Asked:
        """Return what is stored. Raises NotFound(`not_found`), NotReady(`second_opinion_not_chosen`)."""
        row = session.get(Inspection, inspection_id)
        if row is None:
            raise NotFound("not_found")
        product = session.get_one(Product, row.product_id)
        method, references = read_choice(product.second_opinion)
        model = None
        if method.startswith(MODEL_PREFIX):
            model = session.get(MethodModel, int(method.removeprefix(MODEL_PREFIX)))
            method = "" if model is None else model.method
        run = None
        if method.startswith(RUN_PREFIX):
            run = session.get(TrainingRun, int(method.removeprefix(RUN_PREFIX)))
            method = TRAINED_RUN if run is not None and has_network(run) else ""
        if not method:
            raise NotReady("second_opinion_not_chosen")
        # A trained method judges its own view; the others the picture that decided.
        view = model.view if model is not None else run.view if run is not None else ""
        own = find_picture(session, row, view)
        picture = own or find_picture(session, row)
        assert picture is not None
        return cls(
            row.id, product, method, model, picture, read_types(session, product.id), references, own is not None, run
        )


@dataclass(frozen=True)
class _Ready:
    """A method that can be asked, with its thresholds (review, reject)."""

    method: Method
    thresholds: tuple[float, float] | None = None
    model: str = ""

    def describe(self, prediction: Prediction) -> StoredPrediction:
        """Return what is kept of its prediction."""
        model = self.method.model if isinstance(self.method, VisualQuestionMethod) else self.model
        return StoredPrediction.of(prediction, thresholds=self.thresholds, model=model, bill=read_meter(self.method))


def _open_vlm(services: Services, asked: _Asked, language: Language) -> _Ready:
    question = make_question(
        services,
        product_id=asked.product.id,
        product=name_product(asked.product, language),
        types=asked.types,
        view=asked.picture.view,
        modality=asked.picture.modality,
        language=language,
    )
    good = load_good_pictures(services, asked.product.id, asked.picture, asked.references)
    return _Ready(connect_model(services, question, references=good), _MIDDLE)


def _open_vlg(services: Services, asked: _Asked, _language: Language) -> _Ready:
    return _Ready(GroundingMethod(load_grounder(services), make_phrases(asked.types)))


def _open_trained(services: Services, asked: _Asked, _language: Language) -> _Ready:
    assert asked.model is not None
    if not asked.has_view:
        raise NotReady("second_opinion_view_missing", view=asked.model.view)
    found = read_thresholds(asked.model)
    thresholds = None if found is None else (found.review_at, found.reject_at)
    return _Ready(load_method(services, asked.model), thresholds)


def _open_run(services: Services, asked: _Asked, _language: Language) -> _Ready:
    assert asked.run is not None
    if not asked.has_view:
        raise NotReady("second_opinion_view_missing", view=asked.run.view)
    method = load_network(services, asked.run)
    threshold = method.description.threshold
    return _Ready(method, (threshold, threshold), asked.run.name)


_OPENERS: dict[str, Callable[[Services, _Asked, Language], _Ready]] = {
    VLM: _open_vlm,
    VLG: _open_vlg,
    TRAINED_RUN: _open_run,
}


def _keep(
    services: Services,
    person: Person,
    asked: _Asked,
    answer: StoredPrediction,
    prediction: Prediction | None,
    problem: AppError | None,
    *,
    latency_ms: float,
) -> SecondOpinionRecord:
    from inference.vision.images.encoding import encode_map

    map_key = ""
    if prediction is not None and prediction.anomaly_map is not None:
        # Beside the picture: "…-image.png" and "…-opinion-….png" belong to one inspection.
        stem = asked.picture.image_key.rpartition("-")[0] or asked.picture.image_key
        map_key = f"{stem}-opinion-{uuid.uuid4().hex[:12]}.png"
        try:
            services.objects.put(map_key, encode_map(prediction.anomaly_map))
        except ObjectStoreError as error:
            raise from_lower(error, name=asked.picture.original_name) from error
    row = SecondOpinion(
        inspection_id=asked.inspection_id,
        method=asked.method,
        method_model_id=None if asked.model is None else asked.model.id,
        view=asked.picture.view,
        prediction=answer.to_json(),
        map_key=map_key,
        latency_ms=latency_ms,
        error_code=None if problem is None else problem.code,
        error_params={} if problem is None else _plain(problem.params),
        created_by=person.id,
    )
    try:
        with writing(services) as session:
            session.add(row)
            session.flush()
            told = {"inspection_id": asked.inspection_id, "method": row.method, "error": row.error_code or ""}
            record(session, person, "inspection.second_opinion", "second_opinion", row.id, **told)
            session.commit()
            return _describe(session, row)
    except AppError:
        if map_key:
            discard_objects(services, [map_key])
        raise


def _plain(params: dict[str, object]) -> dict[str, object]:
    """Return what a JSON column takes; anything else as its text."""
    kinds = (str, int, float, bool, type(None), dict)
    return {name: value if isinstance(value, kinds) else str(value) for name, value in params.items()}


def has_second_opinion(services: Services, inspection_id: int) -> bool:
    """Return whether a second opinion on an inspection can be asked for, or is there already."""
    with reading(services) as session:
        chosen = session.exec(
            select(Product.second_opinion)
            .join(Inspection, col(Inspection.product_id) == col(Product.id))
            .where(Inspection.id == inspection_id)
        ).first()
        kept = select(SecondOpinion.id).where(SecondOpinion.inspection_id == inspection_id).limit(1)
        return bool(chosen) or session.exec(kept).first() is not None


def list_second_opinions(services: Services, inspection_id: int) -> list[SecondOpinionRecord]:
    """Return the second opinions on an inspection, the newest first."""
    with reading(services) as session:
        rows = session.exec(
            select(SecondOpinion)
            .where(SecondOpinion.inspection_id == inspection_id)
            .order_by(col(SecondOpinion.id).desc())
        ).all()
        return [_describe(session, row) for row in rows]


def _describe(session: Session, row: SecondOpinion) -> SecondOpinionRecord:
    person = session.get(User, row.created_by) if row.created_by is not None else None
    try:
        title = find_method(row.method).title
    except NotFound:
        title = row.method
    return SecondOpinionRecord(
        id=row.id,
        inspection_id=row.inspection_id,
        method=row.method,
        title=title,
        model_id=row.method_model_id,
        view=row.view,
        prediction=StoredPrediction.from_json(row.prediction),
        map_key=row.map_key,
        latency_ms=row.latency_ms,
        problem=None if row.error_code is None else AppError(row.error_code, **row.error_params),
        created_at=row.created_at,
        person_name="" if person is None else person.display_name,
    )


def draw_second_opinion(services: Services, opinion: SecondOpinionRecord) -> bytes:
    """Return the part as JPEG with the method's map or boxes. Raises NotFound(`object_missing`), Unavailable."""
    from core.methods.drawing import draw_prediction
    from inference.vision.images.decode import decode_map

    with reading(services) as session:
        row = session.get(Inspection, opinion.inspection_id)
        picture = None if row is None else find_picture(session, row, opinion.view)
    if picture is None:
        raise NotFound("not_found")
    pixels = load_picture(services, picture)
    try:
        heat = decode_map(services.objects.get(opinion.map_key)) if opinion.map_key else None
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error, name=picture.original_name) from error
    score, thresholds = opinion.prediction.score, opinion.prediction.thresholds
    # Thresholds are of the score: they color a map of the same unit alone, whose highest place is the score.
    is_same_unit = heat is not None and score is not None and abs(float(heat.max()) - score) <= 0.02 * abs(score)
    return draw_prediction(
        pixels,
        boxes=opinion.prediction.boxes,
        anomaly_map=heat,
        thresholds=thresholds if is_same_unit else None,
    )
