"""Edits of the catalog: what a code, a name and a description may be, and saving under a row version."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from core.audit import find_changes, record, stale_save
from core.errors import BadInput
from storage.tables import DefectType, Product, ProductView, utc_now

if TYPE_CHECKING:
    from core.access import Person

CODE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
MAX_NAME_CHARACTERS = 190
MAX_DESCRIPTION_CHARACTERS = 20_000


def check_code(code: str) -> str:
    """Return the code without surrounding space. Raises BadInput code_invalid unless it fits CODE_PATTERN."""
    code = code.strip()
    # fullmatch: "$" alone would let a line break at the end pass.
    if not re.fullmatch(CODE_PATTERN, code):
        raise BadInput("code_invalid", value=code[:80])
    return code


def clean_name(name: str, *, missing: str | None) -> str:
    """Return one line in NFC without control characters. Raises BadInput with the code `missing`, or name_too_long."""
    text = unicodedata.normalize("NFC", name)
    text = " ".join("".join(" " if unicodedata.category(c) == "Cc" else c for c in text).split())
    if missing is not None and not text:
        raise BadInput(missing)
    if len(text) > MAX_NAME_CHARACTERS:
        raise BadInput("name_too_long", highest=MAX_NAME_CHARACTERS)
    return text


def clean_description(text: str) -> str:
    """Return several lines in NFC without control characters. Raises BadInput description_too_long."""
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc").strip()
    if len(text) > MAX_DESCRIPTION_CHARACTERS:
        raise BadInput("description_too_long", highest=MAX_DESCRIPTION_CHARACTERS)
    return text


def save_edit(
    session: Session,
    person: Person,
    row: Product | DefectType | ProductView,
    subject_type: str,
    values: dict[str, Any],
    row_version: int,
) -> None:
    """Set `values` on a row that was seen in the state `row_version`, and record what changed; the caller commits.

    Raises Conflict stale_save.
    """
    if row.row_version != row_version:
        raise stale_save(session, subject_type=subject_type, subject_id=row.id, row_version=row_version)
    changes = find_changes({name: getattr(row, name) for name in values}, values)
    if not changes:
        return
    for name, value in values.items():
        setattr(row, name, value)
    row.row_version += 1
    row.updated_at = utc_now()
    record(
        session, person, f"{subject_type}.changed", subject_type, row.id, row_version=row.row_version, changes=changes
    )


def make_code(name: str) -> str | None:
    """Return a code of the name's Latin letters and digits; None when other letters would be lost."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    if any(ord(c) > 127 and c.isalnum() for c in plain):
        return None
    code = re.sub(r"[^A-Za-z0-9_]+", "-", plain).strip("-_").lower()[:56].strip("-_")
    return code or None
