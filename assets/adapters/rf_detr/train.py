"""Trains RF-DETR by its own program: `train.py train GIVEN MADE STATE`, as docs/adapters.md says.

Run by the interpreter of the adapter's own environment; Geomsa never imports this file.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SIZES = {"nano": "RFDETRNano", "small": "RFDETRSmall", "medium": "RFDETRMedium"}


def say(**said: Any) -> None:
    """Tell Geomsa something: one JSON object a line."""
    print(json.dumps(said), flush=True)  # noqa: T201


def lay_out(given: Path, labels: list[str], folder: Path) -> None:
    """Write the images with COCO annotations, as RF-DETR reads them."""
    rows = [json.loads(line) for line in (given / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    for split, name in (("train", "train"), ("val", "valid")):
        used = [row for row in rows if row["split"] == split] or [row for row in rows if row["split"] == "train"]
        place = folder / name
        place.mkdir(parents=True)
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for number, row in enumerate(used):
            file_name = Path(row["image"]).name
            shutil.copyfile(given / row["image"], place / file_name)
            images.append({"id": number, "file_name": file_name, "width": row["width"], "height": row["height"]})
            for box in row.get("boxes", []):
                size = [box["x"], box["y"], box["width"], box["height"]]
                annotations.append(
                    {
                        "id": len(annotations),
                        "image_id": number,
                        "category_id": labels.index(box["label"]),
                        "bbox": size,
                        "area": size[2] * size[3],
                        "iscrowd": 0,
                    }
                )
        document = {
            "images": images,
            "annotations": annotations,
            "categories": [{"id": place, "name": label} for place, label in enumerate(labels)],
        }
        (place / "_annotations.coco.json").write_text(json.dumps(document), encoding="utf-8")


def make_teller(epochs: int, steps: int) -> Any:
    """Return a Lightning callback that tells how far the training is, and ends it after so many steps."""
    from pytorch_lightning import Callback

    class Teller(Callback):
        seen = 0
        done = 0

        def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            self.done += 1
            self.seen += len(batch[1])
            say(event="progress", stage="epochs", done=min(trainer.current_epoch, epochs), total=epochs)
            if steps and self.done >= steps:
                trainer.should_stop = True

        def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
            figures = {key: float(value) for key, value in trainer.callback_metrics.items()}
            names = {"val/mAP_50": "map50", "val/mAP_50_95": "map50_95"}
            say(
                event="epoch",
                epoch=trainer.current_epoch + 1,
                images_seen=self.seen,
                train_loss=figures.get("train/loss"),
                val={names[key]: value for key, value in figures.items() if key in names},
            )

    return Teller()


def main() -> None:
    """Train, export, and say what was made."""
    given, made, state = (Path(word) for word in sys.argv[2:5])
    configuration = json.loads((given / "configuration.json").read_text(encoding="utf-8"))
    options, training, labels = configuration["options"], configuration["training"], configuration["labels"]
    say(event="progress", stage="start", done=0, total=1)
    folder = state / "data"
    shutil.rmtree(folder, ignore_errors=True)
    lay_out(given, labels, folder)
    weights: str | None = None
    if options["weights"]:
        path = HERE / Path(options["weights"]).name
        if not path.is_file():
            sys.exit(f"there is no weights file {path.name} in the adapter's folder")
        weights = str(path)

    import rfdetr
    from rfdetr import training as stack

    model = getattr(rfdetr, SIZES[options["size"]])(pretrain_weights=weights, num_classes=len(labels))
    step = model.model_config.patch_size * model.model_config.num_windows
    side = max(step, max(configuration["input"]["width_px"], configuration["input"]["height_px"]) // step * step)
    epochs = training["epochs"]
    teller = make_teller(epochs, options["steps"])
    build = stack.build_trainer

    def build_and_tell(*given_arguments: Any, **named: Any) -> Any:
        trainer = build(*given_arguments, **named)
        trainer.callbacks.append(teller)
        return trainer

    stack.build_trainer = build_and_tell
    last = state / "run" / "last.ckpt"
    model.train(
        dataset_dir=str(folder),
        output_dir=str(state / "run"),
        epochs=epochs,
        batch_size=min(training["batch_size"], 4),
        grad_accum_steps=max(1, training["batch_size"] // 4),
        lr=training["learning_rate"] / 10.0,
        weight_decay=training["weight_decay"],
        resolution=side,
        resume=str(last) if last.is_file() else None,
        multi_scale=False,
        num_workers=0,
        tensorboard=False,
        early_stopping=bool(training["patience"]),
        early_stopping_patience=training["patience"] or 1,
    )
    say(event="progress", stage="export", done=0, total=1)
    exported = model.export(output_dir=str(state / "export"), shape=(side, side), dynamic_batch=True, verbose=False)
    shutil.copyfile(exported, made / "model.onnx")
    result = {
        "labels": labels,
        "width_px": side,
        "height_px": side,
        "resize": "stretch",
        "input": {
            "name": "input",
            "layout": "nchw",
            "dtype": "float32",
            "scale": 255.0,
            "mean": [0.485, 0.456, 0.406],
            "std": [0.229, 0.224, 0.225],
        },
        "output": {"kind": "detr", "names": ["dets", "labels"]},
        "epochs_done": epochs,
        "license": "Apache-2.0",
    }
    (made / "result.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
