"""The adapters of this installation: added by an administrator, with their license read and accepted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlmodel import Session, col, select

from core.access import ADMIN, ENGINEER, Person, require_role
from core.adapters.records import AdapterCheck, AdapterView
from core.audit import record
from core.errors import AppError, BadInput, Conflict, NotFound, NotReady, from_lower
from core.jobs.terms import TRAINING
from core.services import Services
from core.transactions import HasDatabase, reading, writing
from inference.errors import InferenceError
from storage.json_fields import read_object, read_text, read_texts
from storage.tables import Adapter, Job, TrainingRun, utc_now

if TYPE_CHECKING:
    from inference.vision.learning.adapters.launch import AdapterLaunch
    from inference.vision.learning.adapters.manifest import AdapterManifest


def add_adapter(services: Services, person: Person, folder: Path, *, accept_license: bool = False) -> AdapterView:
    """Add the adapter in a folder of this machine, or what became of one that was added from there; return it.

    What it runs is somebody else's program: an administrator adds it. With `accept_license` its license is accepted in
    the same step; without, or when its manifest has changed, it waits for that. Raises NotAllowed, BadInput
    adapter_folder_missing, adapter_manifest_missing, adapter_manifest_invalid, and Conflict adapter_name_taken.
    """
    require_role(services, person, ADMIN)
    folder = folder.expanduser().resolve()
    if not folder.is_dir():
        raise BadInput("adapter_folder_missing", folder=str(folder))
    manifest = _read_manifest(folder)
    with writing(services) as session:
        row = session.exec(select(Adapter).where(Adapter.name == manifest.name)).first()
        if row is not None and row.folder != str(folder):
            raise Conflict("adapter_name_taken", name=manifest.name, folder=row.folder)
        if row is None:
            row = Adapter(name=manifest.name, folder=str(folder), manifest_sha256="", created_by=person.id)
            session.add(row)
        if row.manifest_sha256 != manifest.sha256:
            row.license_accepted_at, row.license_accepted_by = None, None
            row.check, row.checked_at = {}, None
        row.manifest, row.manifest_sha256 = _describe(manifest), manifest.sha256
        row.row_version += 1
        if accept_license:
            row.license_accepted_at, row.license_accepted_by = utc_now(), person.id
        session.flush()
        record(
            session,
            person,
            "adapter.add",
            "adapter",
            row.id,
            name=row.name,
            folder=row.folder,
            manifest_sha256=manifest.sha256,
            license=manifest.license.name,
            accepted=row.license_accepted_at is not None,
        )
        session.commit()
    return get_adapter(services, person, manifest.name)


def accept_license(services: Services, person: Person, name: str) -> AdapterView:
    """Accept the license of an adapter as its manifest is now.

    Raises NotAllowed, NotFound adapter_unknown, Conflict adapter_changed.
    """
    require_role(services, person, ADMIN)
    with writing(services) as session:
        row = _get_row(session, name)
        _require_same(row)
        row.license_accepted_at, row.license_accepted_by = utc_now(), person.id
        row.row_version += 1
        license_name = read_text(read_object(row.manifest.get("license")).get("name"))
        record(session, person, "adapter.accept", "adapter", row.id, name=name, license=license_name)
        session.commit()
    return get_adapter(services, person, name)


def remove_adapter(services: Services, person: Person, name: str) -> None:
    """Forget an adapter; its folder stays, and so do the networks that it trained.

    Raises NotAllowed, NotFound adapter_unknown, Conflict adapter_in_use while a training with it waits or runs.
    """
    require_role(services, person, ADMIN)
    with writing(services) as session:
        row = _get_row(session, name)
        if _is_in_use(session, name):
            raise Conflict("adapter_in_use", name=name)
        record(session, person, "adapter.remove", "adapter", row.id, name=name, folder=row.folder)
        session.delete(row)
        session.commit()


def list_adapters(services: Services, person: Person) -> list[AdapterView]:
    """Return the adapters in the order of their names. Raises NotAllowed."""
    require_role(services, person, ENGINEER)
    with reading(services) as session:
        rows = list(session.exec(select(Adapter).order_by(col(Adapter.name))).all())
    return [_view(services, row) for row in rows]


def get_adapter(services: Services, person: Person, name: str) -> AdapterView:
    """Return an adapter. Raises NotAllowed, NotFound adapter_unknown."""
    require_role(services, person, ENGINEER)
    with reading(services) as session:
        row = _get_row(session, name)
    return _view(services, row)


def open_adapter(services: Services, name: str) -> AdapterLaunch:
    """Return how a training starts the adapter on this machine.

    Raises NotFound adapter_unknown, Conflict adapter_changed, NotReady adapter_license_not_accepted,
    adapter_no_interpreter, adapter_no_engine, adapter_no_image, and BadInput of a manifest that cannot be read.
    """
    with reading(services) as session:
        row = _get_row(session, name)
    return _open(services, row)


def note_check(services: HasDatabase, name: str, manifest_sha256: str, check: AdapterCheck) -> None:
    """Keep what a check of the adapter said, unless it has been changed meanwhile."""
    with writing(services) as session:
        row = _get_row(session, name)
        if row.manifest_sha256 == manifest_sha256:
            row.check, row.checked_at = check.to_json(), utc_now()
            session.commit()


def _open(services: Services, row: Adapter) -> AdapterLaunch:
    from inference.vision.learning.adapters.launch import choose_launch

    manifest = _require_same(row)
    if row.license_accepted_at is None:
        raise NotReady("adapter_license_not_accepted", name=row.name, license=manifest.license.name)
    try:
        return choose_launch(
            Path(row.folder), manifest, services.settings.adapter_mode, sees_gpu=services.settings.device != "cpu"
        )
    except InferenceError as error:
        raise NotReady(error.code, **error.params) from error


def _require_same(row: Adapter) -> AdapterManifest:
    """Return the manifest in the adapter's folder, if it is the one that was added."""
    if not Path(row.folder).is_dir():
        raise BadInput("adapter_folder_missing", folder=row.folder)
    manifest = _read_manifest(Path(row.folder))
    if manifest.sha256 != row.manifest_sha256:
        raise Conflict("adapter_changed", name=row.name)
    return manifest


def _read_manifest(folder: Path) -> AdapterManifest:
    from inference.vision.learning.adapters.manifest import read_manifest

    try:
        return read_manifest(folder)
    except InferenceError as error:
        raise BadInput(error.code, **error.params) from error


def _get_row(session: Session, name: str) -> Adapter:
    row = session.exec(select(Adapter).where(Adapter.name == name)).first()
    if row is None:
        names = session.exec(select(Adapter.name).order_by(Adapter.name)).all()
        raise NotFound("adapter_unknown" if name else "adapter_unnamed", name=name, choices=", ".join(names) or "–")
    return row


def _is_in_use(session: Session, name: str) -> bool:
    query = (
        select(TrainingRun)
        .join(Job, col(Job.id) == col(TrainingRun.job_id))
        .where(Job.kind == TRAINING, col(Job.state).in_(("queued", "running")))
    )
    running = session.exec(query).all()
    return any(read_object(run.configuration.get("model")).get("adapter") == name for run in running)


def _view(services: Services, row: Adapter) -> AdapterView:
    obstacle: AppError | None = None
    manifest: AdapterManifest | None = None
    try:
        manifest = _require_same(row)
        _open(services, row)
    except AppError as error:
        obstacle = error
    except InferenceError as error:
        obstacle = from_lower(error)
    known = row.manifest
    license_of = read_object(known.get("license"))
    return AdapterView(
        name=row.name,
        folder=row.folder,
        title=read_text(known.get("title")) or row.name,
        version=read_text(known.get("version")) or "",
        tasks=read_texts(known.get("tasks")),
        license_name=read_text(license_of.get("name")) or "",
        license_notice=read_text(license_of.get("notice")) or "",
        license_text=read_text(license_of.get("text")) or "",
        accepted_at=row.license_accepted_at,
        check=AdapterCheck.from_json(row.check),
        checked_at=row.checked_at,
        obstacle=obstacle,
        manifest=manifest,
    )


def _describe(manifest: AdapterManifest) -> dict[str, object]:
    return {
        "title": manifest.title,
        "version": manifest.version,
        "tasks": list(manifest.tasks),
        "license": {
            "name": manifest.license.name,
            "notice": manifest.license.notice,
            "text": manifest.license.text[:200_000],
        },
    }
