"""Grounding: tiny networks of random weights, saved and loaded by path, and folders with wrong files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from inference.errors import ModelError
from inference.language.grounding.detectors import Grounded, Grounder, open_grounder
from inference.language.grounding.folder import GROUNDING_DINO, OWLV2, GroundingNetwork, check_folder
from inference.language.grounding.method import GroundingMethod, Phrase
from tests.grounding_folders import write_grounding_dino, write_owlv2

IMAGE = np.random.default_rng(3).integers(0, 255, (80, 120, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("grounding")
    return {
        GROUNDING_DINO.name: write_grounding_dino(root / "dino"),
        OWLV2.name: write_owlv2(root / "owl"),
    }


class FixedGrounder:
    """Finds what it was given."""

    stamp = "0" * 64

    def __init__(self, scores: list[list[float]], corners: list[list[float]]) -> None:
        self.found = Grounded(np.array(scores, np.float32), np.array(corners, np.float32))

    def ground(self, image: np.ndarray, phrases: object) -> Grounded:
        return self.found


@pytest.mark.parametrize("network", [GROUNDING_DINO, OWLV2], ids=lambda network: network.name)
def test_a_folder_that_was_saved_finds_the_same_boxes_when_loaded_again(
    network: GroundingNetwork, folders: dict[str, Path]
) -> None:
    one, other = (open_grounder(network, folders[network.name]) for _ in range(2))
    found, again = (grounder.ground(IMAGE, ["scratch on metal", "deep hole"]) for grounder in (one, other))
    assert found.scores.shape == (len(found.corners), 2)
    assert found.scores.dtype == found.corners.dtype == np.float32
    assert np.array_equal(found.scores, again.scores)
    assert np.array_equal(found.corners, again.corners)
    assert one.stamp == other.stamp


def test_boxes_of_grounding_dino_are_those_of_transformers_own_post_processing(folders: dict[str, Path]) -> None:
    import torch
    from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor

    folder = folders[GROUNDING_DINO.name]
    processor = AutoProcessor.from_pretrained(folder)
    model = AutoModelForZeroShotObjectDetection.from_pretrained(folder).eval()
    inputs = processor(images=IMAGE, text="scratch on metal. deep hole.", return_tensors="pt")
    with torch.inference_mode():
        outputs = model(**inputs)
    theirs = processor.post_process_grounded_object_detection(
        outputs, inputs["input_ids"], threshold=-1.0, text_threshold=0.0, target_sizes=[IMAGE.shape[:2]]
    )[0]
    ours = open_grounder(GROUNDING_DINO, folder).ground(IMAGE, ["scratch on metal", "deep hole"])
    assert ours.corners == pytest.approx(theirs["boxes"].numpy(), abs=1e-3)
    # Tokens 1 to 3 are the first phrase, 5 and 6 the second: [CLS] scratch on metal . deep hole . [SEP]
    tokens = torch.sigmoid(outputs.logits[0]).numpy()
    assert ours.scores[:, 0] == pytest.approx(tokens[:, 1:4].max(axis=1))
    assert ours.scores[:, 1] == pytest.approx(tokens[:, 5:7].max(axis=1))


def test_boxes_of_owlv2_are_those_of_transformers_own_post_processing(folders: dict[str, Path]) -> None:
    import torch
    from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor

    folder = folders[OWLV2.name]
    processor = AutoProcessor.from_pretrained(folder)
    model = AutoModelForZeroShotObjectDetection.from_pretrained(folder).eval()
    texts = [["a photo of scratch", "a photo of hole"]]
    inputs = processor(
        images=IMAGE, text=texts, return_tensors="pt", padding="max_length", max_length=16, truncation=True
    )
    with torch.inference_mode():
        outputs = model(**inputs)
    theirs = processor.post_process_grounded_object_detection(
        outputs, threshold=-1.0, target_sizes=torch.tensor([IMAGE.shape[:2]])
    )[0]
    ours = open_grounder(OWLV2, folder).ground(IMAGE, ["scratch", "hole"])
    assert ours.corners == pytest.approx(theirs["boxes"].numpy(), abs=1e-3)
    assert ours.scores.max(axis=1) == pytest.approx(theirs["scores"].numpy(), abs=1e-6)


def test_phrases_that_do_not_fit_one_text_are_asked_in_several(folders: dict[str, Path]) -> None:
    grounder = open_grounder(GROUNDING_DINO, folders[GROUNDING_DINO.name])
    phrases = ["deep scratch on metal " * 12] * 6
    found = grounder.ground(IMAGE, phrases)
    # Twelve queries a text, and each phrase was asked in one of them.
    assert len(found.scores) > 12
    assert (found.scores.max(axis=0) > 0).all()


def test_the_score_is_that_of_the_best_box_and_types_follow_the_phrases() -> None:
    grounder = FixedGrounder(
        [[0.2, 0.6], [0.5, 0.1], [0.55, 0.1]], [[0, 0, 10, 10], [50, 20, 90, 60], [51, 20, 90, 60]]
    )
    method = GroundingMethod(grounder, [Phrase("dent", "dent"), Phrase("scratch", "scratch")])
    (said,) = method.predict([IMAGE])
    assert said.score == pytest.approx(0.6)
    # The second best lies on the third: one find, one box.
    assert [box.label for box in said.boxes] == ["scratch", "dent"]
    assert said.boxes[1].score == pytest.approx(0.55)
    assert sum(said.class_probabilities.values()) == pytest.approx(1.0)
    assert said.class_probabilities["good"] == pytest.approx(0.4)


def test_boxes_are_cut_at_the_edges_and_those_outside_left_out() -> None:
    grounder = FixedGrounder([[0.9], [0.8]], [[0, 100, 50, 140], [-20, -5, 40, 90]])
    (said,) = GroundingMethod(grounder, [Phrase("dent", "dent")]).predict([IMAGE])
    assert said.score == pytest.approx(0.8)
    (box,) = said.boxes
    assert (box.x, box.y, box.width, box.height) == (0, 0, 40, 80)


def test_without_a_phrase_there_is_nothing_to_look_for() -> None:
    with pytest.raises(ModelError) as raised:
        GroundingMethod(FixedGrounder([[0.9]], [[0, 0, 9, 9]]), [])
    assert raised.value.code == "grounding_phrases_missing"


def test_a_network_that_fails_on_an_image_leaves_the_others() -> None:
    class Failing:
        stamp = ""

        def ground(self, image: np.ndarray, phrases: object) -> Grounded:
            if image.sum() == 0:
                raise ModelError("device_failed", device="cpu", detail="RuntimeError")
            return FixedGrounder([[0.9]], [[0, 0, 9, 9]]).found

    failing: Grounder = Failing()
    dark, light = GroundingMethod(failing, [Phrase("dent", "dent")]).predict([np.zeros_like(IMAGE), IMAGE])
    assert (dark.score, dark.error and dark.error.code) == (None, "device_failed")
    assert light.score == pytest.approx(0.9)


def _spoil(folder: Path, way: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    if way == "pickle":
        (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
    elif way == "code":
        (folder / "modeling_own.py").write_text("print('run')")
    elif way == "other kind":
        (folder / "config.json").write_text(json.dumps(config | {"model_type": "bert"}))
    elif way == "no config":
        (folder / "config.json").unlink()
    elif way == "no JSON":
        (folder / "config.json").write_text("[1, 2")
    elif way == "no weights":
        (folder / "model.safetensors").unlink()
    elif way == "no tokenizer":
        for name in ("tokenizer.json", "vocab.json", "vocab.txt"):
            (folder / name).unlink(missing_ok=True)
    elif way == "cut off":
        (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:5000])
    elif way == "no safetensors":
        (folder / "model.safetensors").write_bytes(b"not weights at all" * 10)
    elif way == "link":
        (folder / "extra.json").symlink_to("/etc/hostname")


@pytest.mark.parametrize("network", [GROUNDING_DINO, OWLV2], ids=lambda network: network.name)
@pytest.mark.parametrize(
    ("way", "code"),
    [
        ("pickle", "grounding_unsafe_files"),
        ("code", "grounding_unsafe_files"),
        ("link", "grounding_unsafe_files"),
        ("other kind", "grounding_wrong_kind"),
        ("no config", "grounding_file_missing"),
        ("no JSON", "grounding_config_unreadable"),
        ("no weights", "grounding_file_missing"),
        ("no tokenizer", "grounding_file_missing"),
        ("cut off", "grounding_unreadable"),
        ("no safetensors", "grounding_unreadable"),
    ],
)
def test_a_folder_with_wrong_files_is_refused_with_the_reason(
    network: GroundingNetwork, way: str, code: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "spoiled"
    shutil.copytree(folders[network.name], folder)
    _spoil(folder, way)
    with pytest.raises(ModelError) as raised:
        open_grounder(network, folder)
    assert raised.value.code == code
    assert "spoiled" in str(raised.value)


def test_weights_that_lack_a_layer_are_not_filled_with_random_numbers(folders: dict[str, Path], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "lacking"
    shutil.copytree(folders[OWLV2.name], folder)
    weights = load_file(folder / "model.safetensors")
    weights.pop(next(name for name in sorted(weights) if "box_head" in name))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError) as raised:
        open_grounder(OWLV2, folder)
    assert raised.value.code == "grounding_unreadable"


def test_no_folder_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as raised:
        check_folder(OWLV2, tmp_path / "nowhere")
    assert raised.value.code == "grounding_folder_missing"
