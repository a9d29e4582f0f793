"""Adapters of the tests' own: one that trains what it is told, and some that hang, fork, lie or reach outside."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

_TRAINER = """
import json, os, socket, subprocess, sys, time
from pathlib import Path

step, given, made, state = sys.argv[1], *map(Path, sys.argv[2:5])
behavior = json.loads(Path(__file__).with_name("behavior.json").read_text())
what = behavior.get("what", "train")
configuration = json.loads((given / "configuration.json").read_text())
rows = [json.loads(line) for line in (given / "manifest.jsonl").read_text().splitlines()]


def say(**said):
    print(json.dumps(said), flush=True)


say(event="progress", stage="start", done=0, total=1)
if what == "hang":
    time.sleep(600)
if what == "fork":
    for _ in range(3):
        subprocess.Popen([sys.executable, "-c", f"import time; time.sleep(600)  # {behavior['mark']}"],
                         start_new_session=True)
    say(event="log", text="forked")
    time.sleep(600 if behavior.get("stay") else 0.5)
if what == "memory":
    held = []
    while True:
        held.append(bytearray(20_000_000))
        time.sleep(0.02)
if what == "fail":
    sys.exit("the trainer has no idea")
if what == "outside":
    tried = {}
    for name, path in behavior["paths"].items():
        try:
            Path(path, "written").write_text("x")
            tried[name] = "written"
        except OSError:
            tried[name] = "refused"
    try:
        tried["read"] = Path(behavior["secret"]).read_text()
    except OSError:
        tried["read"] = "refused"
    try:
        socket.create_connection(("127.0.0.1", behavior["port"]), timeout=2).close()
        tried["network"] = "reached"
    except OSError:
        tried["network"] = "refused"
    tried["environment"] = sorted(name for name in os.environ if "KEY" in name or "SECRET" in name)
    say(event="log", text=json.dumps(tried))
for epoch in range(1, configuration["training"]["epochs"] + 1):
    say(event="epoch", epoch=epoch, images_seen=epoch * len(rows), train_loss=1.0 / epoch, val={"macro_f1": 0.5})
    (state / "epoch").write_text(str(epoch))
if what == "chatter":
    for _ in range(20_000):
        print("not json " * 20)
    say(event="epoch", epoch="seven")
    say(event="epoch", epoch=-1)
    say(event="progress", stage="epochs", done=9, total=1)

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

side = configuration["input"]["width_px"]
labels = configuration["labels"]
rng = np.random.default_rng(0)
task = configuration["task"]
if task == "classification":
    weights = rng.normal(0, 1, (3, len(labels))).astype(np.float32)
    nodes = [helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
             helper.make_node("MatMul", ["mean", "w"], ["logits"])]
    tensors = [numpy_helper.from_array(np.array([2, 3], np.int64), "axes"), numpy_helper.from_array(weights, "w")]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", len(labels)])]
    output = {"kind": "logits", "names": ["logits"]}
else:
    anchors = 8
    weights = rng.random((3, (4 + len(labels)) * anchors)).astype(np.float32) * side / 2
    nodes = [helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
             helper.make_node("MatMul", ["mean", "w"], ["flat"]),
             helper.make_node("Reshape", ["flat", "shape"], ["raw"]),
             helper.make_node("Mul", ["raw", "limit"], ["output0"])]
    limit = np.ones((1, 4 + len(labels), 1), np.float32)
    limit[:, 4:] = 0.5 / side
    tensors = [numpy_helper.from_array(np.array([2, 3], np.int64), "axes"), numpy_helper.from_array(weights, "w"),
               numpy_helper.from_array(np.array([-1, 4 + len(labels), anchors], np.int64), "shape"),
               numpy_helper.from_array(limit, "limit")]
    outputs = [helper.make_tensor_value_info("output0", TensorProto.FLOAT, ["N", 4 + len(labels), anchors])]
    output = {"kind": "yolo", "names": ["output0"]}
if what == "operators":
    nodes.append(helper.make_node("Anything", ["mean"], ["more"], domain="com.example"))
if what == "nan":
    tensors[1] = numpy_helper.from_array(np.full_like(weights, np.nan), "w")
graph = helper.make_graph(nodes, "toy", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, side, side])],
                          outputs, tensors)
opsets = [helper.make_opsetid("", 18)] + ([helper.make_opsetid("com.example", 1)] if what == "operators" else [])
model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
if what == "link":
    Path(made, "model.onnx").symlink_to(behavior["secret"])
elif what != "nothing":
    save(model, str(made / "model.onnx"))
result = {"labels": labels, "width_px": side, "height_px": side, "best_epoch": 1, "epochs_done": 99, "output": output,
          "input": {"name": "x", "layout": "nchw", "dtype": "float32", "scale": 255.0}, "val": {"macro_f1": 1.0}}
if what == "labels":
    result["labels"] = ["perfect"]
Path(made, "result.json").write_text(json.dumps(result))
"""


def make_adapter(folder: Path, *, behavior: dict[str, Any] | None = None, **changed: Any) -> Path:
    """Write an adapter into a new folder and return it; `changed` are other values of its `adapter.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.py").write_text(_TRAINER, encoding="utf-8")
    (folder / "behavior.json").write_text(json.dumps(behavior or {}), encoding="utf-8")
    (folder / "LICENSE").write_text("Do what you like with it.\n", encoding="utf-8")
    manifest: dict[str, Any] = {
        "format": 1,
        "name": "toy",
        "title": "Toy trainer",
        "version": "1.0",
        "tasks": ["classification", "detection"],
        "command": ["{python}", "train.py"],
        "python": sys.executable,
        "license": {"name": "MIT", "file": "LICENSE"},
        "options": [{"name": "steps", "kind": "int", "default": 100, "lowest": 1, "highest": 1000}],
        "memory_gib": 2.0,
        "silent_s": 60.0,
        **changed,
    }
    manifest = {name: value for name, value in manifest.items() if value is not None}
    (folder / "adapter.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder
