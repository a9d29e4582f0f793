"""Which model that sees is asked, chosen by an engineer. While none is chosen nothing leaves this program."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import select

from core.access import ENGINEER, require_role
from core.errors import AppError, BadInput, NotFound, NotReady, from_lower
from core.methods.visual.servers import OFF, SERVERS, VisualServer, find_server
from core.registry.choices import save_choice
from core.transactions import HasDatabase, reading, writing
from inference.errors import WriterError
from inference.language.visual_questions.question import BOX_CONVENTIONS, BoxConvention, convention_of
from storage.tables import ModelParam

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services
    from core.settings import Settings

VISUAL_QUESTIONS = "visual_questions"
MAX_NAME_CHARS = 190
# Boxes as the model's name tells.
BY_NAME = ""
_NAME = re.compile(r"\S{1,190}")


@dataclass(frozen=True)
class VisualChoice:
    """The server's name ("off": none), its model's id, and how that model writes boxes ("": as its name tells).

    `row_version` is 0 while nothing was saved.
    """

    server: str = OFF
    model: str = ""
    boxes: str = BY_NAME
    row_version: int = 0

    @property
    def convention(self) -> BoxConvention:
        """Return how the model writes boxes."""
        written = next((convention for convention in BOX_CONVENTIONS if convention == self.boxes), None)
        return written or convention_of(self.model)


def current_visual_choice(services: HasDatabase) -> VisualChoice:
    """Return the model that is asked from now on."""
    with reading(services) as session:
        row = session.exec(select(ModelParam).where(ModelParam.purpose == VISUAL_QUESTIONS)).first()
        if row is None or find_server(row.model_name) is None:
            return VisualChoice(row_version=0 if row is None else row.row_version)
        model, boxes = str(row.options.get("model", "")), str(row.options.get("boxes", BY_NAME))
        return VisualChoice(row.model_name, model, boxes if boxes in BOX_CONVENTIONS else BY_NAME, row.row_version)


def choose_visual_model(services: Services, person: Person, choice: VisualChoice) -> VisualChoice:
    """Keep which model is asked from now on; `choice.row_version` is that of the choice that was shown.

    Raises NotAllowed, NotFound(`vlm_server_unknown`), BadInput(`vlm_name_missing`, `vlm_name_invalid`,
    `vlm_boxes_unknown`), NotReady(`vlm_needs_address`, `vlm_needs_key`) and Conflict(`stale_save`).
    """
    require_role(services, person, ENGINEER)
    checked = _check(services.settings, choice)
    before = current_visual_choice(services)
    with writing(services) as session:
        row_version = save_choice(
            session,
            person,
            purpose=VISUAL_QUESTIONS,
            name=checked.server,
            options={"model": checked.model, "boxes": checked.boxes},
            row_version=choice.row_version,
            before=_fields(before),
            after=_fields(checked),
        )
        session.commit()
    return VisualChoice(checked.server, checked.model, checked.boxes, row_version)


def _fields(choice: VisualChoice) -> dict[str, object]:
    return {"server": choice.server, "model": choice.model, "boxes": choice.boxes}


def _check(settings: Settings, choice: VisualChoice) -> VisualChoice:
    if choice.server == OFF:
        return VisualChoice(row_version=choice.row_version)
    get_server(choice.server).check_settings(settings)
    name = choice.model.strip()
    if not name:
        raise BadInput("vlm_name_missing")
    if not _NAME.fullmatch(name) or not name.isprintable():
        raise BadInput("vlm_name_invalid", limit=MAX_NAME_CHARS)
    if choice.boxes not in (BY_NAME, *BOX_CONVENTIONS):
        raise BadInput("vlm_boxes_unknown", choices=", ".join(BOX_CONVENTIONS))
    return VisualChoice(choice.server, name, choice.boxes, choice.row_version)


def get_server(name: str) -> VisualServer:
    """Return the server of this name. Raises NotFound(`vlm_server_unknown`)."""
    server = find_server(name)
    if server is None:
        raise NotFound("vlm_server_unknown", name=name[:80], choices=", ".join(found.name for found in SERVERS))
    return server


def list_visual_models(services: Services, person: Person, name: str) -> list[str]:
    """Return the models that a server offers now. Raises NotAllowed, NotFound, NotReady, Unavailable."""
    require_role(services, person, ENGINEER)
    server = get_server(name)
    server.check_settings(services.settings)
    try:
        return server.connect(services.settings).list_models()
    except WriterError as error:
        raise from_lower(error) from error


def find_visual_obstacle(services: Services) -> AppError | None:
    """Return what has to be set or chosen before a model that sees can be asked; None where it can."""
    choice = current_visual_choice(services)
    if choice.server == OFF:
        is_set = services.settings.vlm_base_url or services.settings.anthropic_api_key
        return NotReady("vlm_not_chosen" if is_set else "vlm_not_set_up")
    try:
        _check(services.settings, choice)
    except AppError as error:
        return error
    return None
