"""Making an export: the network proved and written with its card, classes, licenses and clients, as one ZIP file."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sqlmodel import select

from core.access import ENGINEER, require_role
from core.audit import record
from core.errors import BadInput, from_lower
from core.methods.trained_networks import load_bundle
from core.model_exports.client_files import read_client_files
from core.model_exports.model_card import write_card
from core.model_exports.proof_images import ProofImages
from core.model_exports.sources import NetworkSource, find_source
from core.transactions import reading, writing
from inference.errors import InferenceError
from storage.json_fields import read_object
from storage.object_store import ObjectStoreError
from storage.tables import DefectType

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services
    from inference.vision.learning.export.documents import ClassWords
    from inference.vision.learning.export.package import ExportFormat

EXPORT_FORMATS = ("onnx", "openvino")
MANIFEST_NAME = "manifest.json"
# Grows when the same network would be exported otherwise, so that files of before are not given out.
_REVISION = 1
_MOST_KEPT = 8
_PIECE = 256 * 1024
# So that two exports of the same network are the same file.
_MOMENT = (1980, 1, 1, 0, 0, 0)
_making = threading.Lock()


@dataclass(frozen=True)
class ModelExport:
    """A finished export: a ZIP file on this machine. `files` are its names with their sizes in bytes.

    `parity` are the figures of its proof, as `parity.json` holds them.
    """

    reference: str
    name: str
    format: str
    path: Path = field(repr=False)
    file_name: str
    byte_size: int
    sha256: str
    files: Mapping[str, int] = field(repr=False)
    parity: Mapping[str, Any] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as the terminal and the REST interface give them."""
        return {
            "model": self.reference,
            "name": self.name,
            "format": self.format,
            "file_name": self.file_name,
            "byte_size": self.byte_size,
            "sha256": self.sha256,
            "files": dict(self.files),
            "parity": dict(self.parity),
        }

    def read_pieces(self) -> Iterator[bytes]:
        """Yield the ZIP file in pieces."""
        with self.path.open("rb") as stream:
            while piece := stream.read(_PIECE):
                yield piece


def make_export(services: Services, person: Person, reference: str, export_format: str) -> ModelExport:
    """Return the export of a trained network, `7` or `run:12`, made now or when it was last asked for.

    Raises NotAllowed; BadInput(`model_export_format_unknown`); NotFound and NotReady as `find_source`; NotReady with
    the figures (`export_parity_failed`) or the reason (`export_graph_invalid`, `export_without_images`, a damaged
    bundle); Unavailable where a store is away.
    """
    require_role(services, person, ENGINEER)
    if export_format not in EXPORT_FORMATS:
        raise BadInput("model_export_format_unknown", format=str(export_format)[:40], formats=", ".join(EXPORT_FORMATS))
    source = find_source(services, reference)
    # One at a time: a proof takes all cores for some seconds.
    with _making:
        made = _find(services, source, export_format) or _make(services, source, export_format)
    _note(services, person, source, made)
    return made


def _note(services: Services, person: Person, source: NetworkSource, made: ModelExport) -> None:
    subject, number = ("training_run", source.run.id) if source.run is not None else ("model_version", 0)
    if source.run is None and source.version is not None:
        number = source.version.id
    with writing(services) as session:
        record(
            session,
            person,
            "model.export",
            subject,
            number,
            format=made.format,
            product=source.product.code,
            sha256=made.sha256,
            bytes=made.byte_size,
        )
        session.commit()


def _make(services: Services, source: NetworkSource, export_format: str) -> ModelExport:
    from inference.vision.learning.export.package import export_network
    from inference.vision.learning.trained_network.bundle import read_network

    try:
        graph, description = read_network(load_bundle(services, source.stored))
        classes = read_class_words(services, source, description.labels, description.good_labels)
        images = ProofImages(services, source)
        made = export_network(
            graph,
            description,
            format=cast("ExportFormat", export_format),
            classes=classes,
            vector_images=images.take_first(),
            more_images=images.take_more(),
        )
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error) from error
    files = dict(made.files) | read_client_files(export_format)
    for language, name in (("en", "README.md"), ("ko", "README.ko.md")):
        card = write_card(source, description, classes, made, export_format=export_format, language=language)
        files[name] = card.encode()
    files[MANIFEST_NAME] = _write_manifest(source, export_format, files)
    return _keep(services, source, export_format, files, made.parity.to_json())


def read_class_words(
    services: Services, source: NetworkSource, labels: tuple[str, ...], good_labels: frozenset[str]
) -> list[ClassWords]:
    """Return the names of labels in both languages: those of the product's types as they are now."""
    from inference.vision.learning.export.documents import ClassWords

    with reading(services) as session:
        rows = session.exec(select(DefectType).where(DefectType.product_id == source.product.id)).all()
        known = {row.code: (row.name_ko, row.name_en or row.code) for row in rows}
    known.setdefault("good", ("정상", "Good"))
    return [ClassWords(label, *known.get(label, (label, label)), label in good_labels) for label in labels]


def _write_manifest(source: NetworkSource, export_format: str, files: Mapping[str, bytes]) -> bytes:
    document = {
        "format": "geomsa-model-export",
        "format_version": 1,
        "export": export_format,
        "model": source.reference,
        "name": source.name,
        "product": source.product.code,
        "dataset_version": source.dataset_number,
        "dataset_hash": source.dataset_hash,
        "network_manifest_sha256": source.stored.manifest_sha256,
        "files": {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "byte_size": len(data)}
            for name, data in sorted(files.items())
        },
    }
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _folder(services: Services) -> Path:
    return services.settings.cache_dir / "model_exports"


def _key(services: Services, source: NetworkSource, export_format: str) -> str:
    """Return what an export is found again by: the hash of all that goes into it beside the network's images."""
    run = source.run
    with reading(services) as session:
        rows = session.exec(select(DefectType).where(DefectType.product_id == source.product.id)).all()
        names = sorted([row.code, row.name_ko, row.name_en or ""] for row in rows)
    clients = {name: hashlib.sha256(data).hexdigest() for name, data in read_client_files(export_format).items()}
    described = [
        _REVISION,
        export_format,
        source.reference,
        source.stored.manifest_sha256,
        source.name,
        source.product.name,
        source.product.name_en,
        {} if run is None else [run.val, run.test],
        names,
        clients,
    ]
    return hashlib.sha256(json.dumps(described, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:40]


def _find(services: Services, source: NetworkSource, export_format: str) -> ModelExport | None:
    """Return the export that was made before, None where there is none, or one that is not whole."""
    place = _folder(services) / f"{_key(services, source, export_format)}.zip"
    try:
        kept = read_object(json.loads(place.with_suffix(".json").read_text(encoding="utf-8")))
        if hashlib.sha256(place.read_bytes()).hexdigest() != kept["sha256"]:
            return None
        found = _describe(source, export_format, place, str(kept["sha256"]), dict(kept["files"]), dict(kept["parity"]))
        os.utime(place)  # what was used last is what goes last
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found


def _keep(
    services: Services, source: NetworkSource, export_format: str, files: Mapping[str, bytes], parity: dict[str, Any]
) -> ModelExport:
    """Write the ZIP file; it gets its name when it is whole. Raises Unavailable for a disk that is full."""
    folder = _folder(services)
    place = folder / f"{_key(services, source, export_format)}.zip"
    arriving = folder / f".{uuid.uuid4().hex}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with zipfile.ZipFile(arriving, "x", zipfile.ZIP_DEFLATED) as archive:
                for name in sorted(files):
                    archive.writestr(_entry(name), files[name])
            sha256 = hashlib.sha256(arriving.read_bytes()).hexdigest()
            sizes = {name: len(files[name]) for name in sorted(files)}
            place.with_suffix(".json").write_text(
                json.dumps({"sha256": sha256, "files": sizes, "parity": parity}), encoding="utf-8"
            )
            arriving.replace(place)
        finally:
            arriving.unlink(missing_ok=True)
    except OSError as error:
        raise from_lower(error) from error
    _trim(folder)
    return _describe(source, export_format, place, sha256, sizes, parity)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _MOMENT)
    entry.compress_type = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _trim(folder: Path) -> None:
    """Remove all but the exports that were used last."""
    found = sorted(folder.glob("*.zip"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found[_MOST_KEPT:]:
        path.unlink(missing_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)


def _describe(
    source: NetworkSource,
    export_format: str,
    place: Path,
    sha256: str,
    files: Mapping[str, int],
    parity: Mapping[str, Any],
) -> ModelExport:
    plain = re.sub(r"[^\w.-]+", "-", f"{source.product.code}_{source.name}").strip("-.")[:80]
    return ModelExport(
        reference=source.reference,
        name=source.name,
        format=export_format,
        path=place,
        file_name=f"{plain}_{export_format}.zip",
        byte_size=place.stat().st_size,
        sha256=sha256,
        files=files,
        parity=parity,
    )
