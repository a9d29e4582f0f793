"""Who writes the guidance: one of the registered writers, with its model; a choice applies at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import Session, select

from core.access import ENGINEER, require_role
from core.errors import BadInput, NotFound, from_lower
from core.guidance.writers.registry import FALLBACK, find_writer, list_writers
from core.guidance.writers.specification import ChosenModel, WriterSpecification
from core.registry.choices import save_choice
from core.transactions import reading, writing
from inference.errors import WriterError
from storage.tables import ModelParam

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services
    from core.settings import Settings
    from inference.language.writers import Writer

TEXT_GENERATION = "text_generation"
MAX_NAME_CHARS = 190
_NAME = re.compile(r"\S{1,190}")


@dataclass(frozen=True)
class TextChoice:
    """The writer's name, its model's id at the server ("" without models), whether pictures are sent along.

    `row_version` is 0 while nothing was saved: then the settings decide.
    """

    writer: str
    model: str = ""
    sees_pictures: bool = False
    row_version: int = 0


def default_choice(settings: Settings) -> TextChoice:
    """Return what the environment asks for by naming a model; a key alone sends nothing anywhere."""
    ready = [writer for writer in list_writers() if writer.has_models and writer.is_ready(settings)]
    if not settings.llm_model or not ready:
        return TextChoice(FALLBACK.name)
    return TextChoice(max(ready, key=lambda writer: writer.default_rank).name, settings.llm_model)


def current_text_choice(services: Services) -> TextChoice:
    """Return who writes the next guidance."""
    with reading(services) as session:
        return _chosen(session, services.settings)


def _chosen(session: Session, settings: Settings) -> TextChoice:
    row = session.exec(select(ModelParam).where(ModelParam.purpose == TEXT_GENERATION)).first()
    if row is None or find_writer(row.model_name) is None:
        found = default_choice(settings)
        return TextChoice(found.writer, found.model, found.sees_pictures, 0 if row is None else row.row_version)
    return TextChoice(
        row.model_name, str(row.options.get("model", "")), bool(row.options.get("sees_pictures")), row.row_version
    )


def choose_text_model(services: Services, person: Person, choice: TextChoice) -> TextChoice:
    """Keep who writes from now on; `choice.row_version` is that of the choice that was shown.

    Raises NotAllowed, NotFound(`text_model_unknown`), BadInput(`text_model_name_missing`, `text_model_name_invalid`),
    NotReady(`text_model_needs_key`, `text_model_needs_address`) and Conflict(`stale_save`).
    """
    require_role(services, person, ENGINEER)
    checked = check_text_choice(services.settings, choice)
    with writing(services) as session:
        before = _chosen(session, services.settings)
        row_version = save_choice(
            session,
            person,
            purpose=TEXT_GENERATION,
            name=checked.writer,
            options={"model": checked.model, "sees_pictures": checked.sees_pictures},
            row_version=choice.row_version,
            before=_fields(before),
            after=_fields(checked),
        )
        session.commit()
    return TextChoice(checked.writer, checked.model, checked.sees_pictures, row_version)


def get_writer(choice: TextChoice) -> WriterSpecification:
    """Return what is known of the chosen writer. Raises NotFound(`text_model_unknown`)."""
    writer = find_writer(choice.writer)
    if writer is None:
        raise NotFound("text_model_unknown", name=choice.writer)
    return writer


def check_text_choice(settings: Settings, choice: TextChoice) -> TextChoice:
    """Return the choice with what it needs proved to be there. Raises as `choose_text_model`."""
    writer = get_writer(choice)
    writer.check_settings(settings)
    if not writer.has_models:
        return TextChoice(writer.name, row_version=choice.row_version)
    name = choice.model.strip()
    if not name:
        raise BadInput("text_model_name_missing")
    if not _NAME.fullmatch(name) or not name.isprintable():
        raise BadInput("text_model_name_invalid", limit=MAX_NAME_CHARS)
    return TextChoice(choice.writer, name, choice.sees_pictures, choice.row_version)


def _fields(choice: TextChoice) -> dict[str, object]:
    return {"writer": choice.writer, "model": choice.model, "sees_pictures": choice.sees_pictures}


def open_writer(settings: Settings, choice: TextChoice) -> Writer:
    """Return the writer of the choice. Raises NotReady where its key or address is missing (any more)."""
    checked = check_text_choice(settings, choice)
    chosen = ChosenModel(checked.model, checked.sees_pictures, _secrets(settings))
    return get_writer(checked).open(settings, chosen)


def prepare_writer(services: Services) -> None:
    """Import what the chosen writer's first guidance needs: seconds that nobody should wait for beside a defect."""
    writer = get_writer(current_text_choice(services))
    if writer.prepare is not None:
        writer.prepare()


def _secrets(settings: Settings) -> tuple[str, ...]:
    """Return what nobody may write: every secret that this program knows."""
    keys = [setting.read(settings) for writer in list_writers() for setting in writer.settings if setting.is_secret]
    s3 = (settings.s3.access_key, settings.s3.secret_key) if settings.s3 is not None else ()
    return tuple(found for found in (*keys, *s3) if found)


def list_text_models(services: Services, person: Person, name: str) -> list[str]:
    """Return the models that the server of the writer `name` offers now, none for a writer without models.

    Raises NotAllowed, NotFound(`text_model_unknown`), NotReady and Unavailable.
    """
    require_role(services, person, ENGINEER)
    writer = get_writer(TextChoice(name))
    writer.check_settings(services.settings)
    if writer.connect is None:
        return []
    try:
        return writer.connect(services.settings).list_models()
    except WriterError as error:
        raise from_lower(error) from error
