from pathlib import Path

from inference.vision.networks.backbones import find_backbone
from inference.vision.networks.graph_store import GraphStore
from inference.vision.networks.graphs import GraphSpec, PortableGraph

GRAPH = GraphSpec(find_backbone("efficientnet_lite0"), (256, 256))
PORTABLE = PortableGraph(xml=b"<net/>", weights=b"1234")


def test_a_kept_graph_is_found_for_its_weights_only(tmp_path: Path) -> None:
    store = GraphStore(tmp_path / "graphs")
    assert store.find(GRAPH, "a" * 64) is None
    store.put(GRAPH, "a" * 64, PORTABLE)
    store.put(GRAPH, "a" * 64, PORTABLE)
    assert GraphStore(tmp_path / "graphs").find(GRAPH, "a" * 64) == PORTABLE
    assert store.find(GRAPH, "b" * 64) is None
    assert len(list((tmp_path / "graphs").iterdir())) == 1


def test_a_damaged_graph_is_made_anew(tmp_path: Path) -> None:
    store = GraphStore(tmp_path)
    store.put(GRAPH, "a" * 64, PORTABLE)
    next(tmp_path.glob("*/graph.bin")).write_bytes(b"1235")
    assert store.find(GRAPH, "a" * 64) is None
    store.put(GRAPH, "a" * 64, PORTABLE)
    assert store.find(GRAPH, "a" * 64) == PORTABLE


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    GraphStore(tmp_path / "file").put(GRAPH, "a" * 64, PORTABLE)
