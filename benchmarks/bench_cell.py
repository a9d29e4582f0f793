"""How well two views of a battery, combined, find and name what is wrong with parts that nothing has seen.

    python -m benchmarks.bench_cell [--parts 120] [--seeds 2] [--data FOLDER]

The demo product `cell` is loaded and deployed as `python -m core demo` does, each view with a memory bank of its own.
Then parts of other seeds (half of them good; of the others a third each inside, outside and both) are inspected by the
product's own way, with the rule and the calibration that are in force, which have seen none of them. Reported are the
AUROC of each view alone and of the combined probability, for the label of the part; how many parts are named rightly
(internal, external, combined; good ones as OK), once as the verdict stands and once with those sent to a person left
out; and escapes and overkill. Intervals are 95 % bootstrap over parts. Progress goes to stderr, the last line of stdout
is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.bench_real import run_core
from core.accounts.people import command_line_person
from core.catalog.products import find_product
from core.demo.images.battery.production import INSIDE, OUTSIDE, VIEWS, Piece, list_pieces, picture
from core.demo.images.production import encode
from core.demo.loading import load_demo_data
from core.fusion.in_force import ensure_in_force
from core.inspections.by_view.examining import ViewPicture
from core.inspections.by_view.inspection import inspect_views
from core.models.kinds import MEMORY_BANK
from core.registry.versions import active_version
from core.services import build_services
from core.settings import read_settings
from core.transactions import reading
from inference.vision.detection.metrics import image_auroc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from core.access import Person
    from core.services import Services

CODE = "cell"
_FIRST_SEED = 9_001
_RESAMPLES = 2_000


@dataclass(frozen=True)
class Outcome:
    """What became of a part: its true name (empty for good), that of the verdict, the probabilities by view."""

    truth: str
    verdict: str
    named: str
    combined: float
    by_view: dict[str, float]


def say(*words: object) -> None:
    print(*words, file=sys.stderr, flush=True)


def true_name(piece: Piece) -> str:
    """Return what a part is called by the views that its defects show in."""
    views = {view for view, _ in piece.flaws}
    return "" if not views else "combined" if len(views) == 2 else "internal" if views == {"ct"} else "external"


def make_parts(count: int, seed: int) -> tuple[Piece, ...]:
    """Return unseen parts: half of them good, a third of the others each inside, outside and both."""
    each = max(count // 6, 1)
    single, pairs = max(each // len(INSIDE), 1), max(each // (len(INSIDE) * len(OUTSIDE)), 1)
    return list_pieces((("test", count // 2, single, pairs),), seed=seed)


@contextmanager
def data_folder(given: Path | None) -> Iterator[Path]:
    """Give the folder to work in, one that goes away again where none was named."""
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="bench-cell-") as folder:
        yield Path(folder)


def deploy(services: Services, person: Person, folder: Path) -> int:
    """Load the product and build its banks by the product's own command, unless that was done; return its id."""
    load_demo_data(services, person, only=[CODE])
    product = find_product(services, CODE)
    with reading(services) as session:
        built = [active_version(session, MEMORY_BANK, product.id, view=view) for view in VIEWS]
    if None in built:
        run_core(folder, "deploy", "memory-bank", "--product", CODE)
    return product.id


def inspect(services: Services, person: Person, product_id: int, piece: Piece) -> Outcome:
    """Inspect a part by both of its views."""
    pictures = []
    for view in VIEWS:
        ending = "png" if view == "ct" else "jpg"
        pixels = picture(piece, view).pixels
        pictures.append(ViewPicture(view, encode(pixels, "png" if view == "ct" else "jpg"), f"{piece.name}.{ending}"))
    record = inspect_views(services, person, product_id=product_id, pictures=pictures).record
    assert record.combined is not None
    by_view = {one.code: float(one.probability or 0.0) for one in record.combined.pictures}
    return Outcome(true_name(piece), record.verdict, record.combined.found_as, float(record.score or 0.0), by_view)


def area(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """Return the AUROC of scores of which both good and defective parts have some."""
    found = image_auroc(scores, labels)
    if found is None:
        raise SystemExit("there must be good and defective parts")
    return found


def interval(values: Sequence[float]) -> list[float]:
    """Return the 95 % interval of resampled figures."""
    return [round(float(np.quantile(values, share)), 4) for share in (0.025, 0.975)]


def summarize(found: Sequence[Outcome]) -> dict[str, Any]:
    """Return the figures of inspected parts."""
    labels = np.array([bool(one.truth) for one in found])
    scores: dict[str, NDArray[np.float64]] = {
        **{view: np.array([one.by_view[view] for one in found]) for view in VIEWS},
        "combined": np.array([one.combined for one in found]),
    }
    auroc = {name: area(values, labels) for name, values in scores.items()}
    better = max(VIEWS, key=lambda view: auroc[view])
    rng, gains = np.random.default_rng(0), []
    for _ in range(_RESAMPLES):
        rows = rng.integers(len(found), size=len(found))
        if 0 < labels[rows].sum() < len(rows):
            gains.append(area(scores["combined"][rows], labels[rows]) - area(scores[better][rows], labels[rows]))
    right = [one.named == one.truth and (one.verdict == "ok") == (one.truth == "") for one in found]
    bad = [one for one in found if one.truth]
    decided = [one for one in found if one.verdict != "review"]
    return {
        "parts": len(found),
        "auroc": {name: round(value, 4) for name, value in auroc.items()},
        "gain": round(auroc["combined"] - auroc[better], 4),
        "gain_interval": interval(gains),
        "named_rightly": round(sum(one.named == one.truth for one in bad) / len(bad), 4),
        "named_rightly_of_all": round(sum(right) / len(found), 4),
        "named_rightly_of_decided": round(sum(one.named == one.truth for one in decided) / max(len(decided), 1), 4),
        "by_name": {
            name or "good": dict(Counter(f"{one.named or 'good'}/{one.verdict}" for one in found if one.truth == name))
            for name in ("", "internal", "external", "combined")
        },
        "escapes": sum(one.verdict == "ok" for one in bad),
        "overkill": sum(one.verdict == "reject" for one in found if not one.truth),
        "reviews": sum(one.verdict == "review" for one in found),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=int, default=120)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--first-seed", type=int, default=_FIRST_SEED)
    parser.add_argument("--data", type=Path, default=None)
    options = parser.parse_args()
    with data_folder(options.data) as folder:
        services = build_services(read_settings({"GEOMSA_DATA_DIR": str(folder)}), migrate=True)
        person = command_line_person(services)
        product_id = deploy(services, person, folder)
        rule = ensure_in_force(services, product_id)
        say("rule", rule.rule.method, "review", round(rule.review_at, 4), "reject", round(rule.reject_at, 4))
        found: list[Outcome] = []
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            found += [inspect(services, person, product_id, piece) for piece in make_parts(options.parts, seed)]
            say(f"seed {seed}", json.dumps(summarize(found)))
        services.database.dispose()
    print(json.dumps({"rule": rule.rule.method, "seeds": options.seeds, **summarize(found)}))


if __name__ == "__main__":
    main()
