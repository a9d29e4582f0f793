"""Drafts of imports: given, planned, and changed by a person until it is started or thrown away.

A draft is a row, so that a reload, another machine or the next morning finds it as it was left. Each change names the
row's version: of two tabs the second one to save is refused.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlalchemy import delete, update
from sqlmodel import col, select

from core.access import ENGINEER, Person, require_role
from core.audit import record
from core.errors import BadInput, Conflict, NotFound
from core.identity import check_foreign_folder
from core.image_imports.examples import make_examples
from core.image_imports.staging import (
    FOLDER,
    MOST_FILES,
    STORE,
    UPLOAD,
    Staged,
    check_server_path,
    discard_staged,
    keep_examples,
    keep_plan,
    open_files,
    read_examples,
    read_plan,
    stage_uploads,
)
from core.images.imports.planning import decide, plan_import
from core.images.imports.records import ImportPlan, LeftOut
from core.images.imports.roles import read_mapping
from core.images.imports.sources import ImportSource
from core.images.records import IncomingFile
from core.jobs.stored_error import plain
from core.jobs.terms import changed_one
from core.services import Services
from core.transactions import HasStores, reading, writing
from storage.tables import ImageImport, ImageImportItem, utc_now

# A draft, or an import that failed, is kept so long for a person to come back to.
KEPT_FOR = timedelta(days=7)
_NAMED = 3  # files that an import is called by


@dataclass(frozen=True)
class ImportDraft:
    """A draft as a page shows it: its row's values, and the plan as it is decided now."""

    id: int
    source: str
    title: str
    n_files: int
    byte_size: int
    product: str
    decisions: Mapping[str, str]
    row_version: int
    plan: ImportPlan = field(repr=False)


def draft_from_files(
    services: Services,
    person: Person,
    files: Sequence[IncomingFile],
    *,
    product: str = "",
    as_role: str = "",
    told: Staged | None = None,
) -> ImportDraft:
    """Store uploaded files (images, masks, lists, or a ZIP file), plan their import, and return the draft.

    `product` (a code or name) is the one that all of it is for, `as_role` what images are of which nothing else says
    it (see `core.images.imports.roles`). Raises NotAllowed; what planning raises; BadInput import_without_files,
    import_too_many_files and import_nothing_found; Unavailable. Nothing is left then.
    """
    require_role(services, person, ENGINEER)
    staged = uuid.uuid4().hex
    byte_size = stage_uploads(services, person, files, staged=staged, told=told)
    title = ", ".join(file.name for file in files[:_NAMED])
    row = ImageImport(source=UPLOAD, staged=staged, title=title[:255], byte_size=byte_size)
    return _plan_and_keep(services, person, row, product=product, as_role=as_role)


def draft_from_folder(
    services: Services, person: Person, path: str, *, product: str = "", as_role: str = ""
) -> ImportDraft:
    """Plan the import of a folder or ZIP file of the server, and return the draft; the files stay where they are.

    It lies in a folder that the administrator allows (GEOMSA_IMPORT_FOLDERS): the server may read files that are
    nobody's business here. Raises as `draft_from_files`, and as `staging.check_server_path`.
    """
    require_role(services, person, ENGINEER)
    found = check_server_path(services, path)
    row = ImageImport(source=FOLDER, location=str(found)[:1000], staged=uuid.uuid4().hex, title=str(found)[-255:])
    return _plan_and_keep(services, person, row, product=product, as_role=as_role)


def draft_from_store(
    services: Services, person: Person, folder: str, *, product: str = "", as_role: str = ""
) -> ImportDraft:
    """Plan the import of a folder of the object store, and return the draft; the objects stay where they are.

    Raises as `draft_from_files`, and as `check_foreign_folder`.
    """
    require_role(services, person, ENGINEER)
    prefix = check_foreign_folder(folder)
    row = ImageImport(source=STORE, location=prefix[:1000], staged=uuid.uuid4().hex, title=prefix[-255:])
    return _plan_and_keep(services, person, row, product=product, as_role=as_role)


def open_draft(services: Services, person: Person, import_id: int) -> ImportDraft:
    """Return a draft as it was left. Raises NotFound not_found, import_gone; Conflict import_started; Unavailable."""
    require_role(services, person, ENGINEER)
    row = find_draft(services, import_id)
    return _as_draft(row, _decided(services, row))


def load_examples(services: Services, person: Person, import_id: int) -> dict[str, bytes]:
    """Return small pictures (JPEG) of some images of a draft, by path. Raises NotFound, Conflict, Unavailable."""
    require_role(services, person, ENGINEER)
    return read_examples(services, find_draft(services, import_id).staged)


def change_draft(
    services: Services,
    person: Person,
    import_id: int,
    *,
    row_version: int,
    answers: Mapping[str, str] | None = None,
    product: str | None = None,
    plan: ImportPlan | None = None,
) -> ImportDraft:
    """Keep what was decided: `answers` are roles by folder, file or pattern; an empty role takes one back.

    `plan` spares reading the one that is kept, where the caller has it. Raises as `open_draft` and `decide`, and
    Conflict import_changed where somebody else changed it meanwhile.
    """
    require_role(services, person, ENGINEER)
    row = find_draft(services, import_id)
    if row.row_version != row_version:
        raise Conflict("import_changed")
    read_mapping({path: role for path, role in (answers or {}).items() if role})
    before = plan if plan is not None else _decided(services, row)
    # The files themselves are not opened for it: all that was needed of them was looked at once.
    decided = decide(before, dict(answers or {}), product=product)
    return _save(services, row, decided)


def discard_draft(services: Services, person: Person, import_id: int) -> None:
    """Throw a draft away, with what was uploaded for it. Raises NotFound; Conflict import_started."""
    require_role(services, person, ENGINEER)
    row = find_draft(services, import_id)
    with writing(services) as session:
        gone = changed_one(
            session, delete(ImageImport).where(col(ImageImport.id) == import_id, col(ImageImport.job_id).is_(None))
        )
        if not gone:
            raise Conflict("import_started")
        session.commit()
    discard_staged(services, row.staged)


def list_drafts(services: Services, person: Person, *, limit: int = 20) -> list[ImageImport]:
    """Return the drafts that were changed last first."""
    require_role(services, person, ENGINEER)
    query = select(ImageImport).where(col(ImageImport.job_id).is_(None))
    with reading(services) as session:
        return list(session.exec(query.order_by(col(ImageImport.updated_at).desc()).limit(limit)).all())


def discard_old_drafts(services: HasStores) -> int:
    """Throw away the drafts that nobody has touched for a week; return how many."""
    before = utc_now() - KEPT_FOR
    with reading(services) as session:
        old = session.exec(
            select(ImageImport).where(col(ImageImport.job_id).is_(None), col(ImageImport.updated_at) < before)
        ).all()
    for row in old:
        with writing(services) as session:
            session.execute(delete(ImageImportItem).where(col(ImageImportItem.import_id) == row.id))
            session.execute(delete(ImageImport).where(col(ImageImport.id) == row.id, col(ImageImport.job_id).is_(None)))
            session.commit()
        discard_staged(services, row.staged)
    return len(old)


def find_draft(services: HasStores, import_id: int) -> ImageImport:
    """Return the row of a draft. Raises NotFound not_found; Conflict import_started."""
    with reading(services) as session:
        row = session.get(ImageImport, import_id)
    if row is None:
        raise NotFound("not_found")
    if row.job_id is not None:
        raise Conflict("import_started")
    return row


def _plan_and_keep(services: Services, person: Person, row: ImageImport, *, product: str, as_role: str) -> ImportDraft:
    try:
        with open_files(services, row) as source:
            if not source.files and not source.refused:
                raise BadInput("import_nothing_found", path=row.title)
            if len(source.files) > MOST_FILES:
                raise BadInput("import_too_many_files", limit=MOST_FILES)
            plan = _with_refused(plan_import(source, product=product.strip(), as_role=as_role.strip()), source)
            row.n_files = len(source.files) + len(source.refused)
            if row.source != UPLOAD:
                row.byte_size = sum(source.sizes.values())
            keep_examples(services, row.staged, make_examples(source, plan))
        keep_plan(services, row.staged, plan.to_json())
        row.product, row.as_role, row.decisions = product.strip()[:190], as_role.strip()[:255], dict(plan.decisions)
        row.created_by, row.created_at, row.updated_at = person.id, utc_now(), utc_now()
        with writing(services) as session:
            session.add(row)
            session.flush()
            record(session, person, "import.draft", "import", row.id, title=row.title, files=row.n_files)
            session.commit()
    except BaseException:
        discard_staged(services, row.staged)
        raise
    return _as_draft(row, plan)


def _with_refused(plan: ImportPlan, source: ImportSource) -> ImportPlan:
    """Return the plan with what an archive holds and nothing is taken of: it is said before the import, not after."""
    refused = [
        LeftOut(one.name, one.error.code, {key: v for key, v in plain(one.error.params).items() if key != "name"})
        for one in source.refused
        if one.error is not None
    ]
    return replace(
        plan,
        listing=replace(plan.listing, problems=(*plan.listing.problems, *refused)),
        left_out=tuple(sorted((*plan.left_out, *refused), key=lambda found: (found.path, found.reason))),
    )


def _decided(services: Services, row: ImageImport) -> ImportPlan:
    try:
        kept = ImportPlan.from_json(read_plan(services, row.staged))
    except (KeyError, TypeError, ValueError) as error:
        raise NotFound("import_gone") from error
    decisions = {path: str(role) for path, role in row.decisions.items()}
    if decisions == dict(kept.decisions) and row.product == kept.product:
        return kept
    taken_back = {path: "" for path in kept.decisions if path not in decisions}
    return decide(kept, {**taken_back, **decisions}, product=row.product)


def _save(services: Services, row: ImageImport, plan: ImportPlan) -> ImportDraft:
    now = utc_now()
    with writing(services) as session:
        saved = changed_one(
            session,
            update(ImageImport)
            .where(
                col(ImageImport.id) == row.id,
                col(ImageImport.row_version) == row.row_version,
                col(ImageImport.job_id).is_(None),
            )
            .values(
                decisions=dict(plan.decisions),
                product=plan.product[:190],
                updated_at=now,
                row_version=row.row_version + 1,
            ),
        )
        if not saved:
            raise Conflict("import_changed")
        session.commit()
    row.decisions, row.product = dict(plan.decisions), plan.product[:190]
    row.updated_at, row.row_version = now, row.row_version + 1
    return _as_draft(row, plan)


def _as_draft(row: ImageImport, plan: ImportPlan) -> ImportDraft:
    decisions = {path: str(role) for path, role in row.decisions.items()}
    return ImportDraft(
        row.id, row.source, row.title, row.n_files, row.byte_size, row.product, decisions, row.row_version, plan
    )
