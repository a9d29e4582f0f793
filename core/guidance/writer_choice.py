"""Who writes the guidance: the manual quoted, Claude, or a server of one's own; a choice applies at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from sqlmodel import Session, select

from core.access import ENGINEER, require_role
from core.errors import BadInput, NotFound, NotReady, from_lower
from core.i18n import N_
from core.registry.choices import save_choice
from core.transactions import reading, writing
from inference.errors import WriterError
from inference.language.extractive import EXTRACTIVE, ExtractiveWriter
from storage.tables import ModelParam

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services
    from core.settings import Settings
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
    from inference.language.model_servers import open_claude, open_compatible

    if checked.writer == CLAUDE:
        key = settings.anthropic_api_key or ""
        return ChatWriter(
            checked.model,
            lambda: open_claude(checked.model, api_key=key, base_url=settings.anthropic_base_url, timeout_s=TIMEOUT_S),
            sees_pictures=checked.sees_pictures,
            secrets=_secrets(settings),
        )
    address = settings.llm_base_url or ""
    return ChatWriter(
        checked.model,
        lambda: open_compatible(checked.model, base_url=address, api_key=settings.llm_api_key, timeout_s=TIMEOUT_S),
        sees_pictures=checked.sees_pictures,
        secrets=_secrets(settings),
    )


def _secrets(settings: Settings) -> tuple[str, ...]:
    """Return what no answer may hold: every secret that this program knows."""
    s3 = (settings.s3.access_key, settings.s3.secret_key) if settings.s3 is not None else ()
    return tuple(found for found in (settings.anthropic_api_key, settings.llm_api_key, *s3) if found)


def list_text_models(services: Services, person: Person, writer: str) -> list[str]:
    """Return the models that the server of `writer` offers now. Raises NotAllowed, NotReady, Unavailable."""
    require_role(services, person, ENGINEER)
    settings = services.settings
    check_text_choice(settings, TextChoice(writer, "any"))
    from inference.language.model_servers import list_models

    is_claude = writer == CLAUDE
    try:
        return list_models(
            cast(Literal["claude", "compatible"], writer),
            base_url=settings.anthropic_base_url if is_claude else settings.llm_base_url,
            api_key=settings.anthropic_api_key if is_claude else settings.llm_api_key,
        )
    except WriterError as error:
        raise from_lower(error) from error
