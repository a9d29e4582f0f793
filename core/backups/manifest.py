"""What a backup says about itself: its header, which anybody can read, and its manifest, which lists all it holds."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast

from storage.row_copies import TableShape
from storage.tables import utc_now

FORMAT = 1
PROGRAM_VERSION = "0.1.0"  # as pyproject.toml has it
BackupKind = Literal["full", "incremental"]
FULL: BackupKind = "full"
INCREMENTAL: BackupKind = "incremental"


@dataclass(frozen=True)
class Header:
    """The first words of a backup file, in the clear. `on` is the backup that an incremental one stands on.

    `number` counts the backups of a chain from 0, `chain` is the id of the full one. `schema` is the revision of the
    tables, `version` the program's.
    """

    kind: BackupKind
    installation: str
    schema: str
    version: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    chain: str = ""
    number: int = 0
    on: str = ""
    on_manifest_sha256: str = ""
    created_at: datetime = field(default_factory=utc_now)
    is_encrypted: bool = False

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Header:
        """Return the header that `to_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        kind = cast(BackupKind, str(value["kind"]))
        made = datetime.fromisoformat(value["created_at"])
        if kind not in (FULL, INCREMENTAL) or made.tzinfo is None:
            raise ValueError(kind)
        return cls(
            kind=kind,
            installation=str(value["installation"]),
            schema=str(value["schema"]),
            version=str(value["version"]),
            id=str(value["id"]),
            chain=str(value["chain"]),
            number=int(value["number"]),
            on=str(value["on"]),
            on_manifest_sha256=str(value["on_manifest_sha256"]),
            created_at=made,
            is_encrypted="sealing" in value,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {
            "format": FORMAT,
            "kind": self.kind,
            "installation": self.installation,
            "schema": self.schema,
            "version": self.version,
            "id": self.id,
            "chain": self.chain or self.id,
            "number": self.number,
            "on": self.on,
            "on_manifest_sha256": self.on_manifest_sha256,
            "created_at": self.created_at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object of the backup; its bytes lie in the backup `within`, which may be an earlier one of the chain."""

    key: str
    byte_size: int
    sha256: str
    modified_at: str
    within: str

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> StoredObject:
        """Return the object that `to_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            str(value["key"]), int(value["size"]), str(value["sha256"]), str(value["modified_at"]), str(value["in"])
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {
            "key": self.key, "size": self.byte_size, "sha256": self.sha256, "modified_at": self.modified_at,
            "in": self.within,
        }  # fmt: skip


@dataclass(frozen=True)
class Member:
    """A part of the archive that is no object: where it begins, how long it is, and its SHA-256."""

    name: str
    offset: int
    byte_size: int
    sha256: str


@dataclass(frozen=True)
class TableRows:
    """The rows of a table: how many, and the members that hold them, in order."""

    shape: TableShape
    rows: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """Everything in a backup. `extra_objects` lie in the file and are not needed: they were deleted meanwhile.

    `missing` are keys that rows name and the store did not hold.
    """

    header: Header
    tables: tuple[TableRows, ...]
    members: Mapping[str, Member]
    object_lists: tuple[str, ...]
    objects: int
    object_bytes: int
    new_objects: int
    new_bytes: int
    extra_objects: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Return how many rows there are in all tables."""
        return sum(one.rows for one in self.tables)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Manifest:
        """Return the manifest that `to_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        members = {
            str(name): Member(str(name), int(offset), int(size), str(sha256))
            for name, (offset, size, sha256) in value["members"].items()
        }
        return cls(
            Header.from_json(value["header"]),
            tuple(
                TableRows(TableShape.from_json(one), int(one["rows"]), tuple(map(str, one["members"])))
                for one in value["tables"]
            ),
            members,
            tuple(map(str, value["object_lists"])),
            int(value["objects"]),
            int(value["object_bytes"]),
            int(value["new_objects"]),
            int(value["new_bytes"]),
            {str(key): str(sha256) for key, sha256 in value["extra_objects"].items()},
            tuple(map(str, value["missing"])),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {
            "header": self.header.to_json(),
            "tables": [{**one.shape.to_json(), "rows": one.rows, "members": list(one.members)} for one in self.tables],
            "members": {one.name: [one.offset, one.byte_size, one.sha256] for one in self.members.values()},
            "object_lists": list(self.object_lists),
            "objects": self.objects,
            "object_bytes": self.object_bytes,
            "new_objects": self.new_objects,
            "new_bytes": self.new_bytes,
            "extra_objects": dict(self.extra_objects),
            "missing": list(self.missing),
        }
