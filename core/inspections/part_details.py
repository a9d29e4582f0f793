"""What is told of a part beside its image: which one it is, where it was made, and how its image came here."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from core.errors import BadInput
from storage.tables import METADATA

if TYPE_CHECKING:
    from storage.tables import Inspection

Source = Literal["upload", "camera", "sample", "batch", "cli", "api", "watch"]


@dataclass(frozen=True)
class PartDetails:
    """The details of one part, from the form or the command line to the inspection's row and back.

    Each field is named as its column of the row: a new one needs the column, a line here, and its widget in the form.
    """

    line: str = ""
    lot: str = ""
    serial: str = ""
    shift: str = ""
    source: Source = "upload"
    batch_job_id: int | None = None

    def checked(self) -> PartDetails:
        """Return the details without blanks around the texts. Raises BadInput(`inspection_detail_too_long`)."""
        texts = {name: value.strip() for name, value in self.to_columns().items() if isinstance(value, str)}
        for name, text in texts.items():
            if len(text) > (limit := longest_text(name)):
                raise BadInput("inspection_detail_too_long", field=name, limit=limit)
        changed: dict[str, Any] = {**texts}
        return replace(self, **changed)

    def to_columns(self) -> dict[str, Any]:
        """Return the values of the row's columns, by name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def from_row(cls, row: Inspection) -> PartDetails:
        """Return the details in an inspection's row."""
        return cls(**{one.name: getattr(row, one.name) for one in fields(cls)})


def longest_text(name: str) -> int:
    """Return how many characters the column of the text field `name` of `PartDetails` takes."""
    limit = getattr(METADATA.tables["inspections"].columns[name].type, "length", None)
    assert isinstance(limit, int)
    return limit


NO_DETAILS = PartDetails()
