"""Who writes the guidance: the manual quoted, Claude, or a server of one's own; a choice applies at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import Session, select

from core.access import ENGINEER, require_role
from core.audit import find_changes, record, stale_save
from core.errors import BadInput, NotFound, NotReady, from_lower
from core.i18n import N_
from core.transactions import reading, writing
from inference.errors import WriterError
from inference.language.extractive import EXTRACTIVE, ExtractiveWriter
from storage.tables import ModelParam, utc_now

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services
    from core.settings import Settings
    from inference.language.model_servers.interface import ModelServer
    from inference.language.writers import Writer

TEXT_GENERATION = "text_generation"
CLAUDE, COMPATIBLE = "claude", "compatible"
WRITER_NAMES: dict[str, str] = {
    EXTRACTIVE: N_("Quote the manual"),
    CLAUDE: N_("Claude"),
    COMPATIBLE: N_("A server of your own"),
}
WRITER_DESCRIPTIONS: dict[str, str] = {
    EXTRACTIVE: N_(
        "The manual's own steps, word for word, sorted and without repetition. Needs no network and no model."
    ),
    CLAUDE: N_(
        "Claude writes the steps from the manual's passages. What it is told leaves this network: product, defect, "
        "scores, past actions and the passages."
    ),
    COMPATIBLE: N_(
        "Any server with the interface of OpenAI's chat completions writes the steps: vLLM, Ollama, llama.cpp "
        "and others."
    ),
}
KEY_VARIABLE, ADDRESS_VARIABLE = "ANTHROPIC_API_KEY", "GEOMSA_LLM_BASE_URL"
TIMEOUT_S = 60.0
MAX_NAME_CHARS = 190
_NAME = re.compile(r"\S{1,190}")


@dataclass(frozen=True)
class TextChoice:
    """The way of writing, its model's name at the server ("" for quoting), whether pictures are sent along.

    `row_version` is 0 while nothing was saved: then the settings decide.
    """

    writer: str
    model: str = ""
    sees_pictures: bool = False
    row_version: int = 0


def default_choice(settings: Settings) -> TextChoice:
    """Return what the environment asks for by naming a model; a key alone sends nothing anywhere."""
    if settings.llm_model and settings.llm_base_url:
        return TextChoice(COMPATIBLE, settings.llm_model)
    if settings.llm_model and settings.anthropic_api_key:
        return TextChoice(CLAUDE, settings.llm_model)
    return TextChoice(EXTRACTIVE)


def current_text_choice(services: Services) -> TextChoice:
    """Who writes the next guidance."""
    with reading(services) as session:
        return _chosen(session, services.settings)


def _chosen(session: Session, settings: Settings) -> TextChoice:
    row = session.exec(select(ModelParam).where(ModelParam.purpose == TEXT_GENERATION)).first()
    if row is None or row.model_name not in WRITER_NAMES:
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
        row = session.exec(select(ModelParam).where(ModelParam.purpose == TEXT_GENERATION)).first()
        found_version, row_id = (row.row_version, row.id or 0) if row is not None else (0, 0)
        if found_version != choice.row_version:
            raise stale_save(session, subject_type="model_choice", subject_id=row_id, row_version=choice.row_version)
        before = _chosen(session, services.settings)
        if row is None:
            row = ModelParam(purpose=TEXT_GENERATION, model_name=checked.writer, row_version=0)
        row.model_name = checked.writer
        row.options = {"model": checked.model, "sees_pictures": checked.sees_pictures}
        row.updated_at, row.updated_by, row.row_version = utc_now(), person.id, row.row_version + 1
        session.add(row)
        session.flush()
        changes = find_changes(_fields(before), _fields(checked))
        record(session, person, "model.choose", "model_choice", row.id, row_version=row.row_version, changes=changes)
        session.commit()
        return TextChoice(checked.writer, checked.model, checked.sees_pictures, row.row_version)


def check_text_choice(settings: Settings, choice: TextChoice) -> TextChoice:
    """Return the choice with what it needs proved to be there. Raises as `choose_text_model`."""
    if choice.writer not in WRITER_NAMES:
        raise NotFound("text_model_unknown", name=choice.writer)
    if choice.writer == EXTRACTIVE:
        return TextChoice(EXTRACTIVE, row_version=choice.row_version)
    if choice.writer == CLAUDE and not settings.anthropic_api_key:
        raise NotReady("text_model_needs_key", variable=KEY_VARIABLE)
    if choice.writer == COMPATIBLE and not settings.llm_base_url:
        raise NotReady("text_model_needs_address", variable=ADDRESS_VARIABLE)
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
    if checked.writer == EXTRACTIVE:
        return ExtractiveWriter()
    from inference.language.chat_writer import ChatWriter

    server = _open_server(settings, checked.writer)
    return ChatWriter(checked.model, server, sees_pictures=checked.sees_pictures, secrets=_secrets(settings))


def _open_server(settings: Settings, writer: str) -> ModelServer:
    from inference.language.model_servers.claude import ClaudeServer
    from inference.language.model_servers.compatible import CompatibleServer

    if writer == CLAUDE:
        return ClaudeServer(
            api_key=settings.anthropic_api_key, base_url=settings.anthropic_base_url, timeout_s=TIMEOUT_S
        )
    return CompatibleServer(api_key=settings.llm_api_key, base_url=settings.llm_base_url or "", timeout_s=TIMEOUT_S)


def _secrets(settings: Settings) -> tuple[str, ...]:
    """Return what no answer may hold: every secret that this program knows."""
    s3 = (settings.s3.access_key, settings.s3.secret_key) if settings.s3 is not None else ()
    return tuple(found for found in (settings.anthropic_api_key, settings.llm_api_key, *s3) if found)


def list_text_models(services: Services, person: Person, writer: str) -> list[str]:
    """Return the models that the server of `writer` offers now. Raises NotAllowed, NotReady, Unavailable."""
    require_role(services, person, ENGINEER)
    check_text_choice(services.settings, TextChoice(writer, "any"))
    try:
        return _open_server(services.settings, writer).list_models()
    except WriterError as error:
        raise from_lower(error) from error
