"""Loaded models, shared by every session of the process and keyed by version: fetched, verified, loaded once.

A version is immutable, so an entry never goes stale; the least recently used is dropped when there are too many.
"""

from __future__ import annotations

import shutil
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, cast

from core.models.encoder import encoder_folder, encoder_stamp
from core.models.kinds import MANUAL_INDEX, MEMORY_BANK, SIMILARITY_INDEX, TRAINED_MODEL, TRAINED_NETWORK
from core.models.options import SIMILARITY, find_option
from core.models.weight_paths import find_added
from inference.errors import ArtifactError, ModelError
from inference.vision.networks.embedders import find_embedder
from storage.object_store import ObjectStoreError
from storage.objects import ObjectStore
from storage.tables import ModelVersion

if TYPE_CHECKING:
    from inference.artifact import Bundle
    from inference.language.retrieval import ManualIndex
    from inference.language.sentence_encoder import SentenceEncoder
    from inference.vision.comparison.trained_method import TrainedMethod
    from inference.vision.detection.detector import Detector
    from inference.vision.networks.embeddings import Embedder, TextEmbedder
    from inference.vision.search.vector_index import VectorIndex

Device = Literal["auto", "cpu", "cuda"]
Loaded = TypeVar("Loaded")
MAX_LOADED = 24


class StoredBundle(Protocol):
    """A row that says where a bundle is stored, and the hash of its manifest."""

    object_prefix: str
    manifest_sha256: str


class ModelCache:
    """Turns a `ModelVersion` row into a loaded model. `device` is auto, cpu or cuda."""

    def __init__(
        self,
        *,
        objects: ObjectStore,
        folder: Path,
        device: Device,
        weights_dir: Path,
        check_runtimes: Literal["auto", "all", "own"] = "auto",
    ) -> None:
        self._check_runtimes = check_runtimes
        self._objects = objects
        self._weights_dir = weights_dir
        self._folder = folder
        self._device = device
        self._lock = threading.Lock()
        self._loaded: OrderedDict[tuple[str, object], Any] = OrderedDict()
        self._loading: dict[tuple[str, object], threading.Lock] = {}

    def keep_graphs(self) -> None:
        """Have the converted graphs of networks stored here, so that the next process starts in a moment."""
        from inference.vision.networks.runtime import keep_graphs_in

        keep_graphs_in(self._folder.parent / "graphs")

    @property
    def device(self) -> Device:
        """Return the device that models are opened on: auto, cpu or cuda."""
        return self._device

    def find_added_weights(self, network: str) -> Path | None:
        """Return the weights file that was added for the network, None where the carried one counts."""
        return find_added(self._weights_dir, network)

    def memory_bank(self, version: ModelVersion) -> Detector:
        """Return the loaded detector, whichever it is. Raises ArtifactError, ModelError or ObjectStoreError."""

        def load() -> Detector:
            from inference.vision.detection import registry

            self.keep_graphs()
            return self._read(
                version,
                lambda folder: registry.load(
                    folder,
                    device=self._device,
                    manifest_sha256=version.manifest_sha256,
                    find_weights=self.find_added_weights,
                ),
            )

        return self._once((MEMORY_BANK, version.manifest_sha256), load)

    def verify(self, version: ModelVersion) -> None:
        """Prove that the version can inspect here: its files match their hashes, and its reference image its score.

        The runtimes of this machine that have to agree are those of `check_runtimes`.
        Raises ArtifactError, ModelError (`golden_mismatch` …) or ObjectStoreError.
        """
        verify_kind: dict[str, Callable[[ModelVersion], object]] = {
            MEMORY_BANK: self._verify_bank,
            SIMILARITY_INDEX: self.similarity_index,
            MANUAL_INDEX: self.manual_index,
            TRAINED_MODEL: self.trained_network,
        }
        verify_kind[version.kind](version)

    def _verify_bank(self, version: ModelVersion) -> None:
        from inference.artifact import read_bundle

        bundle = self._read(
            version,
            lambda folder: read_bundle(folder, kind=version.kind, manifest_sha256=version.manifest_sha256),
        )
        self.check_runtimes(self.memory_bank(version), bundle)

    def check_runtimes(self, model: Detector, bundle: Bundle) -> None:
        """Have the reference image of the bundle scored by the runtimes of this machine. Raises ModelError."""
        from inference.vision.detection.runtime_check import verify_runtimes

        verify_runtimes(
            model,
            bundle,
            extent=self._check_runtimes,
            device=self._device,
            find_weights=self.find_added_weights,
            memory=self._folder.parent / "graphs",
        )

    def similarity_index(self, version: ModelVersion) -> VectorIndex:
        """Return the loaded index of embeddings. Raises ArtifactError or ObjectStoreError."""

        def load() -> VectorIndex:
            from inference.vision.search.vector_index import VectorIndex

            return self._read(
                version,
                lambda folder: VectorIndex.load(folder, manifest_sha256=version.manifest_sha256, device=self._device),
            )

        return self._once((SIMILARITY_INDEX, version.manifest_sha256), load)

    def manual_index(self, version: ModelVersion) -> ManualIndex:
        """Return the loaded index of a product's manuals, with the encoder that it was built with.

        Raises ArtifactError, ModelError or ObjectStoreError.
        """

        def load() -> ManualIndex:
            from inference.language.retrieval import ManualIndex

            encoder = self.sentence_encoder(version.model_name)
            return self._read(
                version,
                lambda folder: ManualIndex.load(folder, encoder=encoder, manifest_sha256=version.manifest_sha256),
            )

        return self._once((MANUAL_INDEX, version.manifest_sha256), load)

    def trained_network(self, stored: StoredBundle) -> TrainedMethod:
        """Return the network that a run has trained, or a version of it, on the shared runtime.

        Raises ArtifactError, ModelError or ObjectStoreError.
        """

        def load() -> TrainedMethod:
            from inference.artifact import read_bundle
            from inference.vision.comparison.trained_method import TrainedMethod

            return self._read(
                stored,
                lambda folder: TrainedMethod.from_bundle(
                    read_bundle(folder, kind=TRAINED_NETWORK, manifest_sha256=stored.manifest_sha256)
                ),
            )

        return self._once((TRAINED_NETWORK, stored.manifest_sha256), load)

    def sentence_encoder(self, name: str | None = None) -> SentenceEncoder:
        """Return the encoder of the next deployment: the given folder's, else the carried one. Raises ModelError.

        With `name`, the carried one also while there is a folder, if it is the carried one that is called so: an index
        goes on with its own encoder until the next deployment.
        """
        folder = encoder_folder(self._weights_dir)
        encoder = self._open_encoder(folder)
        if name is None or encoder.name == name or folder is None:
            return encoder
        carried = self._open_encoder(None)
        return carried if carried.name == name else encoder

    def _open_encoder(self, folder: Path | None) -> SentenceEncoder:
        def load() -> SentenceEncoder:
            from inference.language.sentence_encoder import open_encoder

            return open_encoder(folder)

        return self._once(("sentence_encoder", encoder_stamp(self._weights_dir) if folder else None), load)

    def embedder(self, name: str) -> Embedder:
        """Return the embedder of this model option, on the shared runtime. Raises ModelError."""

        def load() -> Embedder:
            option = find_option(name)
            if option is None or option.purpose != SIMILARITY or option.backbone is None:
                raise ModelError("backbone_unknown", name=name)
            self.keep_graphs()
            weights = find_added(self._weights_dir, option.backbone)
            return find_embedder(option.method).open(option.backbone, device=self._device, weights=weights)

        return self._once(("embedder", name), load)

    def text_embedder(self, name: str) -> TextEmbedder | None:
        """Return the embedder of this model option where it knows words, else None. Raises ModelError."""
        option = find_option(name)
        embedder = self.embedder(name)
        return find_embedder(option.method).as_text_embedder(embedder) if option is not None else None

    def read_once(self, key: tuple[str, str], stored: StoredBundle, read: Callable[[Path], Loaded]) -> Loaded:
        """Return what `read` makes of the folder of a stored bundle, once while it is remembered under `key`.

        Raises what `read` raises, and ObjectStoreError.
        """
        return self._once(key, lambda: self._read(stored, read))

    def load_once(self, key: tuple[str, str], load: Callable[[], Loaded]) -> Loaded:
        """Return what `load` gives, once while it is remembered under `key`; raises what `load` raises."""
        return self._once(key, load)

    def bundle(self, version: StoredBundle) -> Path:
        """Return the folder with the version's files, fetched from the object store when it is not here yet.

        The files are only complete or absent: they arrive in a folder of another name, which is then renamed.
        """
        folder = self._folder / version.manifest_sha256
        if not folder.is_dir():
            fetch_bundle(self._objects, version.object_prefix, folder)
        return folder

    def _read(self, version: StoredBundle, read: Callable[[Path], Loaded]) -> Loaded:
        """Return what `read` makes of the version's files; a damaged copy on this machine is fetched again, once."""
        folder = self._folder / version.manifest_sha256
        was_here = folder.is_dir()
        try:
            return read(self.bundle(version))
        except ArtifactError:
            if not was_here:
                raise
        shutil.rmtree(folder, ignore_errors=True)
        return read(self.bundle(version))

    def derive(self, name: str, version: ModelVersion, make: Callable[[], Loaded]) -> Loaded:
        """Return what `make` computes from a version, called `name`: once, while it is remembered."""
        return self._once((name, version.manifest_sha256), make)

    def evict(self, version: ModelVersion) -> None:
        """Drop a version from memory and its files from this machine (they are fetched again when needed)."""
        with self._lock:
            # With what was derived from it.
            for key in [key for key in self._loaded if key[1] == version.manifest_sha256]:
                del self._loaded[key]
        shutil.rmtree(self._folder / version.manifest_sha256, ignore_errors=True)

    def _once(self, key: tuple[str, object], load: Callable[[], Loaded]) -> Loaded:
        with self._lock:
            if key in self._loaded:
                self._loaded.move_to_end(key)
                return cast(Loaded, self._loaded[key])
            gate = self._loading.setdefault(key, threading.Lock())
        # Only those who want this very model wait for it; every other session goes on.
        with gate:
            with self._lock:
                if key in self._loaded:
                    return cast(Loaded, self._loaded[key])
            model = load()
            with self._lock:
                self._loaded[key] = model
                self._loading.pop(key, None)
                while len(self._loaded) > MAX_LOADED:
                    self._loaded.popitem(last=False)
            return model


def fetch_bundle(objects: ObjectStore, prefix: str, folder: Path) -> None:
    """Fetch every object under `prefix` into `folder`, which appears only when it is complete.

    Raises ObjectStoreError; `object_missing` when there is nothing under the prefix, or none (a version not kept).
    """
    keys = [info.key for info in objects.list(prefix)] if prefix else []
    if not keys:
        raise ObjectStoreError("object_missing", key=prefix)
    folder.parent.mkdir(parents=True, exist_ok=True)
    arriving = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}.part")
    arriving.mkdir()
    try:
        for key in keys:
            objects.get_to_file(key, arriving / key.rsplit("/", 1)[-1])
        try:
            arriving.rename(folder)
        except OSError:
            # Another process was faster; what it fetched has the same hash in its name.
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(arriving, ignore_errors=True)
