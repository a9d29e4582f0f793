"""Fitting PaDiM's Gaussians: time and memory of ours and of anomalib's `MultiVariateGaussian`, on the same features.

    python -m benchmarks.bench_padim [--images 100] [--places 1024] [--channels 100] [--repeats 3]

Features are drawn, correlated as a network's are. Each side runs in a process of its own on two threads; the import is
timed apart. `held_mib` is the peak of the process less what it held with the libraries and the features before the fit.
`largest_difference` is that of the distances of one more image, relative. Prints one JSON object as the last line.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

THREADS = 2
MIB = 1024**2


def draw_features(images: int, places: int, channels: int) -> np.ndarray:
    """Features float32 (images, places, channels): a few directions vary much, as those of a network do."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(channels, channels)).astype(np.float32)
    mixing /= np.sqrt(np.arange(1, channels + 1, dtype=np.float32))[:, None]
    features = np.empty((images, places, channels), np.float32)
    for image in features:
        image[:] = rng.standard_normal((places, channels), np.float32) @ mixing + 2
    return features


def run_side(side: str, arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Fit in this process and keep the distances of the last image in `folder`."""
    started = time.perf_counter()
    if side == "anomalib":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import torch
            from anomalib.models.components.stats import MultiVariateGaussian

            torch.set_num_threads(THREADS)
    from inference.vision.detection.padim.gaussians import Gaussians, fit_gaussians

    import_s = time.perf_counter() - started
    features = draw_features(arguments.images + 1, arguments.places, arguments.channels)
    known, asked = features[:-1], features[-1]

    def fit() -> Gaussians:
        if side == "ours":
            return fit_gaussians(known)
        spread = known.reshape(-1, arguments.channels).std(axis=0, dtype=np.float64).astype(np.float32)
        observed = torch.from_numpy(np.ascontiguousarray((known / spread).transpose(0, 2, 1)))
        with torch.inference_mode():
            mean, inverse = MultiVariateGaussian().fit(observed[..., None])
        return Gaussians(np.ascontiguousarray(mean.numpy().T), inverse.numpy(), spread)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    times = []
    for _ in range(arguments.repeats):
        started = time.perf_counter()
        gaussians = fit()
        times.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    np.save(folder / f"{side}.npy", gaussians.distances(asked))
    return {
        "import_s": round(import_s, 2),
        "fit_s": round(min(times), 2),
        "held_mib": (peak - before) // MIB,
        "peak_mib": peak // MIB,
        "torch_imported": "torch" in sys.modules,
    }


def main() -> None:
    """Run both sides, or the one that is named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--places", type=int, default=1024)
    parser.add_argument("--channels", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", choices=("ours", "anomalib"))
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    if arguments.side:
        sys.stdout.write(json.dumps(run_side(arguments.side, arguments, arguments.folder)) + "\n")
        return
    found: dict[str, Any] = {name: getattr(arguments, name) for name in ("images", "places", "channels")}
    with tempfile.TemporaryDirectory(prefix="geomsa-padim-") as folder:
        for side in ("ours", "anomalib"):
            given = [f"--{name}={getattr(arguments, name)}" for name in ("images", "places", "channels", "repeats")]
            command = [sys.executable, "-m", "benchmarks.bench_padim", f"--side={side}", f"--folder={folder}", *given]
            environment = {**os.environ, "OMP_NUM_THREADS": str(THREADS)}
            ran = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
            found[side] = json.loads(ran.stdout.splitlines()[-1])
        ours, theirs = (np.load(Path(folder) / f"{side}.npy") for side in ("ours", "anomalib"))
    found["largest_difference"] = float(np.abs(ours / theirs - 1).max())
    found["load"] = round(os.getloadavg()[0], 1)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
