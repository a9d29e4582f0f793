"""Detectors of torchvision and transformers: trained, kept, opened by path, exported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.errors import ModelError
from inference.vision.learning.dense.detector import DetectorRecipe
from inference.vision.learning.recipes.contract import RecipeContext
from inference.vision.learning.recipes.settings import InputSettings, RecipeSettings, TrainingSettings
from inference.vision.learning.trained_network.input import prepare_input
from inference.vision.learning.trained_network.runtime import NetworkRuntime
from tests.unit.inference.vision.learning.dense.drawn_examples import SIDE_PX, Heard, draw_example, draw_set

CPU = RecipeContext(weights=None)


def _settings(architecture: str, *, scratch: bool = True, epochs: int = 2) -> RecipeSettings:
    return RecipeSettings(
        scratch=scratch,
        input=InputSettings(width_px=SIDE_PX, height_px=SIDE_PX),
        training=TrainingSettings(epochs=epochs, batch_size=4, patience=0, learning_rate=1e-4),
        options={"architecture": architecture},
    )


@pytest.mark.parametrize(
    "architecture",
    [
        "rt_detr",
        pytest.param("d_fine", marks=pytest.mark.full),
        pytest.param("retinanet", marks=pytest.mark.full),
    ],
)
def test_it_trains_goes_on_and_is_exported(tmp_path: Path, architecture: str) -> None:
    examples = draw_set(6, 2)
    recipe, settings = DetectorRecipe(), _settings(architecture)
    straight = recipe.train(examples, settings, CPU, scratch=tmp_path / "whole", listener=Heard())
    with pytest.raises(InterruptedError):
        recipe.train(examples, settings, CPU, scratch=tmp_path / "broken", listener=Heard(ends_after=1))
    resumed = recipe.train(examples, settings, CPU, scratch=tmp_path / "broken", listener=Heard())
    assert resumed.graph == straight.graph
    assert straight.description.backbone == architecture
    outputs = NetworkRuntime(straight.graph, straight.description).compute(
        [prepare_input(draw_example(7, "test", "dent").load(), straight.description)]
    )
    assert outputs["scores"].shape[2] == 2
    assert outputs["boxes"].shape == (1, outputs["scores"].shape[1], 4)
    assert np.isfinite(outputs["boxes"]).all()
    assert (outputs["scores"] >= 0.0).all()
    assert (outputs["scores"] <= 1.0).all()


@pytest.mark.full
def test_weights_of_a_folder_are_opened_and_labels_begin_anew(tmp_path: Path) -> None:
    from transformers import RTDetrConfig, RTDetrForObjectDetection, RTDetrResNetConfig

    backbone = RTDetrResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 8, 8, 8],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )
    config = RTDetrConfig(
        backbone_config=backbone,
        encoder_hidden_dim=16,
        encoder_in_channels=[8, 8, 8],
        encoder_ffn_dim=16,
        encoder_attention_heads=2,
        d_model=16,
        num_queries=12,
        decoder_in_channels=[16, 16, 16],
        decoder_ffn_dim=16,
        decoder_layers=1,
        decoder_attention_heads=2,
        num_denoising=0,
        num_labels=5,
    )
    RTDetrForObjectDetection(config).save_pretrained(tmp_path / "weights", safe_serialization=True)
    context = replace(CPU, weights=tmp_path / "weights")
    found = DetectorRecipe().train(
        draw_set(4, 2), _settings("rt_detr", scratch=False, epochs=1), context, scratch=tmp_path / "s", listener=Heard()
    )
    outputs = NetworkRuntime(found.graph, found.description).compute([np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)])
    assert outputs["scores"].shape == (1, 12, 2)


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    context = replace(CPU, weights=tmp_path)
    with pytest.raises(ModelError) as caught:
        DetectorRecipe().train(
            draw_set(2, 0), _settings("d_fine", scratch=False), context, scratch=tmp_path / "s", listener=Heard()
        )
    assert caught.value.code == "detector_weights_unreadable"


def test_a_file_that_holds_other_tensors_is_refused(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(3, np.float32)}, tmp_path / "some.safetensors")
    context = replace(CPU, weights=tmp_path / "some.safetensors")
    with pytest.raises(ModelError) as caught:
        DetectorRecipe().train(
            draw_set(2, 0), _settings("retinanet", scratch=False), context, scratch=tmp_path / "s", listener=Heard()
        )
    assert caught.value.code == "detector_weights_unreadable"
