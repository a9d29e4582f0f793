"""Converted graphs, kept on disk: converting one takes the import of torch and timm, half a minute on a busy machine.

A stored graph is a bundle, verified as every bundle is, and named by all that it depends on. One that is damaged or
from other versions is converted anew.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

from inference.artifact import read_bundle, write_bundle
from inference.errors import ArtifactError
from inference.vision.networks.graphs import GraphSpec, PortableGraph

KIND = "feature_graph"
_log = logging.getLogger(__name__)


class GraphStore:
    """A folder of graphs that several processes may share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, graph: GraphSpec, weights_sha256: str) -> PortableGraph | None:
        """Return the stored graph, or None when there is none that can be read."""
        place = self._place(graph, weights_sha256)
        if not place.is_dir():
            return None
        try:
            files = read_bundle(place, kind=KIND).files
            return PortableGraph(xml=files["graph.xml"], weights=files["graph.bin"])
        except (ArtifactError, KeyError, OSError) as error:
            _log.warning("a stored graph cannot be read and is made anew: %s", error)
            shutil.rmtree(place, ignore_errors=True)
            return None

    def put(self, graph: GraphSpec, weights_sha256: str, portable: PortableGraph) -> None:
        """Keep a graph; a folder that cannot be written to is no failure, the graph is converted again next time."""
        place = self._place(graph, weights_sha256)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._folder, prefix=".new-") as scratch:
                fresh = Path(scratch) / "graph"
                write_bundle(
                    fresh,
                    kind=KIND,
                    metadata={"weights_sha256": weights_sha256},
                    files={"graph.xml": portable.xml, "graph.bin": portable.weights},
                )
                # Another process may have been first: then its graph, which is the same, stays.
                if not place.exists():
                    fresh.rename(place)
        except OSError as error:
            _log.warning("a converted graph cannot be kept: %s", error)

    def _place(self, graph: GraphSpec, weights_sha256: str) -> Path:
        versions = [importlib.metadata.version(name) for name in ("openvino", "timm", "torch")]
        text = json.dumps([asdict(graph), weights_sha256, versions], sort_keys=True)
        return self._folder / hashlib.sha256(text.encode()).hexdigest()[:32]
