"""How long a part of several views takes beside its slowest single view: views are judged side by side.

    python benchmarks/bench_views.py --data DATA_DIR --product CODE [--repeats N]

Takes a data folder whose product has views with memory banks in use, and pictures of a part in every view (such as the
demo's battery cell). Each view is examined alone, then all views together, in turn; medians count. The last line is
JSON: `slowest_ms`, `sum_ms`, `together_ms`, `ratio` (together / slowest; 1 is ideal, sum / slowest what one after the
other would be), and `cores`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def measure(work: Callable[[], object]) -> float:
    """Return how many milliseconds a call takes."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000.0


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--product", required=True)
    parser.add_argument("--repeats", type=int, default=15)
    wanted = parser.parse_args()
    os.environ["GEOMSA_DATA_DIR"] = str(wanted.data)

    from core.catalog.products import find_product
    from core.images.library import read_image
    from core.images.samples import pick_sample_parts
    from core.inspections.by_view.examining import ViewPicture, examine_views, views_to_inspect
    from core.services import build_services

    services = build_services()
    product = find_product(services, wanted.product)
    views = [view.code for view in views_to_inspect(services, product.id)]
    parts = pick_sample_parts(services, product.id, views, n=2)
    if len(views) < 2 or not parts:
        sys.exit("the product needs two views with memory banks, and a part with a picture of each")
    pictures = [ViewPicture(one.view, read_image(services, one), one.stored_name) for one in parts[0].images]
    for _ in range(2):  # models and indexes are opened
        examine_views(services, product.id, pictures)
    alone: dict[str, list[float]] = {view: [] for view in views}
    together: list[float] = []
    for _ in range(wanted.repeats):
        for picture in pictures:
            alone[picture.view].append(measure(partial(examine_views, services, product.id, [picture])))
        together.append(measure(lambda: examine_views(services, product.id, pictures)))
    medians = {view: statistics.median(found) for view, found in alone.items()}
    slowest, total = max(medians.values()), sum(medians.values())
    result = {
        "views_ms": {view: round(value, 1) for view, value in medians.items()},
        "slowest_ms": round(slowest, 1),
        "sum_ms": round(total, 1),
        "together_ms": round(statistics.median(together), 1),
        "ratio": round(statistics.median(together) / slowest, 3),
        "ratio_one_after_the_other": round(total / slowest, 3),
        "cores": len(os.sched_getaffinity(0)),
        "repeats": wanted.repeats,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
