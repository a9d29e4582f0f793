"""The folders of grounding networks on this machine: added by path, proved, and only then put in their place.

A folder that was added lies in GEOMSA_WEIGHTS_DIR under the network's name.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.audit import record
from core.errors import AppError, BadInput, Conflict, NotFound, NotReady, Unavailable, from_lower
from core.transactions import writing
from inference.errors import ModelError
from inference.language.grounding.folder import (
    NETWORKS,
    GroundingNetwork,
    check_folder,
    find_grounding_network,
    hash_folder,
)

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services
    from core.settings import Settings
    from inference.language.grounding.detectors import Grounder

MAX_BYTES = 8 * 1024**3


@dataclass(frozen=True)
class GroundingState:
    """A grounding network and where it is; `path` is None and the size 0 while it is not here."""

    network: GroundingNetwork
    path: Path | None
    byte_size: int


def list_grounding(settings: Settings) -> list[GroundingState]:
    """Return every grounding network that this version knows, with where it is."""
    found = []
    for network in NETWORKS:
        folder = settings.weights_dir / network.name
        path = folder if folder.is_dir() else None
        size = sum(file.stat().st_size for file in folder.iterdir() if file.is_file()) if path else 0
        found.append(GroundingState(network, path, size))
    return found


def add_grounding(services: Services, person: Person, *, name: str, folder: Path) -> Path:
    """Add a folder with a grounding network: copy it, load it once, and only then put it in its place.

    Return where it is. Raises NotAllowed, NotFound(`grounding_unknown`), BadInput(`grounding_…`, `weights_too_large`),
    Conflict(`weights_already_here`), Unavailable(`disk_full`, `weights_folder_closed`).
    """
    from inference.language.grounding.detectors import open_grounder

    require_role(services, person, ENGINEER)
    network = get_grounding_network(name)
    place = services.settings.weights_dir / network.name
    try:
        files = check_folder(network, folder)
        if sum(file.stat().st_size for file in files) > MAX_BYTES:
            raise BadInput("weights_too_large", name=folder.name, limit_gb=MAX_BYTES // 1024**3)
        sha256 = hash_folder(files)
        if place.is_dir():
            if hash_folder(check_folder(network, place)) == sha256:
                return place
            # What was compared with the network that is there must not change under it unseen.
            raise Conflict("weights_already_here", name=network.title, path=str(place))
        services.settings.weights_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=services.settings.weights_dir, prefix=".new-") as scratch:
            # Under its own name: what cannot be loaded is told of by it.
            arriving = Path(scratch) / (folder.name or network.name)
            arriving.mkdir()
            for file in files:
                _copy(file, arriving / file.name)
            open_grounder(network, arriving)
            arriving.rename(place)
    except ModelError as error:
        raise BadInput(error.code, **error.params) from error
    except PermissionError as error:
        raise Unavailable("weights_folder_closed", folder=str(services.settings.weights_dir)) from error
    except OSError as error:
        raise from_lower(error) from error
    with writing(services) as session:
        record(session, person, "weights.add", "weights", None, name=name, origin=str(folder)[:400], sha256=sha256)
        session.commit()
    return place


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    with target.open("rb") as stream:
        os.fsync(stream.fileno())


def get_grounding_network(name: str) -> GroundingNetwork:
    """Return the network of this name. Raises NotFound(`grounding_unknown`)."""
    network = find_grounding_network(name)
    if network is None:
        raise NotFound("grounding_unknown", name=name[:80], choices=", ".join(found.name for found in NETWORKS))
    return network


def find_grounding_obstacle(settings: Settings, name: str | None = None) -> AppError | None:
    """Return what is missing for the network `name`, or for any of them with None; None where it is here."""
    here = [state.network for state in list_grounding(settings) if state.path is not None]
    if name is None:
        return None if here else NotReady("grounding_weights_missing", command=_command(NETWORKS[0].name))
    network = get_grounding_network(name)
    return None if network in here else NotReady("grounding_weights_missing", command=_command(network.name))


def _command(name: str) -> str:
    return f"python -m core weights add {name} FOLDER"


def load_grounder(services: Services, name: str | None = None) -> Grounder:
    """Return the loaded network `name`, or the first that is here with None; loaded once in this process.

    Raises NotReady(`grounding_weights_missing`), ModelError.
    """
    from inference.language.grounding.detectors import open_grounder

    obstacle = find_grounding_obstacle(services.settings, name)
    if obstacle is not None:
        raise obstacle
    states = {state.network.name: state for state in list_grounding(services.settings) if state.path is not None}
    state = states[name] if name is not None else next(iter(states.values()))
    assert state.path is not None
    path, changed_ns = state.path, (state.path / "config.json").stat().st_mtime_ns
    return services.models.load_once(
        ("grounding", f"{path}:{changed_ns}"),
        lambda: open_grounder(state.network, path, device=services.models.device),
    )
