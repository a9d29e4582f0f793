"""An adapter as people see it: what it is, its license, whether it can be started here, its last check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.errors import AppError
from core.jobs.stored_error import StoredError
from inference.errors import ModelError
from storage.json_fields import read_float, read_int, read_object, read_text

if TYPE_CHECKING:
    from inference.vision.learning.adapters.manifest import AdapterManifest, AdapterOption


@dataclass(frozen=True)
class AdapterCheck:
    """What a trial with a tiny set said: `held_apart` by processes, network and files; `error` where it failed."""

    task: str
    seconds: float
    epochs: int
    held_apart: Mapping[str, bool] = field(default_factory=dict)
    error: AppError | None = None

    @classmethod
    def from_json(cls, value: object) -> AdapterCheck | None:
        """Return the check of a row; None where there was none."""
        data = read_object(value)
        task = read_text(data.get("task"))
        if task is None:
            return None
        stored = StoredError.from_json(data.get("error_code"), data.get("error_params"))
        held = {name: found is True for name, found in read_object(data.get("held_apart")).items()}
        return cls(
            task,
            read_float(data.get("seconds")) or 0.0,
            read_int(data.get("epochs")) or 0,
            held,
            stored.to_app_error() if stored is not None else None,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        values: dict[str, Any] = {
            "task": self.task,
            "seconds": round(self.seconds, 2),
            "epochs": self.epochs,
            "held_apart": dict(self.held_apart),
        }
        if self.error is not None:
            values |= {
                "error_code": self.error.code,
                "error_params": {name: str(value) for name, value in self.error.params.items()},
            }
        return values


@dataclass(frozen=True)
class AdapterView:
    """An adapter that was added. `manifest` is what its folder says now, None where it cannot be read.

    `obstacle` says why no training can use it now: its license, its folder, its interpreter or engine.
    """

    name: str
    folder: str
    title: str
    version: str
    tasks: tuple[str, ...]
    license_name: str
    license_notice: str
    license_text: str = field(repr=False)
    accepted_at: datetime | None
    check: AdapterCheck | None
    checked_at: datetime | None
    obstacle: AppError | None
    manifest: AdapterManifest | None = field(default=None, repr=False)

    def to_json(self, language: str = "en") -> dict[str, Any]:
        """Return plain values, as the command line and the REST interface say them."""
        return {
            "name": self.name,
            "title": self.title,
            "version": self.version,
            "folder": self.folder,
            "tasks": list(self.tasks),
            "license": self.license_name,
            "license_notice": self.license_notice,
            "license_accepted_at": None if self.accepted_at is None else self.accepted_at.isoformat(),
            "check": None if self.check is None else self.check.to_json(),
            "checked_at": None if self.checked_at is None else self.checked_at.isoformat(),
            "obstacle": None
            if self.obstacle is None
            else {"code": self.obstacle.code, "message": self.obstacle.sentence(language)},
        }


def read_option(option: AdapterOption, value: Any) -> Any:
    """Return the value as the option takes it; its default where it is none of its values."""
    try:
        return option.read(value)
    except ModelError:
        return option.default
