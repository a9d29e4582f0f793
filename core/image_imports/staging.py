"""Where the files of an import lie: uploaded ones in the object store until they are taken in, or a folder that stays.

An upload is staged as it came, a ZIP file whole: it is opened again by whoever plans or takes in. Its paths are those
of `core.images.imports.sources`.
"""

from __future__ import annotations

import base64
import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from core.access import ENGINEER, Person, require_role
from core.errors import BadInput, NotFound, from_lower
from core.files.archives import MAX_ENTRIES, is_junk
from core.files.file_names import clean_file_name
from core.identity import IMPORTS
from core.images.imports.sources import ImportSource, open_source, source_of
from core.images.incoming import expand_archives
from core.images.records import IncomingFile
from core.services import Services
from core.transactions import HasStores
from storage.object_store import ObjectStoreError
from storage.tables import ImageImport

UPLOAD, FOLDER, STORE = "upload", "folder", "store"
MOST_FILES = MAX_ENTRIES
_PLAN, _FILES, _EXAMPLES = "plan.json", "files.json", "examples.json"

# Told after each file: how many are stored, of how many.
Staged = Callable[[int, int], None]


def stage_uploads(
    services: Services, person: Person, files: Sequence[IncomingFile], *, staged: str, told: Staged | None = None
) -> int:
    """Store uploaded files as they came in the folder `staged`; return their size in bytes.

    Raises BadInput import_without_files, import_too_many_files; Unavailable, and then nothing is left.
    """
    require_role(services, person, ENGINEER)
    if not files:
        raise BadInput("import_without_files")
    if len(files) > MOST_FILES:
        raise BadInput("import_too_many_files", limit=MOST_FILES)
    listed: list[dict[str, Any]] = []

    def each() -> Iterator[tuple[str, bytes]]:
        for place, file in enumerate(files):
            if told is not None:
                told(place, len(files))
            data = file.read()
            key = f"{IMPORTS}{staged}/{place:06d}"
            listed.append({"name": file.name, "key": key, "size": len(data)})
            yield key, data

    try:
        problems = services.objects.put_many(each())
        if problems:
            problem = next(iter(problems.values()))
            raise from_lower(problem) from problem
        _put_json(services, f"{IMPORTS}{staged}/{_FILES}", listed)
    except BaseException:
        # Also when the browser has gone meanwhile.
        discard_staged(services, staged)
        raise
    return sum(int(one["size"]) for one in listed)


def discard_staged(services: HasStores, staged: str) -> None:
    """Delete what was staged; what cannot be deleted now is collected as an orphan later."""
    if staged:
        with contextlib.suppress(ObjectStoreError):
            services.objects.delete_prefix(f"{IMPORTS}{staged}/")


def keep_plan(services: HasStores, staged: str, plan: dict[str, Any]) -> None:
    """Store a plan beside its files. Raises Unavailable."""
    _put_json(services, f"{IMPORTS}{staged}/{_PLAN}", plan)


def read_plan(services: HasStores, staged: str) -> dict[str, Any]:
    """Return the plan that was kept. Raises NotFound import_gone, Unavailable."""
    found = _get_json(services, f"{IMPORTS}{staged}/{_PLAN}")
    if not isinstance(found, dict):
        raise NotFound("import_gone")
    return found


def keep_examples(services: HasStores, staged: str, examples: Mapping[str, bytes]) -> None:
    """Store small pictures by the paths of their images. Raises Unavailable."""
    coded = {path: base64.b64encode(data).decode() for path, data in examples.items()}
    _put_json(services, f"{IMPORTS}{staged}/{_EXAMPLES}", coded)


def read_examples(services: HasStores, staged: str) -> dict[str, bytes]:
    """Return the small pictures that were kept, by path. Raises Unavailable."""
    found = _get_json(services, f"{IMPORTS}{staged}/{_EXAMPLES}")
    return {path: base64.b64decode(text) for path, text in found.items()} if isinstance(found, dict) else {}


@contextlib.contextmanager
def open_files(services: Services, row: ImageImport) -> Iterator[ImportSource]:
    """Open the files of an import; they can be read inside the context only.

    Raises NotFound import_gone and import_path_missing, Unavailable, and what `open_source` and `open_uploads` raise.
    """
    with contextlib.ExitStack() as stack:
        if row.source == FOLDER:
            path = check_server_path(services, row.location)
            yield stack.enter_context(open_source(path))
        elif row.source == STORE:
            yield _list_store(services, row.location)
        else:
            yield stack.enter_context(_open_staged(services, row.staged, stack))


def check_server_path(services: Services, text: str) -> Path:
    """Return a folder or ZIP file of the server, links resolved, once the administrator allows what it lies in.

    Raises BadInput import_folders_unset (no folder is allowed), import_path_outside; NotFound import_path_missing.
    """
    roots = services.settings.import_folders
    if not roots:
        raise BadInput("import_folders_unset")
    given = Path(text.strip())
    try:
        # A relative one is meant below the first folder in which it is.
        tried = [given] if given.is_absolute() else [root / given for root in roots]
        found = [path.resolve() for path in tried]
        inside = [path for path in found if any(path.is_relative_to(root) for root in roots)]
        if not inside:
            raise BadInput("import_path_outside", path=text.strip()[:200], roots=", ".join(map(str, roots)))
        there = next((path for path in inside if path.exists()), None)
    except (OSError, ValueError, RuntimeError) as error:
        raise NotFound("import_path_missing", path=text.strip()[:200]) from error
    if there is None:
        raise NotFound("import_path_missing", path=text.strip()[:200])
    return there


def list_server_paths(services: Services, person: Person, *, limit: int = 200) -> list[Path]:
    """Return the folders and ZIP files that lie directly in the folders that are allowed, by name."""
    require_role(services, person, ENGINEER)
    found: list[Path] = []
    for root in services.settings.import_folders:
        with contextlib.suppress(OSError):
            there = sorted(path for path in root.iterdir() if not path.name.startswith("."))
            found += [path for path in there if path.is_dir() or path.suffix.lower() == ".zip"]
    return found[:limit]


def _list_store(services: HasStores, prefix: str) -> ImportSource:
    files: dict[str, Callable[[], bytes]] = {}
    sizes: dict[str, int] = {}
    try:
        for info in services.objects.list(prefix):
            name = clean_file_name(info.key.removeprefix(prefix), with_folders=True)
            if info.key.endswith("/") or is_junk(name):
                continue
            files[name] = partial(_get, services, info.key, name)
            sizes[name] = info.byte_size
    except ObjectStoreError as error:
        if error.code == "object_key_invalid":
            raise BadInput("batch_folder_invalid", folder=prefix) from error
        raise from_lower(error) from error
    return ImportSource(PurePosixPath(prefix).name, files, sizes=sizes)


@contextlib.contextmanager
def _open_staged(services: Services, staged: str, stack: contextlib.ExitStack) -> Iterator[ImportSource]:
    listed = _get_json(services, f"{IMPORTS}{staged}/{_FILES}") if staged else None
    if not isinstance(listed, list):
        raise NotFound("import_gone")
    if len(listed) == 1 and str(listed[0]["name"]).lower().endswith(".zip"):
        # On the disk, not in memory: it may be of gigabytes.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="geomsa-import-")))
        path = folder / (clean_file_name(str(listed[0]["name"])) or "import.zip")
        try:
            services.objects.get_to_file(str(listed[0]["key"]), path)
        except ObjectStoreError as error:
            raise from_lower(error) from error
        with open_source(path) as source:
            yield source
        return
    incoming = [IncomingFile(str(one["name"]), partial(_get, services, one["key"], one["name"])) for one in listed]
    sizes = {str(one["name"]): int(one["size"]) for one in listed}
    with expand_archives(incoming) as (found, refused):
        source, paths = source_of(found)
        known = {path: sizes[file.name] for path, file in zip(paths, found, strict=True) if file.name in sizes}
        yield ImportSource(source.root_name, source.files, tuple(refused), known)


def _get(services: HasStores, key: str, name: str) -> bytes:
    try:
        return services.objects.get(key)
    except ObjectStoreError as error:
        raise from_lower(error, name=name) from error


def _put_json(services: HasStores, key: str, value: Any) -> None:
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    try:
        services.objects.put(key, data, content_type="application/json")
    except ObjectStoreError as error:
        raise from_lower(error) from error


def _get_json(services: HasStores, key: str) -> Any:
    try:
        return json.loads(services.objects.get(key))
    except ObjectStoreError as error:
        if error.code == "object_missing":
            return None
        raise from_lower(error) from error
