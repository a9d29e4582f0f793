"""A batch job against the engine: from staged files to committed records and items, with the memory it takes.

    python -m benchmarks.bench_batch --data FOLDER [--images 1000] [--product casting] [--turns 1]

In a copy of a data folder with a demo product (such as `python -m core demo` makes), images of the product are staged
as a batch and worked off in this process, as a worker's child does. The engine is
`examine_many` on the same images, decoded and in memory: detection, verdict, regions and similar images, nothing
stored.

The last line of stdout is one JSON object: `batch_ratio` is the batch's throughput over the engine's, `stage_s` what
storing the uploads took, `memory_start_mb` and `memory_end_mb` the resident memory after a tenth of the batch and at
its end (the engine's own images are freed before), `csv_s`, `xlsx_s`, `ng_zip_s` the exports with `export_memory_mb`,
the most that they added.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from core.accounts.people import open_person
from core.batches import working
from core.batches.exports import stream_batch_csv, stream_rejected, write_batch_xlsx
from core.batches.starting import BatchOrder, start_with_files
from core.catalog.products import find_product
from core.images.library import list_images, read_image
from core.images.records import IncomingFile
from core.inspections.examination import examine_many, find_judges
from core.jobs import claims
from core.services import Services, build_services
from core.settings import read_settings
from inference.vision.images.decode import decode

_DECODED = 64


def measure_engine(services: Services, product_id: int, files: Sequence[bytes]) -> float:
    """Return the images a second that `examine_many` examines, decoded and in memory."""
    judges = find_judges(services, product_id)
    # Of all of them, as the batch has: a defective part takes several times as long as a good one.
    chosen = files[:: max(1, len(files) // _DECODED)][:_DECODED]
    images = [decode(data, bit_depth=judges.bit_depth) for data in chosen]
    list(examine_many(services, judges, images[:16]))
    started = time.perf_counter()
    count = sum(1 for _ in examine_many(services, judges, images + images))
    return count / (time.perf_counter() - started)


def measure_batch(services: Services, product_id: int, files: Sequence[bytes]) -> dict[str, float]:
    """Return what a batch of these files takes: `batch_images_per_s`, `stage_s`, memory, and its `job_id`."""
    incoming = [IncomingFile(f"{number:05d}.png", lambda data=data: data) for number, data in enumerate(files)]  # type: ignore[misc]
    person = open_person(services, "worker")
    started = time.perf_counter()
    job_id = start_with_files(services, person, BatchOrder(product_id), incoming)
    stage_s = time.perf_counter() - started
    claim = claims.claim_next(services, "benchmark", lease_s=36_000.0)
    assert claim is not None
    memory: list[float] = []
    hold = claims.hold

    def watched(*args: object, **values: object) -> None:
        memory.append(_resident_mb())
        hold(*args, **values)  # type: ignore[arg-type]

    claims.hold = watched
    started = time.perf_counter()
    error = working.work_off(services, claim)
    took_s = time.perf_counter() - started
    claims.hold = hold
    assert error is None, error
    claims.finish(services, claim, state="succeeded")
    return {
        "job_id": job_id,
        "batch_images_per_s": len(files) / took_s,
        "stage_s": stage_s,
        "memory_start_mb": memory[len(memory) // 10],
        "memory_end_mb": memory[-1],
    }


def measure_exports(services: Services, job_id: int) -> dict[str, float]:
    """Return how long each export takes, and the most memory that one added."""
    before, most = _resident_mb(), 0.0
    figures: dict[str, float] = {}
    options = {"language": "en", "address": "http://localhost/?inspection={}".format}
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        for _ in stream_batch_csv(services, job_id, **options):  # type: ignore[arg-type]
            most = max(most, _resident_mb())
        figures["csv_s"] = time.perf_counter() - started
        started = time.perf_counter()
        write_batch_xlsx(services, job_id, Path(folder, "table.xlsx"), **options)  # type: ignore[arg-type]
        most = max(most, _resident_mb())
        figures["xlsx_s"] = time.perf_counter() - started
        started = time.perf_counter()
        for _ in stream_rejected(services, job_id, **options):  # type: ignore[arg-type]
            most = max(most, _resident_mb())
        figures["ng_zip_s"] = time.perf_counter() - started
    return figures | {"export_memory_mb": most - before}


def _resident_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--product", default="casting")
    parser.add_argument(
        "--data", type=Path, required=True, help="a data folder with the product deployed; it is copied"
    )
    parser.add_argument("--turns", type=int, default=1)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geomsa-bench-") as folder:
        data_dir = Path(folder, "data")
        shutil.copytree(wanted.data, data_dir, ignore=shutil.ignore_patterns("*.lock"))
        services = build_services(read_settings({"GEOMSA_DATA_DIR": str(data_dir)}), migrate=True)
        product = find_product(services, wanted.product)
        rows = [*list_images(services, product_id=product.id, image_type="normal", page_size=200).rows]
        rows += list_images(services, product_id=product.id, image_type="defect", page_size=50).rows
        pool = [read_image(services, row) for row in rows]
        files = [pool[number % len(pool)] for number in range(wanted.images)]
        figures: dict[str, float] = {}
        for _ in range(wanted.turns):
            engine = measure_engine(services, product.id, pool)
            figures = {"engine_images_per_s": engine} | measure_batch(services, product.id, files)
            figures["batch_ratio"] = figures["batch_images_per_s"] / engine
        figures |= measure_exports(services, int(figures.pop("job_id")))
        services.database.dispose()
    sys.stdout.write(json.dumps({name: round(value, 3) for name, value in figures.items()}) + "\n")


if __name__ == "__main__":
    main()
