"""Trains a YOLO network by Ultralytics' program: `train.py train GIVEN MADE STATE`, as docs/adapters.md says.

Run by the interpreter of the adapter's own environment; Geomsa never imports this file.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def say(**said: Any) -> None:
    """Tell Geomsa something: one JSON object a line."""
    print(json.dumps(said), flush=True)  # noqa: T201


def read_rows(given: Path) -> list[dict[str, Any]]:
    """Return the images that were handed over."""
    return [json.loads(line) for line in (given / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]


def lay_out_detection(given: Path, rows: list[dict[str, Any]], labels: list[str], folder: Path, kind: str) -> Path:
    """Write the images as Ultralytics reads them: a text file of boxes (and outlines, or a point) beside each."""
    for row in rows:
        split = "train" if row["split"] == "train" else "val"
        images, texts = folder / "images" / split, folder / "labels" / split
        images.mkdir(parents=True, exist_ok=True)
        texts.mkdir(parents=True, exist_ok=True)
        name = Path(row["image"]).stem
        shutil.copyfile(given / row["image"], images / f"{name}.png")
        lines = []
        for box in row.get("boxes", []):
            x, y, w, h = box["x"], box["y"], box["width"], box["height"]
            width, height = row["width"], row["height"]
            left, top = min(max(x / width, 0.0), 1.0), min(max(y / height, 0.0), 1.0)
            right, bottom = min(max((x + w) / width, 0.0), 1.0), min(max((y + h) / height, 0.0), 1.0)
            number = labels.index(box["label"])
            if kind == "segment":
                corners = (left, top, right, top, right, bottom, left, bottom)
                lines.append(" ".join([str(number), *(f"{value:.6f}" for value in corners)]))
            else:
                values = [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]
                values += [values[0], values[1], 2] if kind == "pose" else []
                lines.append(" ".join([str(number), *(f"{value:.6f}" for value in values)]))
        (texts / f"{name}.txt").write_text("\n".join(lines), encoding="utf-8")
    has_val = (folder / "images" / "val").is_dir()
    document = {
        "path": str(folder),
        "train": "images/train",
        "val": "images/val" if has_val else "images/train",
        "names": dict(enumerate(labels)),
        **({"kpt_shape": [1, 3]} if kind == "pose" else {}),
    }
    described = folder / "data.yaml"
    described.write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML
    return described


def lay_out_classes(given: Path, rows: list[dict[str, Any]], labels: list[str], folder: Path) -> Path:
    """Write the images into a folder for each label; each label exists in both splits, with names that keep order."""
    for split in ("train", "val"):
        for number in range(len(labels)):
            (folder / split / f"{number:04d}").mkdir(parents=True, exist_ok=True)
    for row in rows:
        split = "train" if row["split"] == "train" else "val"
        shutil.copyfile(
            given / row["image"], folder / split / f"{labels.index(row['label']):04d}" / Path(row["image"]).name
        )
    return folder


def find_weights(name: str) -> Path | None:
    """Return the weights file of that name in the adapter's folder."""
    if not name:
        return None
    path = HERE / Path(name).name
    if not path.is_file():
        sys.exit(f"there is no weights file {Path(name).name} in the adapter's folder")
    return path


def main() -> None:
    """Train, export, and say what was made."""
    given, made, state = (Path(word) for word in sys.argv[2:5])
    configuration = json.loads((given / "configuration.json").read_text(encoding="utf-8"))
    options, training = configuration["options"], configuration["training"]
    labels, task = configuration["labels"], configuration["task"]
    rows = read_rows(given)
    say(event="progress", stage="start", done=0, total=1)

    from ultralytics import YOLO, __version__

    folder = state / "data"
    shutil.rmtree(folder, ignore_errors=True)
    if task == "classification":
        ending, data = "-cls", lay_out_classes(given, rows, labels, folder)
    else:
        ending = {"detect": "", "segment": "-seg", "pose": "-pose"}[options["output"]]
        data = lay_out_detection(given, rows, labels, folder, options["output"])
    side = max(configuration["input"]["width_px"], configuration["input"]["height_px"])
    side = max(32, side // 32 * 32)
    weights = find_weights(options["weights"])
    last = state / "run" / "weights" / "last.pt"
    goes_on = last.is_file()
    model = YOLO(str(last if goes_on else weights or f"{options['family']}{options['size']}{ending}.yaml"))
    seen = 0

    def tell_epoch(trainer: Any) -> None:
        nonlocal seen
        seen += len(trainer.train_loader.dataset)
        figures = {key.rpartition("/")[2]: float(value) for key, value in (trainer.metrics or {}).items()}
        names = {"mAP50(B)": "map50", "mAP50-95(B)": "map50_95", "accuracy_top1": "top1", "accuracy_top5": "top5"}
        losses = trainer.label_loss_items(trainer.tloss, prefix="train") if trainer.tloss is not None else {}
        say(
            event="epoch",
            epoch=trainer.epoch + 1,
            images_seen=seen,
            train_loss=float(sum(losses.values())) if isinstance(losses, dict) else None,
            val={names[key]: value for key, value in figures.items() if key in names},
        )

    def stop_early(trainer: Any) -> None:
        trainer.geomsa_steps = getattr(trainer, "geomsa_steps", 0) + 1
        say(event="progress", stage="epochs", done=trainer.epoch, total=training["epochs"])
        if options["steps"] and trainer.geomsa_steps >= options["steps"]:
            trainer.stop = True

    model.add_callback("on_fit_epoch_end", tell_epoch)
    model.add_callback("on_train_batch_end", stop_early)
    model.train(
        data=str(data),
        epochs=training["epochs"],
        imgsz=side,
        batch=training["batch_size"],
        patience=training["patience"] or training["epochs"],
        seed=configuration["seed"],
        deterministic=True,
        workers=0,
        amp=False,
        plots=False,
        project=str(state),
        name="run",
        exist_ok=True,
        resume=goes_on,
        verbose=False,
    )
    best = state / "run" / "weights" / "best.pt"
    say(event="progress", stage="export", done=0, total=1)
    exported = Path(YOLO(str(best)).export(format="onnx", imgsz=side, dynamic=True, simplify=False, nms=False))
    fix_size(exported, made / "model.onnx", side)
    is_class = task == "classification"
    result = {
        "labels": labels,
        "width_px": side,
        "height_px": side,
        "resize": "stretch" if is_class else "letterbox",
        "input": {"name": "images", "layout": "nchw", "dtype": "float32", "scale": 255.0},
        "output": {"kind": "probabilities" if is_class else "yolo", "names": ["output0"]},
        "epochs_done": training["epochs"],
        "license": f"AGPL-3.0 (ultralytics {__version__})",
    }
    (made / "result.json").write_text(json.dumps(result), encoding="utf-8")


def fix_size(source: Path, target: Path, side: int) -> None:
    """Write the graph with its one output alone; the keypoints and masks of other outputs are not taken."""
    import onnx

    model = onnx.load(source)
    del model.graph.output[1:]
    onnx.save(model, target)


if __name__ == "__main__":
    main()
