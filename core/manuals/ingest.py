"""Ingesting manuals: read every page in a process of its own, look for the same content, store the object, commit."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sqlmodel import Session, select

from core.access import ENGINEER, require_role
from core.audit import record
from core.catalog.names import spoken_name
from core.errors import AppError, BadInput, Conflict, NotFound, from_lower
from core.files.discarded_objects import discard_objects
from core.files.file_names import clean_file_name
from core.i18n import LANGUAGES
from core.manuals.titles import choose_title, clean_title
from core.models.recognition import find_engine
from core.transactions import reading, writing
from inference.errors import ManualError
from storage.object_store import ObjectStoreError
from storage.tables import Manual, Product

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services
    from inference.language.pdf_text import PdfText

# A share of Hangul letters from which on a text is Korean: its part numbers and units are Latin.
_KOREAN_SHARE = 0.2
READ_TIMEOUT_S = 60
READ_MEMORY_BYTES = 2**30

Progress = Callable[[str, int, int], None]


class ManualFile(Protocol):
    """An uploaded file; `read` gives its bytes."""

    @property
    def name(self) -> str: ...

    @property
    def read(self) -> Callable[[], bytes]: ...


@dataclass(frozen=True)
class _Said:
    """What a person said of the manuals; None is left to the files."""

    language: str | None
    title: str | None


@dataclass(frozen=True)
class ManualOutcome:
    """What became of one file: `outcome` is added, duplicate or refused (then `error` says why)."""

    name: str
    outcome: str
    manual_id: int | None = None
    page_count: int = 0
    pages_without_text: tuple[int, ...] = ()
    language: str | None = None
    error: AppError | None = None


def add_manuals(
    services: Services,
    person: Person,
    *,
    product_id: int,
    files: Iterable[ManualFile],
    language: str | None = None,
    title: str | None = None,
    progress: Progress | None = None,
) -> Iterator[ManualOutcome]:
    """Ingest PDF files as manuals of a product, yielding the outcome of each as it is stored.

    A file that is refused does not stop the others. `language` is "ko", "en" or None: then each text tells its own.
    `title` is what they are called; None: each by the title it carries, or by its file's name. `progress` is told a
    file's name, and how many of how many pages are read. Raises NotAllowed, NotFound not_found, BadInput
    manual_product_inactive, manual_language_unknown and those of `clean_title` at once; while iterating, AppError when
    a store fails.
    """
    require_role(services, person, ENGINEER)
    if language is not None and language not in LANGUAGES:
        raise BadInput("manual_language_unknown", choices=", ".join(LANGUAGES))
    with reading(services) as session:
        product = session.get(Product, product_id)
    if product is None:
        raise NotFound("not_found")
    if not product.is_active:
        raise BadInput("manual_product_inactive", product=spoken_name(product))
    said = _Said(language, None if title is None else clean_title(title))
    return (_ingest(services, person, product, file, said, progress) for file in files)


def detect_language(text: PdfText) -> str | None:
    """Return "ko" or "en" by the letters; None where there are none of either."""
    letters = [c for page in text.pages for line in page.lines for c in line.text if c.isalpha()]
    hangul = sum("가" <= c <= "힣" for c in letters)
    if not letters:
        return None
    if hangul >= _KOREAN_SHARE * len(letters):
        return "ko"
    return "en" if sum(c.isascii() for c in letters) > len(letters) / 2 else None


def _ingest(
    services: Services,
    person: Person,
    product: Product,
    file: ManualFile,
    said: _Said,
    progress: Progress | None,
) -> ManualOutcome:
    from inference.language.pdf_text import read_pdf

    name = file.name
    # With an engine for text recognition, a scanned manual is read when its index is built.
    is_needed = find_engine(services.settings) is None
    try:
        content = file.read()
    except OSError:
        return ManualOutcome(name, "refused", error=BadInput("manual_unreadable", name=name))
    digest = hashlib.sha256(content).hexdigest()
    with reading(services) as session:
        known = _find_same(session, product, digest)
    if known is not None:
        return _duplicate(name, known)
    try:
        text = read_pdf(
            content,
            timeout_s=READ_TIMEOUT_S,
            memory_bytes=READ_MEMORY_BYTES,
            needs_text=is_needed,
            progress=None if progress is None else lambda done, total: progress(name, done, total),
        )
    except (ManualError, MemoryError) as error:
        return ManualOutcome(name, "refused", error=from_lower(error, name=name))
    manual = _describe(person, product, name, content, digest, text, said)
    return _store(services, person, product, name, content, manual)


def _describe(
    person: Person, product: Product, name: str, content: bytes, digest: str, text: PdfText, said: _Said
) -> Manual:
    shown = clean_file_name(name, with_folders=True)
    return Manual(
        product_id=product.id,
        title=said.title or choose_title(text.title, shown),
        original_name=shown,
        object_key=f"manuals/{product.id}/{uuid.uuid4().hex}.pdf",
        byte_size=len(content),
        page_count=text.page_count,
        pages_without_text=[page.number for page in text.pages if not page.has_text],
        content_sha256=digest,
        language=said.language or detect_language(text),
        created_by=person.id,
    )


def _store(
    services: Services, person: Person, product: Product, name: str, content: bytes, manual: Manual
) -> ManualOutcome:
    """Put the object first, then the row; if the database fails, the object stays for the collection of orphans."""
    key, digest = manual.object_key, manual.content_sha256
    try:
        services.objects.put(key, content, content_type="application/pdf")
    except ObjectStoreError as error:
        raise from_lower(error, name=name) from error
    try:
        with writing(services) as session:
            known = _find_same(session, product, digest)
            if known is None:
                session.add(manual)
                session.flush()
                record(
                    session,
                    person,
                    "manual.added",
                    "manual",
                    manual.id,
                    product_id=product.id,
                    name=manual.original_name,
                    pages=manual.page_count,
                )
                session.commit()
    except Conflict:
        # Two processes ingested the same content: the unique constraint let one of them through.
        with reading(services) as session:
            known = _find_same(session, product, digest)
        if known is None:
            raise
    if known is not None:
        discard_objects(services, [key])
        return _duplicate(name, known)
    return ManualOutcome(
        name,
        "added",
        manual.id,
        page_count=manual.page_count,
        pages_without_text=tuple(manual.pages_without_text or ()),
        language=manual.language,
    )


def _find_same(session: Session, product: Product, digest: str) -> Manual | None:
    return session.exec(select(Manual).where(Manual.product_id == product.id, Manual.content_sha256 == digest)).first()


def _duplicate(name: str, known: Manual) -> ManualOutcome:
    error = Conflict("manual_duplicate", name=name, existing=known.title)
    return ManualOutcome(name, "duplicate", known.id, page_count=known.page_count, error=error)
