"""`python -m core weights {list,fetch NAME,add NAME FILE}`: the data of each command, one JSON value a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from core import accounts, weights
from core.errors import BadInput, NotFound
from core.services import Services
from core.settings import Settings

Progress = Callable[[int, int], None]


def list_states(settings: Settings) -> list[dict[str, Any]]:
    """One object a backbone: what it is, whether its weights are here, and whether they can be fetched."""
    from inference.vision.backbones import hash_weights

    return [
        {
            "name": state.spec.name,
            "title": state.spec.title,
            "here": state.path is not None,
            "source": state.source,
            "path": None if state.path is None else str(state.path),
            "byte_size": state.byte_size,
            "sha256": None if state.path is None else hash_weights(state.path),
            "licence": state.spec.licence,
            "origin": state.spec.source,
            "fetchable": state.download is not None,
        }
        for state in weights.list_weights(settings)
    ]


def describe(state: dict[str, Any]) -> str:
    """The same in one line for a person."""
    where = "not here" + (" (can be fetched)" if state["fetchable"] else "") if not state["here"] else state["source"]
    size_mb = state["byte_size"] / 1e6
    return f"{state['name']:<20} {where:<26} {size_mb:7.1f} MB  {state['licence']:<12} {state['origin']}"


def add(services: Services, name: str, file: Path) -> dict[str, Any]:
    """Take in a file from this machine. Raises as `weights.add_weights` does, and NotFound or BadInput for the path."""
    try:
        with file.open("rb") as stream:
            person = accounts.command_line_person(services)
            place = weights.add_weights(services, person, name=name, file_name=file.name, stream=stream)
    except FileNotFoundError as error:
        raise NotFound("path_not_found", path=str(file)) from error
    except OSError as error:
        raise BadInput("path_unreadable", name=file.name) from error
    return {"name": name, "path": str(place)}


def fetch(services: Services, name: str, progress: Progress) -> dict[str, Any]:
    """Fetch from the publisher. Raises as `weights.fetch_weights` does."""
    person = accounts.command_line_person(services)
    return {"name": name, "path": str(weights.fetch_weights(services, person, name=name, progress=progress))}
