"""The weights of networks: which are here, fetching them, adding a file. One JSON value a line, or text for people."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.accounts import people
from core.cli.terminal import StatusLine, to_json, write_out
from core.errors import BadInput, NotFound
from core.methods import efficient_ad_files
from core.methods.visual.grounding_weights import add_grounding, list_grounding
from core.models import weight_paths
from core.registry import weight_files
from core.services import Services, build_services
from core.settings import Settings, read_settings
from inference.language.grounding.folder import find_grounding_network


def weights_command(wanted: argparse.Namespace) -> int:
    """List, fetch or add the weights of networks."""
    if wanted.action == "list":
        for state in _list_states(read_settings()):
            write_out(to_json(state) if wanted.json else _describe(state))
        return 0
    services = build_services(migrate=True)
    if wanted.action == "add":
        write_out(to_json(_add(services, wanted.name, wanted.file)))
        return 0
    status = StatusLine()
    shown = _fetch(
        services,
        wanted.name,
        lambda done, total: status.show(f"fetching {wanted.name}", f"{done / 1e6:.0f}/{total / 1e6:.0f} MB"),
    )
    status.clear()
    write_out(to_json(shown))
    return 0


def _list_states(settings: Settings) -> list[dict[str, Any]]:
    """Return one object a network: what it is, whether its weights are here, and whether they can be fetched."""
    from inference.language.grounding.folder import hash_folder
    from inference.vision.networks.backbones import hash_weights

    backbones = [
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
        for state in weight_paths.list_weights(settings)
    ]
    grounding = [
        {
            "name": found.network.name,
            "title": found.network.title,
            "here": found.path is not None,
            "source": None if found.path is None else "added",
            "path": None if found.path is None else str(found.path),
            "byte_size": found.byte_size,
            "sha256": None
            if found.path is None
            else hash_folder(sorted(file for file in found.path.iterdir() if file.is_file())),
            "licence": found.network.licence,
            "origin": found.network.source,
            "fetchable": False,
        }
        for found in list_grounding(settings)
    ]
    efficient_ad = [
        {
            "name": found.name,
            "title": found.title,
            "here": found.path is not None,
            "source": None if found.path is None else "added",
            "path": None if found.path is None else str(found.path),
            "byte_size": found.byte_size,
            "sha256": hash_weights(found.path) if found.path is not None and found.path.is_file() else None,
            "licence": found.licence,
            "origin": found.source,
            "fetchable": False,
        }
        for found in efficient_ad_files.list_files(settings)
    ]
    return backbones + grounding + efficient_ad


def _describe(state: dict[str, Any]) -> str:
    """Return the same in one line for a person."""
    where = "not here" + (" (can be fetched)" if state["fetchable"] else "") if not state["here"] else state["source"]
    size_mb = state["byte_size"] / 1e6
    return f"{state['name']:<20} {where:<26} {size_mb:7.1f} MB  {state['licence']:<12} {state['origin']}"


def _add(services: Services, name: str, file: Path) -> dict[str, Any]:
    """Add a file from this machine, the folder of a grounding network, or what EfficientAD needs.

    Raises as `weight_files.add_weights`, `add_grounding` and `efficient_ad_files.add_file` do, and NotFound or BadInput
    for the path.
    """
    if name in (efficient_ad_files.TEACHER, efficient_ad_files.IMAGES):
        person = people.command_line_person(services)
        return {"name": name, "path": str(efficient_ad_files.add_file(services, person, name=name, path=file))}
    if find_grounding_network(name) is not None:
        person = people.command_line_person(services)
        return {"name": name, "path": str(add_grounding(services, person, name=name, folder=file))}
    try:
        with file.open("rb") as stream:
            person = people.command_line_person(services)
            place = weight_files.add_weights(services, person, name=name, file_name=file.name, stream=stream)
    except FileNotFoundError as error:
        raise NotFound("path_not_found", path=str(file)) from error
    except OSError as error:
        raise BadInput("path_unreadable", name=file.name) from error
    return {"name": name, "path": str(place)}


def _fetch(services: Services, name: str, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Fetch from the publisher. Raises as `weight_files.fetch_weights` does."""
    person = people.command_line_person(services)
    return {"name": name, "path": str(weight_files.fetch_weights(services, person, name=name, progress=progress))}
