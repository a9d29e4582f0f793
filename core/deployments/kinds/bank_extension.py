"""Whether new normal images can be added to the memory bank in use, and adding them: the old ones are not seen again.

The old rows stay, the new images' patches come to them. Every version stores for that (`BankGrowth`) what its normal
images were, their cross-fitted scores, and how far it is from the last bank built whole.
Thresholds then stand on the old scores, and on those that the old bank gives the new images, which it has not seen.
An old score is if anything a little high for the larger bank: the careful side.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlmodel import Session, func, select

from core.images.outliers import KEPT
from core.images.training import key_of, of_view, training_rows
from core.models.detection_figures import BankFigures
from core.models.kinds import MEMORY_BANK
from core.models.options import DETECTION
from core.models.sources import BankGrowth, BankSources
from core.preprocessing.stored_options import read_preprocessing
from core.registry.choices import Choice, chosen_for
from core.registry.fingerprints import BUILD_REVISION, fingerprints
from core.registry.versions import active_version, place_of
from inference.errors import InferenceError
from inference.vision.detection.registry import find_detector
from storage.object_store import ObjectStoreError
from storage.tables import Image, ModelVersion

if TYPE_CHECKING:
    from pathlib import Path

    from core.jobs.progress import JobRun
    from core.models.head_figures import HeadFigures
    from core.models.input_figures import InputFigures
    from inference.vision.detection.detector import (
        Detector,
        DetectorConfig,
        ExtendableDetector,
        ImageSource,
        Progress,
        Refusal,
    )
    from inference.vision.detection.specification import AnyDetectorSpec

# New images, as a share of those in the bank: at a time, and since the last bank that was built whole.
MOST_AT_ONCE = 0.25
MOST_SINCE_WHOLE = 0.5
# How much farther from its bank a patch may be than from the last one that was built whole.
WIDEST = 1.5
# Why a bank is built whole after all, as a line of the job's log.
_REFUSALS: dict[Refusal, str] = {
    "set_otherwise": "log_bank_set_otherwise",
    "lit_otherwise": "log_bank_lit_otherwise",
}


@dataclass(frozen=True)
class Extension:
    """The memory bank in use, of `n_known` images, can be extended by `added`, the normal images that came after it."""

    version: ModelVersion
    growth: BankGrowth
    added: tuple[Image, ...]
    n_known: int


@dataclass(frozen=True)
class TrainedBank:
    """A detector with the scores, by key, of normal images that the bank behind the score has not seen.

    `skipped` are the images that could not be used, by key. `growth` is stored in the version's sources; None for a
    detector that cannot be extended. `set_apart` are the scores of the images that do not belong to the others, those
    above `set_apart_at`. A detector that was taught with labeled defects has `head`, and `defect_scores` by models that
    have not seen them; None for one that was not taught. `input_choice` is how the last whole build chose to look at
    the images.
    """

    model: Detector
    normal_scores: Mapping[str, float]
    skipped: Mapping[str, InferenceError]
    growth: BankGrowth | None = None
    set_apart: Mapping[str, float] = field(default_factory=dict)
    set_apart_at: float | None = None
    head: HeadFigures | None = None
    defect_scores: Mapping[str, float] | None = None
    input_choice: InputFigures | None = None


# --- the decision ----------------------------------------------------------------------------------------------------


def find_extension(
    session: Session, product_id: int, view: str = "", *, rows: Sequence[Image] | None = None
) -> Extension | None:
    """Return how the next build can extend the memory bank in use, as far as the database can tell; None: it cannot.

    It can when nothing but a few normal images came since: the same model, options, preprocessing and revision of our
    code, every old image and every labeled defect there and as it was. What is up to date, or was built from
    just this already, is built whole: asking for it again is asking for that. `rows` are the normal training images,
    where the caller has them.
    """
    version = active_version(session, MEMORY_BANK, product_id, view=view)
    if version is None:
        return None
    sources = BankSources.from_json(version.sources)
    growth, known = sources.growth, set(sources.normal_ids)
    if growth is None or growth.revision != BUILD_REVISION:
        return None
    if not _set_alike(session, version, sources, chosen_for(session, DETECTION, product_id, view)):
        return None
    # First by their number: it is asked for every product of a screen, and most have nothing new.
    if not _are_few((_count_normals(session, product_id, view) if rows is None else len(rows)) - len(known), growth):
        return None
    now = training_rows(session, product_id, "normal", view) if rows is None else rows
    added = tuple(row for row in now if row.id not in known)
    still_there = [row for row in now if row.id in known]
    if _digest(still_there) != growth.normals_sha256 or not _are_few(len(added), growth):
        return None
    if not _taught_alike(growth, training_rows(session, product_id, "defect", view)):
        return None
    return None if _was_built(session, product_id, view) else Extension(version, growth, added, len(known))


def _count_normals(session: Session, product_id: int, view: str) -> int:
    query = select(func.count()).select_from(Image)
    query = query.where(Image.product_id == product_id, Image.image_type == "normal", Image.split == "train")
    query = query.where(*of_view(view))
    return int(session.exec(query).one())


def _are_few(added: int, growth: BankGrowth) -> bool:
    n_whole, n_since = growth.n_whole, growth.n_since_whole
    few_now = 0 < added <= MOST_AT_ONCE * (n_whole + n_since)
    return few_now and n_since + added <= MOST_SINCE_WHOLE * n_whole


def _set_alike(session: Session, version: ModelVersion, sources: BankSources, choice: Choice) -> bool:
    from inference.vision.images.preprocessing import Preprocessing

    if not find_detector(choice.option.method).can_extend or choice.option.name != version.model_name:
        return False
    if sources.options != choice.options:
        return False
    try:
        return read_preprocessing(session, version.product_id or 0, version.view) == Preprocessing.from_dict(
            version.preprocessing
        )
    except InferenceError:
        return False  # written by another release: the build says what is wrong with it


def _was_built(session: Session, product_id: int, view: str) -> bool:
    now = fingerprints(session, [product_id]).get((MEMORY_BANK, product_id, place_of("", view)), "")
    query = select(ModelVersion.id).where(
        ModelVersion.kind == MEMORY_BANK,
        ModelVersion.product_id == product_id,
        ModelVersion.view == view,
        ModelVersion.fingerprint == now,
    )
    return session.exec(query.limit(1)).first() is not None


# --- what is stored for the next time --------------------------------------------------------------------------------


def note_whole(
    model: ExtendableDetector | None, rows: Sequence[Image], defects: Sequence[Image], scores: Mapping[str, float]
) -> BankGrowth | None:
    """Return what to store with a version whose bank was built whole from these normal images; None: nothing."""
    if model is None or not math.isfinite(model.reach):
        return None
    return BankGrowth(
        revision=BUILD_REVISION,
        normals_sha256=_digest(rows),
        normal_scores=_finite(scores),
        n_whole=len(rows),
        n_since_whole=0,
        whole_radius=model.reach,
        labels_sha256=digest_labels(defects),
    )


def _finite(scores: Mapping[str, float]) -> dict[str, float]:
    return {key: score for key, score in scores.items() if math.isfinite(score)}


def digest_labels(defects: Sequence[Image]) -> str:
    """Return one hash of what labeled defects teach: which images they are, their types and masks."""
    text = json.dumps(sorted((row.id, row.content_sha256, row.defect_type_id, row.mask_key) for row in defects))
    return hashlib.sha256(text.encode()).hexdigest()


def _taught_alike(growth: BankGrowth, defects: Sequence[Image]) -> bool:
    """Return whether a build of now would be taught with just the labeled defects that the bank in use was."""
    from inference.vision.detection.defect_head.training import FEWEST_DEFECTS

    if growth.labels_sha256 is None:
        return len(defects) < FEWEST_DEFECTS
    return growth.labels_sha256 == digest_labels(defects)


def _digest(rows: Sequence[Image]) -> str:
    """Return one hash of which images these are, what they hold, and which parts were named."""
    text = json.dumps(sorted((row.id, row.content_sha256, *([row.part] if row.part else [])) for row in rows))
    return hashlib.sha256(text.encode()).hexdigest()


# --- extending -------------------------------------------------------------------------------------------------------


def extend(
    run: JobRun,
    label: str,
    extension: Extension,
    spec: AnyDetectorSpec,
    rows: Sequence[Image],
    sources: Sequence[ImageSource],
    config: DetectorConfig,
    *,
    weights: Path | None,
    progress: Progress,
) -> TrainedBank | None:
    """Extend the bank in use; `rows` are all its normal images and `sources` the same for the engine.

    None, with a line in the log that says why, where the bank has to be built whole after all: it cannot be opened,
    was made with other settings or weights, the light has to be treated otherwise now, or the new images are so
    unlike the old ones that a bank of its size does not cover both. Raises JobLost and JobCancelled.
    """
    number = extension.version.number
    try:
        found = _extend(run, extension, spec, rows, sources, config, weights=weights, progress=progress)
    except (InferenceError, ObjectStoreError) as error:
        params = {key: str(value) for key, value in error.params.items()}
        run.log("log_bank_not_extended", product=label, number=number, reason=error.code, reason_params=params)
        return None
    if isinstance(found, str):
        run.log(found, product=label, number=number)
        return None
    run.log("log_bank_extended", product=label, number=number, n_images=len(extension.added))
    return found


def _extend(
    run: JobRun,
    extension: Extension,
    spec: AnyDetectorSpec,
    rows: Sequence[Image],
    sources: Sequence[ImageSource],
    config: DetectorConfig,
    *,
    weights: Path | None,
    progress: Progress,
) -> TrainedBank | str:
    from inference.vision.detection.even_sample import sample_scores
    from inference.vision.detection.purity import find_outliers

    growth = extension.growth
    old = spec.as_extendable(run.services.models.memory_bank(extension.version))
    if old is None:
        return _REFUSALS["set_otherwise"]
    if refusal := old.refuse_extension(sources, config, weights=weights, progress=progress):
        return _REFUSALS[refusal]
    # Also those that could not be read the last time.
    known = set(old.training_keys)
    unknown = [source for source in sources if source.key not in known]
    features = old.extract(unknown, progress=progress)
    # A new exposure of a part that the bank knows is no unseen image.
    seen_parts = {source.part_key for source in sources if source.key in known}
    new_scores = old.score_unseen(features, seen_parts=seen_parts, progress=progress).scores
    found = find_outliers({**growth.normal_scores, **new_scores}, kept=kept_keys(rows))
    set_apart = {key: score for key, score in found.scores.items() if key in new_scores}
    belonging = spec.leave_out(features, set_apart) if set_apart else features
    if belonging is None:
        return "log_bank_too_wide"
    model = old.extend(belonging, progress=progress)
    if model.reach > WIDEST * growth.whole_radius:
        return "log_bank_too_wide"
    scores = {**growth.normal_scores, **{key: score for key, score in new_scores.items() if key not in set_apart}}
    scores = sample_scores(scores, [source.key for source in sources])
    grown = replace(
        growth,
        normals_sha256=_digest(rows),
        normal_scores=_finite(scores),
        n_since_whole=growth.n_since_whole + len(extension.added),
        extends=extension.version.number,
        n_added=len(extension.added),
    )
    before = BankFigures.from_json(extension.version.metrics)
    return TrainedBank(
        model,
        scores,
        features.skipped,
        grown,
        set_apart=set_apart,
        set_apart_at=found.limit if math.isfinite(found.limit) else None,
        head=before.head,
        # The head has seen the labeled defects: their scores by others are those that it was taught with.
        defect_scores=before.defect_scores if before.head is not None else None,
        input_choice=before.input_choice,
    )


def kept_keys(rows: Sequence[Image]) -> set[str]:
    """Return the engine's keys of the images of which a person has said that they are really good."""
    return {key_of(row) for row in rows if row.outlier_state == KEPT}
