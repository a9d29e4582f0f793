"""What a vision-language model is told to look for: a versioned text for each kind of picture, of all products or one.

The newest version of a product and kind of picture is in force; an empty one stands for the text of all products, and
that, where it is empty or was never written, for the program's own. The program's texts are English: they are sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlmodel import Session, col, select

from core.access import ENGINEER, require_role
from core.audit import record
from core.catalog.edits import clean_description
from core.catalog.products import get_product_row
from core.catalog.views import MODALITY_NAMES
from core.errors import BadInput, Conflict, NotFound
from core.transactions import HasDatabase, reading, writing
from storage.tables import PromptTemplate, User

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

MAX_PROMPT_CHARS = 4_000
_ALL = ""
_END = (
    " Report what departs from a sound part of this kind. Differences of brightness, focus, position or turn of the "
    "part alone are no defects."
)
OWN_PROMPTS: dict[str, str] = {
    "rgb": "The picture is a color photograph of the part's surface. Look for scratches, dents, cracks, stains, dirt, "
    "missing or foreign material, and wrong shape or color." + _END,
    "gray": "The picture is a gray photograph of the part's surface. Look for scratches, dents, cracks, stains, dirt, "
    "and missing or foreign material." + _END,
    "ct": "The picture is one slice of a computed tomography of the part: the brighter, the denser. Look for pores, "
    "voids (dark spots inside material), cracks, inclusions (bright spots), missing and overflowing material." + _END,
    "xray": "The picture is an X-ray of the part. Look for pores, cracks, inclusions, and missing, bent or displaced "
    "pieces inside." + _END,
    "thermal": "The picture is a thermal image: brightness or color stands for temperature. Look for places that "
    "are hotter or colder than their like on the same part." + _END,
    "depth": "The picture is a depth map: brightness stands for height. Look for dents, bumps, steps and missing "
    "material." + _END,
}
MODALITIES: tuple[str, ...] = tuple(MODALITY_NAMES)


@dataclass(frozen=True)
class PromptVersion:
    """A version of a text: `number` counts from 1 within its scope; 0 is the program's own, which nobody wrote."""

    number: int
    text: str
    created_at: datetime | None = None
    person_name: str = ""


@dataclass(frozen=True)
class PromptInForce:
    """The text that is sent, where it comes from (`product`, `all`, `own`), and its version there.

    `newest` is the number of the newest version of the scope that was asked for: what a save must be made on.
    """

    text: str
    source: str
    number: int
    newest: int


def find_prompt(services: HasDatabase, product_id: int | None, modality: str) -> PromptInForce:
    """Return the text in force for a product (None: for all products). Raises BadInput(`modality_unknown`)."""
    _check_modality(modality)
    with reading(services) as session:
        return _find(session, product_id, modality)


def _find(session: Session, product_id: int | None, modality: str) -> PromptInForce:
    own = _versions(session, product_id, modality)[:1]
    newest = own[0].number if own else 0
    for scope in (product_id, None) if product_id is not None else (None,):
        found = _versions(session, scope, modality)[:1]
        if found and found[0].text:
            source = "all" if scope is None else "product"
            return PromptInForce(found[0].text, source, found[0].number, newest)
    return PromptInForce(OWN_PROMPTS[modality], "own", 0, newest)


def list_prompts(services: HasDatabase, product_id: int | None, modality: str) -> list[PromptVersion]:
    """Return the versions of one scope, the newest first. Raises BadInput(`modality_unknown`)."""
    _check_modality(modality)
    with reading(services) as session:
        rows = _versions(session, product_id, modality)
        ids = {row.created_by for row in rows if row.created_by is not None}
        people = session.exec(select(User).where(col(User.id).in_(ids))).all() if ids else ()
        names = {person.id: person.display_name for person in people}
        return [PromptVersion(row.number, row.text, row.created_at, names.get(row.created_by or 0, "")) for row in rows]


def save_prompt(
    services: Services, person: Person, product_id: int | None, modality: str, text: str, *, newest: int
) -> PromptInForce:
    """Add a version of the text, on the state whose newest version had the number `newest`; empty: no text of its own.

    Raises NotAllowed, BadInput(`modality_unknown`, `prompt_too_long`), NotFound(`not_found`),
    Conflict(`prompt_changed`).
    """
    require_role(services, person, ENGINEER)
    _check_modality(modality)
    if len(text) > MAX_PROMPT_CHARS:
        raise BadInput("prompt_too_long", limit=MAX_PROMPT_CHARS)
    return _add(services, person, product_id, modality, clean_description(text), newest=newest)


def undo_prompt(
    services: Services, person: Person, product_id: int | None, modality: str, *, newest: int, number: int
) -> PromptInForce:
    """Bring back the text of the version `number` (0: none of its own) as a new version; nothing is lost by it.

    Raises as `save_prompt`, and NotFound(`prompt_unknown`).
    """
    require_role(services, person, ENGINEER)
    _check_modality(modality)
    with reading(services) as session:
        texts = {row.number: row.text for row in _versions(session, product_id, modality)} | {0: ""}
    if number not in texts:
        raise NotFound("prompt_unknown", number=number)
    return _add(services, person, product_id, modality, texts[number], newest=newest, restored=number)


def _add(
    services: Services,
    person: Person,
    product_id: int | None,
    modality: str,
    text: str,
    *,
    newest: int,
    restored: int | None = None,
) -> PromptInForce:
    with writing(services) as session:
        if product_id is not None:
            get_product_row(session, product_id, lock=True)
        rows = _versions(session, product_id, modality)
        found = rows[0].number if rows else 0
        if found != newest:
            raise Conflict("prompt_changed", number=found)
        row = PromptTemplate(
            scope=_scope(product_id),
            product_id=product_id,
            modality=modality,
            number=found + 1,
            text=text,
            created_by=person.id,
        )
        session.add(row)
        session.flush()
        told = {"modality": modality, "number": row.number, "product_id": product_id, "characters": len(text)}
        if restored is not None:
            told["restored"] = restored
        record(session, person, "prompt.saved", "prompt_template", row.id, **told)
        session.commit()
    return find_prompt(services, product_id, modality)


def _versions(session: Session, product_id: int | None, modality: str) -> Sequence[PromptTemplate]:
    query = select(PromptTemplate).where(
        PromptTemplate.scope == _scope(product_id), PromptTemplate.modality == modality
    )
    return session.exec(query.order_by(col(PromptTemplate.number).desc())).all()


def _scope(product_id: int | None) -> str:
    return _ALL if product_id is None else f"product:{product_id}"


def _check_modality(modality: str) -> None:
    if modality not in MODALITY_NAMES:
        raise BadInput("modality_unknown", value=modality[:40], choices=", ".join(MODALITIES))
