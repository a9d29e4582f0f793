"""An import as a job: how fast a worker takes images in, and how soon it stops when it is canceled.

    python -m benchmarks.bench_import_job [--images 1000] [--cancels 5] [--kills 2] [--format jpeg]

Makes a ZIP file of images of one megapixel (as bench_intake), plans and starts its import over the use cases of the
screen, and has a worker of its own (`python -m core worker`) take it in. `images_per_s` counts from the first image
that is in to the last. Then the same set is taken into further products, and each of those jobs is canceled while it
runs: `cancel_s` are the seconds from the person's click until nothing is taken in any more and the job says so. With
`--kills` the worker and all its processes are killed (-9) so many times while one more import runs, each time followed
by a new worker: `killed` says how many images were in at each kill, how long until the next came in, and whether in
the end every image is there once.
Progress goes to stderr; the last line of stdout is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.bench_intake import ROOT, say, write_archive
from core.access import Person
from core.accounts.people import open_person
from core.catalog.products import find_product
from core.image_imports.drafts import draft_from_files
from core.image_imports.results import ADDED, ImportView, view_import
from core.image_imports.starting import cancel, start_import
from core.images.library import list_images
from core.images.records import IncomingFile
from core.services import Services, build_services
from core.settings import read_settings

_LONGEST_S = 900.0
_LOOK_S = 0.02


def start(services: Services, person: Person, archive: Path, product: str) -> int:
    """Plan the archive for a product and start the import; return the job."""
    files = [IncomingFile(archive.name, archive.read_bytes)]
    draft = draft_from_files(services, person, files, product=product, as_role="normal")
    return start_import(services, person, draft.id, row_version=draft.row_version)


def wait_for(
    services: Services, person: Person, job_id: int, is_so: Callable[[ImportView], bool]
) -> tuple[ImportView, float]:
    """Return the import once it is so, and the moment."""
    ends = time.perf_counter() + _LONGEST_S
    while True:
        found = view_import(services, person, job_id)
        now = time.perf_counter()
        if is_so(found):
            return found, now
        if now > ends:
            raise SystemExit(f"the import waits too long: {found.job.state}")
        time.sleep(_LOOK_S)


@contextmanager
def worker(data_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker, in a process group of its own, until the block ends."""
    env = {**os.environ, "GEOMSA_DATA_DIR": str(data_dir), "GEOMSA_DEVICE": "cpu"}
    command = [sys.executable, "-m", "core", "worker"]
    with subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, start_new_session=True) as running:
        try:
            yield running
        finally:
            if running.poll() is None:
                running.terminate()


def holds_more(found: ImportView, *, least: int) -> bool:
    """Return whether more images are in than these."""
    return found.outcomes.get(ADDED, 0) > least


def kill_and_go_on(services: Services, person: Person, archive: Path, data_dir: Path, kills: int) -> dict[str, Any]:
    """Import the archive while its worker is killed again and again; return what became of it."""
    job_id = start(services, person, archive, "killed")
    at: list[int] = []
    waited: list[float] = []
    reached, killed_at = 0, 0.0
    for number in range(kills + 1):
        with worker(data_dir) as running:
            has_more = partial(holds_more, least=reached)
            found, now = wait_for(services, person, job_id, has_more)
            if number:
                waited.append(round(now - killed_at, 1))
            if number == kills:
                found, _now = wait_for(services, person, job_id, lambda found: found.is_over)
                break
            os.killpg(running.pid, signal.SIGKILL)
            killed_at = time.perf_counter()
        reached = view_import(services, person, job_id).outcomes.get(ADDED, 0)
        at.append(reached)
        say(f"killed with {reached} images in")
    rows = list_images(services, find_product(services, "killed").id, page_size=1).total
    return {"at": at, "next_image_s": waited, "state": found.job.state, "added": found.outcomes, "rows": rows}


def measure(folder: Path, wanted: argparse.Namespace) -> dict[str, Any]:
    """Return the figures."""
    archive = folder / "set.zip"
    say("drawing", wanted.images, wanted.format)
    write_archive(archive, wanted.format, wanted.images)
    services = build_services(read_settings({"GEOMSA_DATA_DIR": str(folder / "data")}), migrate=True)
    person = open_person(services, "engineer")
    seconds: list[float] = []
    kept: list[int] = []
    with worker(folder / "data"):
        job_id = start(services, person, archive, "all")
        first, began = wait_for(services, person, job_id, lambda found: found.outcomes.get(ADDED, 0) > 0)
        last, ended = wait_for(services, person, job_id, lambda found: found.is_over)
        n_first, n_last = first.outcomes[ADDED], last.outcomes.get(ADDED, 0)
        if n_last != wanted.images:
            raise SystemExit(f"{n_last} of {wanted.images} are in: {last.outcomes}")
        rate = (n_last - n_first) / (ended - began)
        say(f"{rate:.1f} images/s")
        for number in range(wanted.cancels):
            job_id = start(services, person, archive, f"canceled-{number}")
            wait_for(services, person, job_id, lambda found: found.outcomes.get(ADDED, 0) > 0)
            asked = time.perf_counter()
            cancel(services, person, job_id)
            over, at = wait_for(services, person, job_id, lambda found: found.job.state == "cancelled")
            seconds.append(at - asked)
            kept.append(over.outcomes.get(ADDED, 0))
            say(f"canceled after {seconds[-1]:.2f} s, {kept[-1]} images stay")
    killed = kill_and_go_on(services, person, archive, folder / "data", wanted.kills) if wanted.kills else None
    services.database.dispose()
    return {
        "images": wanted.images,
        "images_per_s": round(rate, 1),
        "cancel_s": [round(one, 2) for one in seconds],
        "cancel_median_s": round(statistics.median(seconds), 2) if seconds else None,
        "kept": kept,
        "killed": killed,
    }


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--cancels", type=int, default=5)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--format", default="jpeg", choices=["jpeg", "png"])
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geomsa-bench-") as folder:
        print(json.dumps(measure(Path(folder), wanted)))


if __name__ == "__main__":
    main()
