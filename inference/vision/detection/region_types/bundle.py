"""The graph that looks at cut-outs as files of a bundle, so that an inspection needs neither weights nor torch."""

from __future__ import annotations

from inference.artifact import Bundle
from inference.vision.detection.region_types.network import RegionNetwork
from inference.vision.networks.graphs import PortableGraph
from inference.vision.networks.runtime import portable_of

_XML, _WEIGHTS = "region_graph.xml", "region_graph.bin"


def list_graph_files(network: RegionNetwork | None) -> dict[str, bytes]:
    """Return the network's graph by the names that bundles have its files under; none where it has no such graph."""
    portable = None if network is None else portable_of(network.runtime)
    return {} if portable is None else {_XML: portable.xml, _WEIGHTS: portable.weights}


def read_graph(bundle: Bundle) -> PortableGraph | None:
    """Return the graph in a verified bundle, None where it has none."""
    files = bundle.files
    return PortableGraph(files[_XML], files[_WEIGHTS]) if _XML in files and _WEIGHTS in files else None
