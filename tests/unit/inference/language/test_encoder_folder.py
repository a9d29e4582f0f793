"""A sentence-transformers folder as the encoder: a tiny model, made here and read back without a network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from inference.language.sentence_encoder import open_encoder

# In a process of its own: the library warns about other things while it imports.
_MAKE = """
import string, sys
from pathlib import Path
from sentence_transformers import SentenceTransformer, models
from transformers import BertConfig, BertModel, BertTokenizerFast

target = Path(sys.argv[1])
inner = target.with_name("bert")
inner.mkdir()
letters = string.ascii_lowercase
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *("##" + letter for letter in letters)]
(inner / "vocab.txt").write_text("\\n".join(words))
BertTokenizerFast(vocab_file=str(inner / "vocab.txt")).save_pretrained(inner)
sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
BertModel(BertConfig(vocab_size=len(words), **sizes)).save_pretrained(inner)
SentenceTransformer(modules=[models.Transformer(str(inner)), models.Pooling(16)], device="cpu").save(str(target))
"""


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")
def test_a_folder_of_sentence_transformers_is_an_encoder(tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    made = subprocess.run([sys.executable, "-c", _MAKE, str(folder)], capture_output=True, text=True, timeout=580)
    assert made.returncode == 0, made.stderr
    encoder = open_encoder(folder)
    vectors = encoder.encode(["burr", "scratch", ""])
    assert vectors.shape == (3, encoder.dimension) == (3, 16)
    assert np.linalg.norm(vectors[:2], axis=1) == pytest.approx(1, abs=1e-5)
    assert not vectors[2].any()
    assert encoder.name.startswith("tiny-")
    assert encoder.ready
