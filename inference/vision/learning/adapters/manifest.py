"""`adapter.json`: what a folder with somebody else's trainer says of itself.

    {"format": 1, "name": "my-trainer", "title": "…", "version": "1.0", "tasks": ["detection"],
     "command": ["{python}", "train.py"], "python": ".venv/bin/python", "image": "",
     "license": {"name": "AGPL-3.0", "file": "LICENSE", "notice": "…"},
     "options": [{"name": "model", "kind": "choice", "choices": ["n", "s"], "default": "n"}],
     "memory_gib": 8, "silent_s": 900, "gpu": false}

Whatever else stands there is refused: a word that is not understood is a wish that would not be granted.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.errors import ModelError
from inference.vision.learning.trained_network.description import TASKS

FILE_NAME = "adapter.json"
FORMAT = 1
MOST_BYTES = 64 * 1024
OPTION_KINDS = ("int", "float", "choice", "text")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_KNOWN = {
    "format", "name", "title", "version", "tasks", "command", "python", "image", "license", "options", "memory_gib",
    "silent_s", "gpu",
}  # fmt: skip
PYTHON = "{python}"


@dataclass(frozen=True)
class AdapterOption:
    """A value that a person may set: `kind` is int, float, choice or text, with its limits or choices."""

    name: str
    kind: str
    default: Any
    lowest: float = -math.inf
    highest: float = math.inf
    choices: tuple[str, ...] = ()

    def read(self, value: Any) -> Any:
        """Return the value as it is handed over. Raises ModelError(`config_invalid`)."""
        if self.kind in ("choice", "text"):
            right = isinstance(value, str) and len(value) <= 200 and (self.kind == "text" or value in self.choices)
        else:
            kinds = int if self.kind == "int" else (int, float)
            right = not isinstance(value, bool) and isinstance(value, kinds) and self.lowest <= value <= self.highest
        if not right:
            raise ModelError("config_invalid", field=self.name, value=value)
        return value


@dataclass(frozen=True)
class AdapterLicense:
    """Under which license the trainer stands: its name, its text where the folder has one, what to be aware of."""

    name: str
    text: str = field(default="", repr=False)
    notice: str = ""


@dataclass(frozen=True)
class AdapterManifest:
    """What an adapter is. `command` is run in its folder, `{python}` being its interpreter; `image` is a container's.

    `python` is relative to the folder, or a whole path; empty where only a container can run it. `sha256` is that of
    the file.
    """

    name: str
    title: str
    version: str
    tasks: tuple[str, ...]
    command: tuple[str, ...]
    python: str
    image: str
    license: AdapterLicense
    options: tuple[AdapterOption, ...]
    memory_gib: float
    silent_s: float
    gpu: bool
    sha256: str

    def read_options(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return all options, those that are absent with their default. Raises ModelError(`config_invalid`)."""
        known = {option.name: option for option in self.options}
        for name in values:
            if name not in known:
                raise ModelError("config_invalid", field=name, value=values[name])
        return {name: option.read(values.get(name, option.default)) for name, option in known.items()}


def read_manifest(folder: Path) -> AdapterManifest:
    """Return what the folder's `adapter.json` says.

    Raises ModelError: `adapter_manifest_missing` (folder), `adapter_manifest_invalid` (folder, detail).
    """
    path = folder / FILE_NAME
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ModelError("adapter_manifest_invalid", folder=folder.name, detail=f"> {MOST_BYTES // 1024} KB")
        content = path.read_bytes()
    except OSError as error:
        raise ModelError("adapter_manifest_missing", folder=str(folder)) from error
    try:
        values = json.loads(content)
        if not isinstance(values, dict):
            raise TypeError(type(values).__name__)
        return _read(folder, values, hashlib.sha256(content).hexdigest())
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        detail = f"{type(error).__name__}: {error}"[:200]
        raise ModelError("adapter_manifest_invalid", folder=folder.name, detail=detail) from error


def _read(folder: Path, values: dict[str, Any], sha256: str) -> AdapterManifest:
    if unknown := sorted(set(values) - _KNOWN):
        raise ValueError(f"unknown: {', '.join(unknown)}")
    if values.get("format") != FORMAT:
        raise ValueError(f"format {values.get('format')!r} is not {FORMAT}")
    name = _text(values, "name", longest=40)
    if not _NAME.fullmatch(name):
        raise ValueError("name: a to z, digits, - and _ alone, at most 40")
    tasks = _texts(values, "tasks")
    if not tasks or not set(tasks) <= set(TASKS):
        raise ValueError(f"tasks: some of {', '.join(TASKS)}")
    command = _texts(values, "command")
    if not command:
        raise ValueError("command: nothing to run")
    python, image = _text(values, "python", default=""), _text(values, "image", default="")
    if not python and not image:
        raise ValueError("python or image: neither an interpreter nor a container")
    options = values.get("options", [])
    if not isinstance(options, list) or len(options) > 50:
        raise ValueError("options: a list of at most 50")
    return AdapterManifest(
        name=name,
        title=_text(values, "title", default=name, longest=100),
        version=_text(values, "version", default="", longest=40),
        tasks=tasks,
        command=command,
        python=python,
        image=image,
        license=_license(folder, values["license"]),
        options=tuple(_option(one) for one in options),
        memory_gib=_number(values, "memory_gib", 8.0, 0.25, 1024.0),
        silent_s=_number(values, "silent_s", 900.0, 1.0, 86_400.0),
        gpu=values.get("gpu") is True,
        sha256=sha256,
    )


def _license(folder: Path, values: Any) -> AdapterLicense:
    if not isinstance(values, dict) or set(values) - {"name", "file", "notice"}:
        raise ValueError("license: name, file and notice alone")
    text, file_name = "", _text(values, "file", default="")
    if file_name:
        path = folder / Path(file_name).name
        if path.is_symlink() or not path.is_file() or path.stat().st_size > 1024 * 1024:
            raise ValueError(f"license: no readable file {file_name}")
        text = path.read_text(encoding="utf-8", errors="replace")
    return AdapterLicense(_text(values, "name", longest=100), text, _text(values, "notice", default="", longest=2000))


def _option(values: Any) -> AdapterOption:
    if not isinstance(values, dict) or set(values) - {"name", "kind", "default", "lowest", "highest", "choices"}:
        raise ValueError("options: name, kind, default, lowest, highest and choices alone")
    name, kind = _text(values, "name", longest=40), _text(values, "kind")
    if not _NAME.fullmatch(name) or kind not in OPTION_KINDS:
        raise ValueError(f"options: {name!r} of {kind!r}")
    choices = _texts(values, "choices") if kind == "choice" else ()
    lowest, highest = (_number(values, at, limit, -1e12, 1e12) for at, limit in (("lowest", -1e12), ("highest", 1e12)))
    option = AdapterOption(name, kind, values["default"], lowest, highest, choices)
    try:
        option.read(option.default)
    except ModelError:
        raise ValueError(f"options: the default of {name} is none of its values") from None
    return option


def _text(values: Mapping[str, Any], name: str, *, default: str | None = None, longest: int = 1000) -> str:
    value = values[name] if default is None else values.get(name, default)
    if not isinstance(value, str) or len(value) > longest or (default is None and not value.strip()) or "\0" in value:
        raise ValueError(f"{name}: a text of at most {longest} characters")
    return value.strip()


def _texts(values: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = values[name]
    if not isinstance(value, list) or len(value) > 100:
        raise ValueError(f"{name}: a list of texts")
    return tuple(_text({name: one}, name) for one in value)


def _number(values: Mapping[str, Any], name: str, default: float, lowest: float, highest: float) -> float:
    value = values.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value <= highest:
        raise ValueError(f"{name}: a number of {lowest:g} to {highest:g}")
    return float(value)
