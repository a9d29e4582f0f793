"""How fast backups are made, verified and restored, and what an incremental one saves.

    python -m benchmarks.bench_backup [--images 2000] [--kib 100] [--new 0.02] [--large-mib 64] [--key]

An installation of so many images of random bytes (each with a thumbnail of a tenth of its size) and one large object
is backed up in full, again after a share of new ones incrementally, verified, and restored into an empty SQLite
installation. Prints progress to stderr and one JSON object as the last line of stdout: seconds, objects/s and MB/s
(10⁶ bytes of objects) of each step, the size of the incremental backup beside the full one, and the highest memory of
the process beside that before the first step, MiB.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from core.accounts.people import open_person
from core.backups.backing_up import back_up
from core.backups.restoring import restore_backup
from core.backups.verifying import verify_backup
from core.services import Services, build_services
from core.settings import read_settings
from storage.tables import Image, Manual, Product

_Result = TypeVar("_Result")
MB = 1e6


def say(text: str) -> None:
    """Write progress to standard error."""
    sys.stderr.write(text + "\n")


def add_images(services: Services, product_id: int, first: int, count: int, byte_size: int) -> None:
    """Add images of random bytes, as rows and objects."""
    keys = [f"images/normal/{product_id}/{number:08d}.png" for number in range(first, first + count)]
    thumbnails = [key.replace("images/", "thumbnails/") for key in keys]
    services.objects.put_many((key, os.urandom(byte_size)) for key in keys)
    services.objects.put_many((key, os.urandom(byte_size // 10)) for key in thumbnails)
    with services.database.unit_of_work() as session:
        for number, key in enumerate(keys, start=first):
            session.add(
                Image(
                    product_id=product_id, image_type="normal", split="train", stored_name=f"bench_{number}.png",
                    original_name=f"{number}.png", object_key=key, thumbnail_key=thumbnails[number - first],
                    content_sha256=f"{number:064d}", pixel_sha256=f"{number:064d}", file_format="PNG", width_px=64,
                    height_px=64, byte_size=byte_size,
                )
            )  # fmt: skip
        session.commit()


def clock(name: str, step: Callable[[], _Result]) -> tuple[_Result, float]:
    """Return what a step gives, and its seconds."""
    began = time.perf_counter()
    found = step()
    seconds = time.perf_counter() - began
    say(f"{name}: {seconds:.1f} s")
    return found, seconds


def rate(seconds: float, objects: int, byte_size: int) -> dict[str, float]:
    """Return the figures of a step."""
    return {
        "seconds": round(seconds, 2),
        "objects_per_s": round(objects / seconds, 1),
        "mb_per_s": round(byte_size / MB / seconds, 1),
    }


def run(wanted: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Do every step in a folder of its own; return the figures."""
    settings = read_settings({"GEOMSA_DATA_DIR": str(folder / "data"), "GEOMSA_DEVICE": "cpu"})
    if wanted.key:
        settings = replace(settings, backup_key="a key for the benchmark")
    services = build_services(settings, migrate=True)
    admin = open_person(services, "admin")
    with services.database.unit_of_work() as session:
        product = Product(code="bench", name="Bench")
        session.add(product)
        session.flush()
        large = f"manuals/{product.id}/large.pdf"
        session.add(
            Manual(
                product_id=product.id, title="Large", original_name="large.pdf", object_key=large,
                content_sha256="0" * 64, byte_size=wanted.large_mib << 20,
            )
        )  # fmt: skip
        session.commit()
        product_id = product.id
    say("filling")
    services.objects.put(large, os.urandom(wanted.large_mib << 20))
    add_images(services, product_id, 0, wanted.images, wanted.kib << 10)
    (folder / "backups").mkdir()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    full, full_s = clock("full", lambda: back_up(services, admin, folder / "backups"))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    new = max(1, int(wanted.images * wanted.new))
    add_images(services, product_id, wanted.images, new, wanted.kib << 10)
    small, small_s = clock("incremental", lambda: back_up(services, admin, folder / "backups", incremental=True))
    path, key = small.made.path, settings.backup_key
    _verified, verify_s = clock("verify", lambda: verify_backup(path, key))
    target = read_settings({"GEOMSA_DATA_DIR": str(folder / "again"), "GEOMSA_DEVICE": "cpu"})
    restored, restore_s = clock("restore", lambda: restore_backup(target, path, key))
    services.database.dispose()
    manifest = full.made.manifest
    return {
        "objects": manifest.objects,
        "object_mb": round(manifest.object_bytes / MB, 1),
        "encrypted": bool(wanted.key),
        "full": rate(full_s, manifest.objects, manifest.object_bytes),
        "incremental": {
            "seconds": round(small_s, 2),
            "new_objects": small.made.manifest.new_objects,
            "size_beside_full": round(small.made.byte_size / full.made.byte_size, 4),
        },
        "verify": rate(verify_s, restored.objects, restored.object_bytes),
        "restore_verified": rate(restore_s, restored.objects, restored.object_bytes),
        "memory_growth_mib": round((after - before) / 1024, 1),
    }


def main() -> None:
    """Read the arguments, run, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--kib", type=int, default=100, help="of an image")
    parser.add_argument("--new", type=float, default=0.02, help="share of new images before the incremental backup")
    parser.add_argument("--large-mib", type=int, default=64)
    parser.add_argument("--key", action="store_true", help="encrypt")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-backup-") as folder:
        print(json.dumps(run(wanted, Path(folder))))


if __name__ == "__main__":
    main()
