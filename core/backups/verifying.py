"""Proving a backup whole: every part of every file of its chain is read, and hashed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.backups.archive import CHUNK_BYTES, MANIFEST, OBJECTS, Archive
from core.backups.chains import BackupFile, find_chain
from core.backups.making import Progress, say_nothing
from core.backups.manifest import Manifest
from core.errors import BadInput, NotFound


@dataclass(frozen=True)
class Verified:
    """A chain that is whole; `manifest` is that of its last backup."""

    files: tuple[BackupFile, ...]
    manifest: Manifest
    manifest_sha256: str
    byte_size: int


def verify_backup(
    path: Path,
    passphrase: str | None,
    *,
    also: Iterable[Path] = (),
    progress: Progress = say_nothing,
) -> Verified:
    """Read a backup with all that it stands on; return what it holds.

    Raises BadInput backup_changed and what opening raises, NotFound backup_chain_missing.
    """
    chain = find_chain(path, also=also)
    total = sum(one.path.stat().st_size for one in chain)
    done = 0
    before: Archive | None = None
    with Archive(path, passphrase) as last:
        # What the last backup needs of each file of the chain.
        needed = {(one.within, one.key): one.sha256 for one in last.objects()}
    for one in chain:
        with Archive(one.path, passphrase) as archive:
            _require_next(before, archive)
            done = _verify_file(archive, done, total, needed, progress)
            before = archive
    assert before is not None
    if needed:
        raise BadInput("backup_changed", file=path.name)
    return Verified(tuple(chain), before.manifest, before.manifest_sha256, total)


def require_chain(archives: Sequence[Archive]) -> None:
    """Raise NotFound backup_chain_missing unless each archive stands on exactly the one before it."""
    before: Archive | None = None
    for archive in archives:
        _require_next(before, archive)
        before = archive


def _require_next(before: Archive | None, archive: Archive) -> None:
    if before is None:
        return
    if (archive.header.on, archive.header.on_manifest_sha256) != (before.header.id, before.manifest_sha256):
        raise NotFound("backup_chain_missing", file=archive.path.name)


def _verify_file(
    archive: Archive, done: int, total: int, needed: dict[tuple[str, str], str], progress: Progress
) -> int:
    """Read all of a file: every part must be there once, as it was written. Return how many bytes are done.

    What is found is taken out of `needed`.
    """
    manifest = archive.manifest
    own = manifest.header.id
    left = {OBJECTS + key: sha256 for key, sha256 in manifest.extra_objects.items()}
    left |= {OBJECTS + one.key: one.sha256 for one in archive.objects() if one.within == own}
    left |= {member.name: member.sha256 for member in manifest.members.values()}
    left[MANIFEST] = archive.manifest_sha256
    progress("verify", done >> 20, total >> 20)
    with archive.checking():
        for name, byte_size, stream in archive.walk():
            found = hashlib.sha256()
            while chunk := stream.read(CHUNK_BYTES):
                found.update(chunk)
            sha256 = found.hexdigest()
            wanted = needed.pop((own, name.removeprefix(OBJECTS)), sha256) if name.startswith(OBJECTS) else sha256
            if left.pop(name, "") != sha256 or wanted != sha256:
                raise BadInput("backup_changed", file=archive.path.name)
            done += byte_size
            progress("verify", done >> 20, total >> 20)
    if left:
        raise BadInput("backup_changed", file=archive.path.name)
    for table in manifest.tables:
        for _row in archive.rows(table):
            pass
    return done
