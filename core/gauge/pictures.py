"""The pictures of a study: each part is photographed anew at every repeat, and every picture has its planned place.

They are no inspections: they count in no statistics and no shift counter, and nothing is announced of them. Their
objects lie in a folder of their own, and go with the study.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import update
from sqlmodel import col, select

from core.access import ENGINEER, require_role
from core.audit import record
from core.errors import AppError, BadInput, Conflict, NotFound, from_lower
from core.files.discarded_objects import discard_objects
from core.files.file_names import clean_file_name
from core.gauge.studies import SUBJECT, get_row
from core.gauge.terms import RUNNING
from core.identity import GAUGE
from core.images.bit_depth import Reading, get_bit_depth, read_bit_depth
from core.images.preparation import prepare
from core.images.records import FileOutcome, IncomingFile, IngestItem, Label
from core.images.storing import CONTENT_TYPES, ENDINGS
from core.inspections.colormap import fit_within
from core.transactions import HasDatabase, reading, writing
from inference.errors import InferenceError
from storage.object_store import ObjectStoreError
from storage.tables import GaugePart, GaugeRating, GaugeStudy, GaugeTrial, ModelVersion, utc_now

if TYPE_CHECKING:
    from core.access import Person
    from core.images.records import PreparedImage
    from core.services import Services

SCREEN_PX = 1200


@dataclass(frozen=True)
class NewPicture:
    """A file for the planned picture `trial_id`, and where it comes from where it is a copy."""

    trial_id: int
    file: IncomingFile
    inspection_id: int | None = None
    image_id: int | None = None


@dataclass(frozen=True)
class PictureOutcome:
    """What became of a file: it is stored, or `error` says why not."""

    trial_id: int
    name: str
    error: AppError | None = None


def add_pictures(
    services: Services, person: Person, study_id: int, pictures: Iterable[NewPicture]
) -> Iterator[PictureOutcome]:
    """Store pictures at their planned places and yield what became of each; one that is refused stops no other.

    The same picture twice is refused: the score of one and the same picture never varies, and would make the system
    look better than it is. Raises NotAllowed, NotFound, Conflict gauge_not_running; while iterating AppError of a
    store that is away.
    """
    require_role(services, person, ENGINEER)
    with reading(services) as session:
        study = get_row(session, study_id)
        if study.state != RUNNING:
            raise Conflict("gauge_not_running")
    depth = _find_depth(services, study)
    return (_add(services, person, study, depth, picture) for picture in pictures)


def remove_picture(services: Services, person: Person, study_id: int, trial_id: int) -> None:
    """Take a picture out, so that it is taken again; what the model said of it goes with it.

    Raises NotFound, Conflict gauge_not_running, gauge_picture_rated.
    """
    require_role(services, person, ENGINEER)
    with writing(services) as session:
        study = get_row(session, study_id)
        trial = session.get(GaugeTrial, trial_id)
        if trial is None or trial.study_id != study_id:
            raise NotFound("not_found")
        if study.state != RUNNING:
            raise Conflict("gauge_not_running")
        rated = select(GaugeRating.id).where(GaugeRating.study_id == study_id, GaugeRating.trial_id == trial_id)
        if session.exec(rated.limit(1)).first() is not None:
            raise Conflict("gauge_picture_rated")
        keys = [key for key in (trial.image_key, trial.thumbnail_key) if key]
        if not keys:
            return
        record(session, person, "gauge_study.picture_removed", SUBJECT, study_id, picture=trial.original_name)
        trial.image_key = trial.thumbnail_key = trial.image_sha256 = trial.original_name = ""
        trial.taken_at = trial.taken_by = trial.inspection_id = trial.image_id = None
        trial.score, trial.verdict, trial.judged_at = None, "", None
        trial.error_code, trial.error_params = "", {}
        session.commit()
    discard_objects(services, keys)


def read_for_screen(services: Services, study_id: int, trial_id: int) -> bytes:
    """Return a picture as a JPEG for the screen, no side longer than SCREEN_PX. Raises NotFound, Unavailable."""
    from inference.vision.images.decode import decode, encode_jpeg

    with reading(services) as session:
        study = get_row(session, study_id)
        trial = session.get(GaugeTrial, trial_id)
    if trial is None or trial.study_id != study_id or not trial.image_key:
        raise NotFound("not_found")
    key = ("gauge", trial.image_key)
    kept = services.pictures.get(key)
    if kept is None:
        try:
            data = services.objects.get(trial.image_key)
            pixels = decode(data, file_name=trial.original_name, bit_depth=_find_depth(services, study)).pixels
        except (ObjectStoreError, InferenceError) as error:
            raise from_lower(error, name=trial.original_name) from error
        kept = encode_jpeg(fit_within(pixels, SCREEN_PX), 90)
        services.pictures.put(key, kept)
    return kept


def _find_depth(services: HasDatabase, study: GaugeStudy) -> Reading:
    """Return the bit depth of the bank that judges, or of the product while none has judged."""
    if study.memory_bank_version_id is not None:
        with reading(services) as session:
            bank = session.get(ModelVersion, study.memory_bank_version_id)
        if bank is not None:
            return read_bit_depth(bank.preprocessing)
    return get_bit_depth(services, study.product_id, study.view)


def _add(services: Services, person: Person, study: GaugeStudy, depth: Reading, picture: NewPicture) -> PictureOutcome:
    name = clean_file_name(picture.file.name, with_folders=True)
    prepared = prepare(IngestItem(picture.file, Label("normal", "test")), bit_depth=depth)
    if isinstance(prepared, FileOutcome):
        return PictureOutcome(picture.trial_id, name, prepared.error)
    try:
        _store(services, person, study, picture, prepared, name)
    except (BadInput, Conflict, NotFound) as error:
        return PictureOutcome(picture.trial_id, name, error)
    return PictureOutcome(picture.trial_id, name)


def _store(
    services: Services, person: Person, study: GaugeStudy, picture: NewPicture, prepared: PreparedImage, name: str
) -> None:
    """Put the objects, then fill the planned row: whoever is faster fills it."""
    _refuse_twice(services, study, prepared.content_sha256, name)
    stem = f"{GAUGE}{study.id}/{prepared.token}"
    image_key, thumbnail_key = stem + ENDINGS[prepared.format], f"{stem}-thumbnail.jpg"
    try:
        services.objects.put(image_key, prepared.data, content_type=CONTENT_TYPES[prepared.format])
        services.objects.put(thumbnail_key, prepared.thumbnail, content_type="image/jpeg")
    except ObjectStoreError as error:
        discard_objects(services, [image_key, thumbnail_key])
        raise from_lower(error, name=name) from error
    values = {
        "image_key": image_key,
        "thumbnail_key": thumbnail_key,
        "image_sha256": prepared.content_sha256,
        "original_name": name[-255:],
        "taken_at": utc_now(),
        "taken_by": person.id,
        "inspection_id": picture.inspection_id,
        "image_id": picture.image_id,
    }
    of_study = (col(GaugeTrial.id) == picture.trial_id, col(GaugeTrial.study_id) == study.id)
    with writing(services) as session:
        # A study that was ended or deleted meanwhile takes no picture.
        state = session.exec(select(GaugeStudy.state).where(GaugeStudy.id == study.id)).first()
        filled = update(GaugeTrial).where(*of_study, col(GaugeTrial.image_key) == "").values(**values)
        done = state == RUNNING and session.execute(filled).rowcount == 1  # type: ignore[attr-defined]
        if done:
            session.commit()
    if not done:
        discard_objects(services, [image_key, thumbnail_key])
        raise Conflict("gauge_not_running") if state != RUNNING else Conflict("gauge_picture_there", name=name)


def _refuse_twice(services: HasDatabase, study: GaugeStudy, sha256: str, name: str) -> None:
    query = (
        select(GaugePart.name)
        .join(GaugeTrial, col(GaugeTrial.part_id) == col(GaugePart.id))
        .where(GaugeTrial.study_id == study.id, GaugeTrial.image_sha256 == sha256)
    )
    with reading(services) as session:
        part = session.exec(query.limit(1)).first()
    if part is not None:
        raise BadInput("gauge_picture_twice", name=name, part=part)
