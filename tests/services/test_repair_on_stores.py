"""`doctor --repair` on a folder and on a bucket: what it finds, mends and names, killed at any step, twice the same."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlmodel import select

from core.access import Person
from core.accounts.people import command_line_person, open_person
from core.cli.administration.repairing import to_report
from core.identity import KEY
from core.images import records, uploads
from core.operations.repair import Repair, repair
from core.services import Services, build_services
from inference.vision.images.encoding import encode_png
from storage.objects import LocalObjects
from storage.tables import Image, Inspection, InspectionView, Manual, ModelVersion, SystemConfig
from tests.history_rows import add_product, add_rows
from tests.plates import folder_settings
from tests.services.servers import S3Server
from tests.stored import stored_keys

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("worker")]
BUNDLE = "models/none/"


@dataclass
class World:
    """An installation with three images, an inspection with a view, a manual and a model; `right` is every object."""

    services: Services
    person: Person
    folder: Path
    right: dict[str, bytes]
    images: list[str]
    thumbnails: list[str]
    inspected: str
    # A server that keeps listings does not see that a file has become older behind it.
    ages: bool = True

    def repair(self, *, thorough: bool = False) -> Repair:
        return repair(self.services, self.person, ask=lambda _count, _total: True, thorough=thorough)

    def contents(self) -> dict[str, bytes]:
        return {key: self.services.objects.get(key) for key in stored_keys(self.services)}

    def age(self) -> None:
        """Make every object two days old, and the database a day older than that."""
        at = time.time() - 2 * 86400
        for path in self.folder.rglob("*"):
            if path.is_file():
                os.utime(path, (at, at))
        with self.services.database.unit_of_work() as session:
            row = session.get_one(SystemConfig, KEY)
            row.value = {**row.value, "began_at": (datetime.now(UTC) - timedelta(days=3)).isoformat()}
            session.commit()


def _picture(shade: int) -> bytes:
    return encode_png(np.full((30, 20, 3), shade, np.uint8))


def _build(services: Services, folder: Path) -> World:
    engineer = open_person(services, "engineer")
    product = add_product(services, engineer)
    shades = (10, 90, 200)
    files = [records.IncomingFile(f"{shade}.png", lambda shade=shade: _picture(shade)) for shade in shades]  # type: ignore[misc]
    list(uploads.add_images(services, engineer, product_id=product.id, image_type="normal", files=files))
    objects = services.objects
    inspected, manual = "inspections/2026/11/27/1.png", b"%PDF-1.7 manual"
    tensors = b"tensors" * 100
    files_of = {"tensors.safetensors": {"sha256": hashlib.sha256(tensors).hexdigest(), "byte_size": len(tensors)}}
    manifest = json.dumps({"files": files_of}).encode()
    with services.database.reading() as session:
        images = list(session.exec(select(Image).order_by(Image.id)))  # type: ignore[arg-type]
    thumbnail = objects.get(images[1].thumbnail_key)
    contents = {
        inspected: _picture(90),
        "thumbnails/1/inspected.jpg": thumbnail,
        "inspections/2026/11/27/1_view.jpg": thumbnail,
        "manuals/1/a.pdf": manual,
        f"{BUNDLE}manifest.json": manifest,
        f"{BUNDLE}tensors.safetensors": tensors,
    }
    for key, data in contents.items():
        objects.put(key, data)
    sha256 = hashlib.sha256(_picture(90)).hexdigest()
    (number,) = add_rows(
        services, engineer, product, image_key=inspected, thumbnail_key="thumbnails/1/inspected.jpg",
        heat_map_key="", image_sha256=sha256,
    )  # fmt: skip
    with services.database.unit_of_work() as session:
        session.add(
            InspectionView(
                inspection_id=number, view="ct", original_name="1.png", image_key=inspected, image_sha256=sha256,
                thumbnail_key="inspections/2026/11/27/1_view.jpg", width_px=20, height_px=30, verdict="ok",
            )
        )  # fmt: skip
        session.add(
            Manual(
                product_id=product.id, title="Manual", original_name="a.pdf", object_key="manuals/1/a.pdf",
                byte_size=len(manual), content_sha256=hashlib.sha256(manual).hexdigest(),
            )
        )  # fmt: skip
        version = session.exec(select(ModelVersion)).one()
        version.object_prefix, version.byte_size = BUNDLE, len(manifest) + len(tensors)
        version.manifest_sha256 = hashlib.sha256(manifest).hexdigest()
        session.commit()
    world = World(
        services, command_line_person(services), folder, {}, [image.object_key for image in images],
        [image.thumbnail_key for image in images], inspected,
    )  # fmt: skip
    world.right = world.contents()
    world.age()
    return world


@pytest.fixture(params=["local", "s3"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    more, folder = {}, tmp_path / "data" / "objects"
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("empty_s3_server")
        folder = server.folder / "data" / server.bucket
        more = {
            "GEOMSA_OBJECT_STORE": "s3",
            "GEOMSA_S3_ENDPOINT": server.endpoint,
            "GEOMSA_S3_BUCKET": server.bucket,
            "GEOMSA_S3_ACCESS_KEY": server.access_key,
            "GEOMSA_S3_SECRET_KEY": server.secret_key,
        }
    services = build_services(folder_settings(tmp_path / "data", **more), migrate=True)
    yield replace(_build(services, folder), ages=request.param == "local")
    services.database.dispose()


def test_what_is_right_is_left_alone(world: World) -> None:
    done = world.repair(thorough=True)
    assert (done.missing, done.damaged, done.orphans, done.restored, done.remade) == ([], [], [], [], [])
    assert world.contents() == world.right


def test_everything_that_can_be_mended_is_and_the_rest_is_named(world: World) -> None:
    """A second repair finds nothing more to do, and says the same of what is left."""
    objects, (first, second, third) = world.services.objects, world.images
    # Cut short; its right content is in the trash, below a newer copy that is wrong too.
    objects.put(f"trash/20260101/{first}", world.right[first])
    objects.put(f"trash/20260301/{first}", b"wrong")
    objects.put(first, world.right[first][:50])
    # Gone; the inspection that it was made of has the same picture.
    objects.delete(second)
    # As long as the right one, and other bytes: only reading tells.
    objects.put(third, world.right[third][::-1])
    objects.put("manuals/1/a.pdf", b"short")
    objects.put(f"{BUNDLE}tensors.safetensors", b"tensorz" * 100)
    # Thumbnails: empty, no picture, gone.
    objects.put(world.thumbnails[0], b"")
    objects.put(world.thumbnails[1], b"no picture")
    objects.delete("thumbnails/1/inspected.jpg")
    objects.delete("inspections/2026/11/27/1_view.jpg")
    # Put beside its image by a move that was killed: under two keys, and named under one.
    objects.put("images/defect/1_1/double.png", world.right[first])
    objects.put("images/normal/1/young.png", b"young")
    world.age()
    objects.put("images/normal/1/young.png", b"young")
    done = world.repair()
    assert sorted(done.restored) == sorted([first, second])
    assert {one.named.key: one.why for one in done.damaged} == {"manuals/1/a.pdf": "size"}
    assert set(done.remade) == {
        world.thumbnails[0], "thumbnails/1/inspected.jpg", "inspections/2026/11/27/1_view.jpg",
    }  # fmt: skip
    assert done.trashed == (1 if world.ages else 0)
    done = world.repair(thorough=True)
    left = {third: "content", "manuals/1/a.pdf": "size", f"{BUNDLE}tensors.safetensors": "content"}
    assert {one.named.key: one.why for one in done.damaged} == left
    assert done.remade == [world.thumbnails[1]]
    again = world.repair(thorough=True)
    assert {one.named.key: one.why for one in again.damaged} == left
    assert (again.restored, again.remade, again.trashed, again.missing) == ([], [], 0, [])
    lying = world.contents()
    wrong = {key for key, data in world.right.items() if lying[key] != data}
    assert wrong == set(left)
    beyond = sorted(set(lying) - set(world.right))
    outside = {key for key in beyond if not key.startswith("trash/")}
    # Where files cannot be made older, the double is young too: it stays, unless its image was restored from it.
    assert outside - {"images/defect/1_1/double.png"} == {"images/normal/1/young.png"}
    assert not (world.ages and "images/defect/1_1/double.png" in outside)
    trashed = {key.split("/", 2)[2] for key in beyond if key.startswith("trash/")}
    assert trashed - {"images/defect/1_1/double.png"} == {first}
    (named,) = [one for one in to_report(again, "en")["damaged"] if one["key"] == "manuals/1/a.pdf"]
    assert (named["table"], named["name"], named["why"]) == ("manuals", "Manual", "size")


class _Killed(BaseException):
    """The process ends here."""


class _DyingStore(LocalObjects):
    """Ends the process at its n-th change: before it, or right after."""

    left = 0
    after = False

    def _count(self, change: Any) -> None:
        type(self).left -= 1
        if self.left == 0 and not self.after:
            raise _Killed
        change()
        if self.left == 0:
            raise _Killed

    def put(self, key: str, data: bytes, *, content_type: str = "") -> None:
        self._count(lambda: super(_DyingStore, self).put(key, data))

    def move(self, key: str, new_key: str) -> None:
        self._count(lambda: super(_DyingStore, self).move(key, new_key))

    def copy(self, key: str, new_key: str) -> None:
        self._count(lambda: super(_DyingStore, self).copy(key, new_key))

    def delete(self, key: str) -> None:
        self._count(lambda: super(_DyingStore, self).delete(key))


@pytest.mark.parametrize("after", [False, True])
def test_a_repair_that_is_killed_at_any_change_is_finished_by_the_next(tmp_path: Path, after: bool) -> None:
    services = build_services(folder_settings(tmp_path / "data"), migrate=True)
    world = _build(services, services.settings.objects_folder)
    dying = replace(services, objects=_DyingStore(services.settings.objects_folder))
    first, second, third = world.images
    for number in range(1, 5):
        services.objects.move(first, f"trash/20260101/{first}")
        services.objects.delete(second)
        services.objects.delete(world.thumbnails[2])
        services.objects.put(f"images/normal/9/lost-{number}.png", b"lost")
        world.age()
        _DyingStore.left, _DyingStore.after = number, after
        with pytest.raises(_Killed):
            repair(dying, world.person, ask=lambda _count, _total: True)
        done = world.repair()
        assert (done.missing, done.damaged, done.refused) == ([], [], False)
        assert {key: data for key, data in world.contents().items() if not key.startswith("trash/")} == world.right
        assert third in world.right
    with services.database.reading() as session:
        assert len(session.exec(select(Image.id)).all()) == 3
        assert len(session.exec(select(Inspection.id)).all()) == 1
    services.database.dispose()
