"""What would change, for a candidate on kept inspections, against the engine's own batch throughput.

    python -m benchmarks.bench_replay [--inspections 200] [--turns 3] [--product casting] [--keep FOLDER]

A demo product (drawn images of 0.1 megapixel, 40 % of the inspected ones with a defect) is deployed, so many new images
are inspected and kept, and a candidate with other preprocessing is built beside the version in use. Each turn is a
process of its own: it opens the models, replays the candidate on the kept inspections as the page does, then has the
candidate's detector inspect the same images, decoded and in memory, in batches.

The last line of stdout is one JSON object: `seconds` is the replay's own, the opening of both models included,
`first_seconds` that part of it until the first image is asked for; `ratio` is its throughput from then on, as a share
of the engine's. `with_images` is the same replay with all labeled images of the product beside the inspections.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.bench_inspect import ROOT, build, call, say, write_images
from core.demo.images.catalog import PRODUCTIONS

_CANDIDATE = """
import sys
from core.accounts.people import command_line_person
from core.catalog.products import find_product
from core.registry.activation_policy import current_policy, save_policy
from core.services import build_services
from storage.tables import ImagePreprocessing
services = build_services()
product = find_product(services, sys.argv[1])
policy = current_policy(services)
save_policy(services, command_line_person(services), activate_when_no_worse=False, kept_versions=policy.kept_versions,
            row_version=policy.row_version)
with services.database.unit_of_work() as session:
    session.add(ImagePreprocessing(product_id=product.id, options={"smoothing": "gaussian", "grayscale": True}))
    session.commit()
"""
_DEPLOY = """
import sys
from core.__main__ import main
sys.exit(0 if main(sys.argv[1:]) in (0, 3) else 1)
"""
_MEASURE = """
import json, sys, time
from sqlmodel import select
from core.accounts.people import command_line_person
from core.catalog.products import find_product
from core.models.kinds import MEMORY_BANK
from core.registry.versions import list_versions
from core.replay.replaying import replay_version
from core.services import build_services
from inference.vision.images.decode import decode
from storage.tables import Inspection
services = build_services()
person = command_line_person(services)
product = find_product(services, sys.argv[1])
limit = int(sys.argv[2])
version = list_versions(services, MEMORY_BANK, product.id)[0]
begun = []
def note(done, total):
    begun.append(time.perf_counter())
started = time.perf_counter()
found = replay_version(services, person, version.id, limit=limit, most_images=0, progress=note)
first_s = begun[0] - started
with_images = replay_version(services, person, version.id, limit=limit)
with services.database.reading() as session:
    keys = session.exec(select(Inspection.image_key).limit(limit)).all()
images = [decode(services.objects.get(key)).pixels for key in keys]
model = services.models.memory_bank(version)
list(model.inspect_many(images[:16]))
started = time.perf_counter()
list(model.inspect_many(images))
engine = len(images) / (time.perf_counter() - started)
print(json.dumps({
    "inspections": found.n_inspections, "flips": found.count_flips(), "scored": found.n_scored,
    "seconds": found.seconds, "first_seconds": first_s,
    "ratio": found.n_scored / (found.seconds - first_s) / engine, "engine_images_per_s": engine,
    "with_images": {"seconds": with_images.seconds, "labeled": with_images.n_images, "scored": with_images.n_scored},
}))
"""


def prepare(folder: Path, product: str, count: int) -> Path:
    """Make the data folder: the product deployed, `count` inspections kept, a candidate that waits; return it."""
    data_dir = folder / "data"
    if data_dir.is_dir():
        return data_dir
    say("drawing images")
    files = write_images(folder, product, count)
    say("building the version in use")
    build(ROOT, data_dir, folder / "import", product)
    say("inspecting", len(files), "images")
    call(ROOT, data_dir, "inspect", *files, "--product", product, "--json")
    say("building the candidate")
    call(ROOT, data_dir, product, script=_CANDIDATE)
    call(ROOT, data_dir, "deploy", "memory-bank", "--product", product, script=_DEPLOY)
    return data_dir


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Replay in turns and return the median figures."""
    data_dir = prepare(folder, arguments.product, arguments.inspections)
    turns = []
    for turn in range(arguments.turns):
        out, _errors, _seconds = call(ROOT, data_dir, arguments.product, arguments.inspections, script=_MEASURE)
        turns.append(json.loads(out.splitlines()[-1]))
        say(turn, turns[-1])
    middle = {
        name: statistics.median(turn[name] for turn in turns)
        for name in ("seconds", "first_seconds", "ratio", "engine_images_per_s")
    }
    beside = [turn["with_images"] for turn in turns]
    with_images = {**beside[0], "seconds": statistics.median(one["seconds"] for one in beside)}
    return {"product": arguments.product, "turns": len(turns), **turns[0], **middle, "with_images": with_images}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inspections", type=int, default=200)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--product", default="casting", choices=sorted(PRODUCTIONS))
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep images and data here, and use them again")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geomsa-bench-") as made:
        folder = arguments.keep or Path(made) / "work"
        folder.mkdir(parents=True, exist_ok=True)
        print(json.dumps(measure(arguments, folder)))


if __name__ == "__main__":
    main()
