"""One target under the fuzzer, in a process of its own: a crash of native code ends it, and only it.

    python -m tests.fuzz.child TARGET RUNS FOLDER [SEED]

Coverage-guided by atheris (libFuzzer). FOLDER gets the seeds, and a `crash-…` file for whatever was found. The last
line says how many files there were and the most memory that was held.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

with atheris.instrument_imports(include=["core.files", "core.images.imports", "core.images.annotations", "inference"]):
    from tests.fuzz.targets import TARGETS

MEMORY_MB = 1024
_MOST_BYTES = 8192
_SLOWEST_S = 20


def main(arguments: list[str]) -> None:
    """Fuzz, then say what came of it; a finding ends the process with another status than 0."""
    name, runs, folder = arguments[0], int(arguments[1]), Path(arguments[2])
    seed = arguments[3] if len(arguments) > 3 else "1"
    target = TARGETS[name]
    seeds = folder / "seeds"
    seeds.mkdir(parents=True, exist_ok=True)
    for place, data in enumerate(target.seeds()):
        (seeds / f"{place:02d}").write_bytes(data)
    counts = {"files": 0, "refused": 0}

    def one(data: bytes) -> None:
        counts["files"] += 1
        try:
            target.run(data)
        except target.allowed:
            counts["refused"] += 1
        if counts["files"] >= runs:
            _tell(name, counts)

    def mutate(data: bytes, max_size: int, _seed: int) -> Any:
        return target.mend(atheris.Mutate(data, max_size))[:max_size]

    options = [f"-runs={runs * 2}", f"-max_len={_MOST_BYTES}", f"-seed={seed}", f"-rss_limit_mb={MEMORY_MB}"]
    options += [f"-timeout={_SLOWEST_S}", f"-artifact_prefix={folder}/", "-verbosity=0", "-print_final_stats=0"]
    atheris.Setup(["fuzz", *options, str(seeds)], one, custom_mutator=mutate)
    atheris.Fuzz()


def _tell(name: str, counts: dict[str, int]) -> None:
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"target": name, **counts, "memory_mb": round(memory_mb)}) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
