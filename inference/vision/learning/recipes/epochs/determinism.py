"""The same bits for the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from inference.errors import ModelError
from inference.vision.networks.torch_runtime import keep_float32


@contextmanager
def determined(seed: int, *, device: str, threads: int) -> Iterator[None]:
    """Let torch give the same bits for the same numbers: its threads fixed, its deterministic ways alone.

    On CUDA what has no such way is computed nevertheless. Memory that does not suffice is said as a ModelError
    (`out_of_memory`).
    """
    import torch

    threads_before, strict_before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    if device != "cpu":
        keep_float32()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=device != "cpu")
    torch.manual_seed(seed)
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise ModelError("out_of_memory", device=device) from error
    except RuntimeError as error:
        if "allocate memory" in str(error):
            raise ModelError("out_of_memory", device=device) from error
        raise
    finally:
        torch.use_deterministic_algorithms(strict_before)
        torch.set_num_threads(threads_before)
