"""The pretrained teacher that EfficientAD learns from: proven to be that network before anything uses it.

anomalib's authors publish it in an archive together with a larger one. The archive is known by its hash, which is
written in anomalib's own source; what is in it is read with `weights_only` and rewritten as safetensors.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path, PurePosixPath

import numpy as np

from inference.errors import ModelError

NAME = "efficientad_teacher"
TITLE = "EfficientAD's teacher (PDN, small)"
LICENCE = "Apache-2.0"
SOURCE = "anomalib's release efficientad_pretrained_weights"
BYTE_SIZE = 10_900_000
ARCHIVE_SHA256 = "c09aeaa2b33f244b3261a5efdaeae8f8284a949470a4c5a526c61275fe62684a"
_MEMBER = "pretrained_teacher_small.pth"
_MOST_BYTES = 256 * 1024**2
SHAPES: dict[str, tuple[int, ...]] = {
    "conv1.weight": (128, 3, 4, 4),
    "conv1.bias": (128,),
    "conv2.weight": (256, 128, 4, 4),
    "conv2.bias": (256,),
    "conv3.weight": (256, 256, 3, 3),
    "conv3.bias": (256,),
    "conv4.weight": (384, 256, 4, 4),
    "conv4.bias": (384,),
}


def check_teacher(path: Path) -> None:
    """Prove that a safetensors file holds the teacher: its tensors, of their shapes, with finite values.

    Raises ModelError: `backbone_weights_format`, `backbone_weights_mismatch`.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError("backbone_weights_format", name=NAME) from error
    if {name: tensor.shape for name, tensor in tensors.items()} != SHAPES:
        raise ModelError("backbone_weights_mismatch", name=NAME, detail="it has other tensors")
    for name, tensor in tensors.items():
        if tensor.dtype != np.float32 or not np.isfinite(tensor).all():
            raise ModelError("backbone_weights_mismatch", name=NAME, detail=f"{name} holds values that are no numbers")


def convert_archive(archive: Path, target: Path) -> None:
    """Rewrite the teacher in the published archive as the safetensors file `target`. Nothing in it is ever run.

    Raises ModelError: `teacher_archive_unknown` for an archive of another hash, `backbone_weights_mismatch`.
    """
    import pickle

    import torch
    from safetensors.torch import save_file

    with archive.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != ARCHIVE_SHA256:
            raise ModelError("teacher_archive_unknown", name=archive.name)
    try:
        with zipfile.ZipFile(archive) as opened:
            (member,) = [one for one in opened.infolist() if PurePosixPath(one.filename).name == _MEMBER]
            if member.file_size > _MOST_BYTES:
                raise ValueError("too large")
            state = torch.load(io.BytesIO(opened.read(member)), map_location="cpu", weights_only=True)
        save_file({str(name): tensor.contiguous() for name, tensor in state.items()}, target)
    except (zipfile.BadZipFile, RuntimeError, EOFError, pickle.UnpicklingError, AttributeError, ValueError) as error:
        raise ModelError("backbone_weights_mismatch", name=NAME, detail="it cannot be read") from error
