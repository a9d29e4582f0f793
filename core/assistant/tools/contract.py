"""What a tool is: its arguments, the role that it needs, and how it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from core.access import WORKER, Person, require_role
from core.analytics.dashboard import current_calendar, today_of
from core.assistant.names import Names, read_names
from core.assistant.periods import PERIOD_NAMES, Span, find_span
from core.assistant.resolving import match_line, match_lot, require_product, require_type
from core.assistant.results import ToolResult
from core.assistant.speech import Speech
from core.catalog.names import ProductName
from core.errors import BadInput
from core.rollups.calendar import PlantCalendar
from core.services import Services

_LONGEST = 200


@dataclass(frozen=True)
class Argument:
    """One argument: `kind` text or number; `about` tells a model what it is. All are optional but the `required`."""

    name: str
    about: str
    kind: str = "text"
    choices: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True)
class ToolContext:
    """Who asks, in which language, about which inspection (the one opened last, None for none)."""

    services: Services
    person: Person
    speech: Speech
    names: Names
    calendar: PlantCalendar
    today: date
    inspection_id: int | None = None

    def product(self, arguments: Mapping[str, Any]) -> ProductName | None:
        """Return the product that the arguments name, None where they name none. Raises Unclear, BadInput."""
        said = str(arguments.get("product") or "").strip()
        return require_product(self.names, said, self.speech.language) if said else None

    def span(self, arguments: Mapping[str, Any], *, usual: str = "") -> Span:
        """Return the period that the arguments name. Raises BadInput."""
        given = {name: str(arguments.get(name) or "").strip() for name in ("period", "first_day", "last_day")}
        return find_span(given["period"] or usual, self.today, first_day=given["first_day"], last_day=given["last_day"])

    def line(self, arguments: Mapping[str, Any]) -> str:
        """Return the line that the arguments name, as inspections write it."""
        said = str(arguments.get("line") or "").strip()
        return match_line(self.names, said) if said else ""

    def lot(self, arguments: Mapping[str, Any]) -> str:
        """Return the lot that the arguments name, as inspections write it."""
        said = str(arguments.get("lot") or "").strip()
        return match_lot(self.services, said) if said else ""

    def type_id(self, arguments: Mapping[str, Any], product: ProductName | None) -> int | None:
        """Return the id of the defect type that the arguments name. Raises Unclear."""
        said = str(arguments.get("defect_type") or "").strip()
        if not said:
            return None
        return require_type(self.names, said, product.id if product else None, self.speech.language).name.id

    def say_span(self, span: Span) -> str:
        """Return the period in words, with its days where its name alone does not tell them."""
        if span.name in PERIOD_NAMES:
            words = self.speech.say(PERIOD_NAMES[span.name])
            if span.first is None:
                return words
            return f"{words} ({self._days(span)})"
        return self._days(span)

    def _days(self, span: Span) -> str:
        if span.first in (None, span.last):
            return self.speech.day(span.last)
        assert span.first is not None
        return f"{self.speech.day(span.first)} – {self.speech.day(span.last)}"


@dataclass(frozen=True)
class Tool:
    """A read-only tool. `title` is a msgid, `about` is for a language model."""

    name: str
    title: str
    about: str
    role: str
    run: Callable[[ToolContext, Mapping[str, Any]], ToolResult]
    arguments: tuple[Argument, ...] = field(default=())

    def call(self, context: ToolContext, arguments: Mapping[str, Any]) -> ToolResult:
        """Return what it finds. Raises NotAllowed below its role, BadInput for wrong arguments, Unclear, AppError."""
        require_role(context.services, context.person, self.role)
        return self.run(context, self.check(arguments))

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments that say something, each of its kind. Raises BadInput(`assistant_argument_wrong`)."""
        known = {one.name: one for one in self.arguments}
        checked: dict[str, Any] = {}
        for name, value in arguments.items():
            if value in (None, ""):
                continue
            own = known.get(name)
            if own is None:
                raise BadInput("assistant_argument_wrong", name=str(name)[:40], value=str(value)[:40])
            checked[name] = _check_value(own, value)
        missing = [one.name for one in self.arguments if one.required and one.name not in checked]
        if missing:
            raise BadInput("assistant_argument_missing", name=missing[0])
        return checked

    def to_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of its arguments."""
        properties = {one.name: _schema_of(one) for one in self.arguments}
        return {
            "type": "object",
            "properties": properties,
            "required": [one.name for one in self.arguments if one.required],
            "additionalProperties": False,
        }


def _check_value(own: Argument, value: Any) -> Any:
    wrong = BadInput("assistant_argument_wrong", name=own.name, value=str(value)[:40])
    if own.kind == "number":
        if isinstance(value, bool) or not str(value).strip().lstrip("-").isdecimal() or len(str(value)) > 18:
            raise wrong
        return int(value)
    if not isinstance(value, str | int | float) or len(str(value)) > _LONGEST:
        raise wrong
    text = " ".join(str(value).split())
    if own.choices and text not in own.choices:
        raise wrong
    return text


def _schema_of(one: Argument) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "integer" if one.kind == "number" else "string", "description": one.about}
    if one.choices:
        made["enum"] = list(one.choices)
    return made


def open_context(services: Services, person: Person, language: str, *, inspection_id: int | None = None) -> ToolContext:
    """Return what tools are called with, the names read as they are now. Raises NotAllowed."""
    require_role(services, person, WORKER)
    calendar = current_calendar(services)
    speech = Speech("ko" if language == "ko" else "en", calendar.zone)
    return ToolContext(
        services, person, speech, read_names(services), calendar, today_of(calendar), inspection_id=inspection_id
    )
