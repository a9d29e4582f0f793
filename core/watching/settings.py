"""How a folder is watched, as its row keeps it, and what is read out of the names of its files."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from core.errors import BadInput
from core.files.name_rules import NameRule, RuleError, read_name_rule
from core.i18n import DEFAULT_LANGUAGE, LANGUAGES
from core.inspections.part_details import PartDetails
from storage.json_fields import read_float, read_object, read_text

TRACE_FIELDS = ("lot", "serial", "line", "shift")
DEFAULT_SETTLE_S, LEAST_SETTLE_S, MOST_SETTLE_S = 2.0, 0.0, 600.0
DEFAULT_PART_WAIT_S, LEAST_PART_WAIT_S, MOST_PART_WAIT_S = 60.0, 0.0, 86_400.0


@dataclass(frozen=True)
class WatchSettings:
    """How a folder is watched.

    A file is whole once its size and time have not changed for `settle_s` seconds. `name_rule` (see
    `core.files.name_rules`) reads lot, serial, line and shift out of a file's name. `language` is that of the reasons
    beside rejected files. A part of a product with several views is waited for, where a view is missing, until nothing
    has come for `part_wait_s` seconds.
    """

    settle_s: float = DEFAULT_SETTLE_S
    name_rule: str = ""
    subfolders: bool = False
    lot: str = ""
    shift: str = ""
    language: str = DEFAULT_LANGUAGE
    part_wait_s: float = DEFAULT_PART_WAIT_S

    def checked(self) -> WatchSettings:
        """Return the settings.

        Raises BadInput watch_settle, watch_part_wait, watch_rule_…, language_unknown or inspection_detail_too_long.
        """
        if not LEAST_SETTLE_S <= self.settle_s <= MOST_SETTLE_S:
            raise BadInput("watch_settle", lowest=f"{LEAST_SETTLE_S:g}", highest=f"{MOST_SETTLE_S:g}")
        if not LEAST_PART_WAIT_S <= self.part_wait_s <= MOST_PART_WAIT_S:
            raise BadInput("watch_part_wait", lowest=f"{LEAST_PART_WAIT_S:g}", highest=f"{MOST_PART_WAIT_S:g}")
        if self.language not in LANGUAGES:
            raise BadInput("language_unknown", choices=", ".join(LANGUAGES))
        read_trace_rule(self.name_rule)
        details = PartDetails(lot=self.lot, shift=self.shift).checked()
        return replace(self, name_rule=self.name_rule.strip(), lot=details.lot, shift=details.shift)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the row."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> WatchSettings:
        """Return the settings in a row."""
        found = read_object(value)
        settle_s, part_wait_s = read_float(found.get("settle_s")), read_float(found.get("part_wait_s"))
        return cls(
            settle_s=DEFAULT_SETTLE_S if settle_s is None else settle_s,
            name_rule=read_text(found.get("name_rule")) or "",
            subfolders=found.get("subfolders") is True,
            lot=read_text(found.get("lot")) or "",
            shift=read_text(found.get("shift")) or "",
            language=read_text(found.get("language")) or DEFAULT_LANGUAGE,
            part_wait_s=DEFAULT_PART_WAIT_S if part_wait_s is None else part_wait_s,
        )

    def read_details(self, name: str, *, line: str) -> tuple[PartDetails, bool]:
        """Return what is known of the part in the file `name`, and whether the name fitted the rule.

        What the name says goes before what is set for the folder.
        """
        rule = read_trace_rule(self.name_rule)
        found = None if rule is None else rule.find(name)
        known: dict[str, Any] = {"line": line, "lot": self.lot, "shift": self.shift, **(found or {})}
        return PartDetails(source="watch", **known), rule is None or found is not None


def read_trace_rule(text: str) -> NameRule | None:
    """Return the rule, None for an empty one.

    Raises BadInput watch_rule_too_long, watch_rule_ambiguous, watch_rule_twice or watch_rule_field.
    """
    if not text.strip():
        return None
    try:
        return read_name_rule(text, TRACE_FIELDS)
    except RuleError as error:
        codes = {"too_long": "watch_rule_too_long", "ambiguous": "watch_rule_ambiguous", "twice": "watch_rule_twice"}
        raise BadInput(codes.get(error.reason, "watch_rule_field"), rule=error.rule[:80]) from error
