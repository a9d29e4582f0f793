"""Weights of the backbones that come to this machine: a file that is added, or one fetched from its publisher."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.audit import record
from core.errors import AppError, BadInput, Conflict, NotFound, Unavailable, from_lower
from core.models.weight_paths import SUFFIX
from core.transactions import writing
from inference.errors import InferenceError, ModelError
from inference.vision.networks.catalog import find_network, find_network_download, list_networks
from inference.vision.networks.specifications import Download, Network

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services
    from core.settings import Settings

MAX_BYTES = 2 * 1024**3
TIMEOUT_S = 20.0
_CHUNK_BYTES = 1024 * 1024
Progress = Callable[[int, int], None]


def add_weights(services: Services, person: Person, *, name: str, file_name: str, stream: IO[bytes]) -> Path:
    """Add a weights file: copy it, prove that it belongs to the backbone, and only then put it in its place.

    Return where it is. Raises NotAllowed, NotFound(`backbone_unknown`), BadInput (`backbone_weights_format`,
    `backbone_weights_mismatch`, `weights_too_large`), Conflict(`weights_already_here`), Unavailable(`disk_full`, …).
    """
    require_role(services, person, ENGINEER)
    spec = _find_spec(name)
    if not file_name.lower().endswith(SUFFIX):
        raise BadInput("backbone_weights_format", name=spec.title)
    with scratch_beside_weights(services.settings) as folder:
        arriving = folder / f"{name}{SUFFIX}"
        with arriving.open("wb") as target:
            _copy(stream, target, name=file_name)
        return _put_in_place(services, person, spec, arriving, origin=file_name)


def fetch_weights(
    services: Services, person: Person, *, name: str, progress: Progress | None = None, timeout_s: float = TIMEOUT_S
) -> Path:
    """Fetch a backbone's weights from their publisher, prove their hash and shapes, and store them as safetensors.

    `progress` gets bytes done and in all (0 where the publisher does not say), and may raise. Raises as `add_weights`
    does, NotFound(`weights_not_fetchable`), and Unavailable (`weights_no_network`, `weights_hash_wrong`).
    """
    require_role(services, person, ENGINEER)
    spec = _find_spec(name)
    download = find_network_download(name)
    if download is None:
        raise NotFound("weights_not_fetchable", name=spec.title, folder=str(services.settings.weights_dir))
    with scratch_beside_weights(services.settings) as folder:
        checkpoint, converted = folder / "checkpoint.pth", folder / f"{name}{SUFFIX}"
        _download(spec, download, checkpoint, progress=progress, timeout_s=timeout_s)
        from inference.vision.networks.weights import convert_checkpoint

        try:
            convert_checkpoint(name, checkpoint, converted)
        except ModelError as error:
            raise from_lower(error, name=spec.title) from error
        return _put_in_place(services, person, spec, converted, origin=download.url)


def _find_spec(name: str) -> Network:
    try:
        return find_network(name)
    except ModelError as error:
        choices = ", ".join(spec.name for spec in list_networks())
        raise NotFound("weights_name_unknown", name=name, choices=choices) from error


@contextlib.contextmanager
def scratch_beside_weights(settings: Settings) -> Iterator[Path]:
    """Yield a folder beside the weights, deleted afterwards. Raises Unavailable for a full or closed disk."""
    folder = settings.weights_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as scratch:
            yield Path(scratch)
    except PermissionError as error:
        raise Unavailable("weights_folder_closed", folder=str(folder)) from error
    except OSError as error:
        raise from_lower(error) from error


def _copy(stream: IO[bytes], target: IO[bytes], *, name: str) -> None:
    taken = 0
    while chunk := stream.read(_CHUNK_BYTES):
        taken += len(chunk)
        if taken > MAX_BYTES:
            raise BadInput("weights_too_large", name=name, limit_gb=MAX_BYTES // 1024**3)
        target.write(chunk)


def _put_in_place(services: Services, person: Person, spec: Network, arriving: Path, *, origin: str) -> Path:
    from inference.vision.networks.backbones import hash_weights
    from inference.vision.networks.weights import check_weights_file

    try:
        check_weights_file(spec.name, arriving)
    except InferenceError as error:
        raise BadInput(error.code, **{**error.params, "name": spec.title}) from error
    place = services.settings.weights_dir / arriving.name
    sha256 = hash_weights(arriving)
    if place.exists():
        if hash_weights(place) == sha256:
            return place
        # Indexes and banks were made with the file that is there: it must not change under them unseen.
        raise Conflict("weights_already_here", name=spec.title, path=str(place))
    with arriving.open("rb") as stream:
        os.fsync(stream.fileno())
    shutil.move(arriving, place)
    with writing(services) as session:
        record(session, person, "weights.add", "weights", None, name=spec.name, origin=origin, sha256=sha256)
        session.commit()
    return place


def _download(spec: Network, download: Download, target: Path, *, progress: Progress | None, timeout_s: float) -> None:
    digest = hashlib.sha256()
    try:
        with (
            urllib.request.urlopen(download.url, timeout=timeout_s) as response,  # noqa: S310 - addresses of our own list  # nosec B310
            target.open("wb") as file,
        ):
            total = int(response.headers.get("Content-Length") or 0)
            done = 0
            while chunk := response.read(_CHUNK_BYTES):
                done += len(chunk)
                if done > MAX_BYTES:
                    raise BadInput("weights_too_large", name=spec.title, limit_gb=MAX_BYTES // 1024**3)
                digest.update(chunk)
                file.write(chunk)
                if progress is not None:
                    progress(done, total)
    except AppError:
        raise
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise Unavailable("weights_no_network", name=spec.title, url=download.url) from error
    if not digest.hexdigest().startswith(download.sha256_prefix):
        raise Unavailable("weights_hash_wrong", name=spec.title, url=download.url)
