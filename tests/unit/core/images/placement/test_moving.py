"""An image's objects follow its label: the copy first, then the row, then the old object; at no moment points a row
at nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from core.access import Person
from core.errors import AppError, Conflict
from core.images import edits, library
from core.images.placement.current import get_object
from core.images.placement.moving import follow_labels, list_misplaced
from core.operations.health import check
from core.operations.repair import repair
from core.operations.stored_objects import find_missing
from core.services import Services
from storage.object_store import ObjectStoreError
from storage.tables import DefectType
from tests.curated_images import add_image, add_product, type_ids
from tests.stored import stored_keys


class _FailingAt:
    """The object store of a test that fails at its N-th copy or deletion."""

    def __init__(self, services: Services, at: int) -> None:
        self._objects, self._left = services.objects, at

    def __getattr__(self, name: str) -> object:
        found = getattr(self._objects, name)
        return self._counted(found) if name in {"copy", "delete"} else found

    def _counted(self, call: Callable[..., None]) -> Callable[..., None]:
        def run(*args: str) -> None:
            self._left -= 1
            if self._left == 0:
                raise ObjectStoreError("object_store_unavailable", reason="io")
            call(*args)

        return run


def test_a_new_label_brings_the_file_and_the_mask_to_its_folder(services: Services, engineer: Person) -> None:
    product_id = add_product(services)
    kinds = type_ids(services, product_id)
    image_id = add_image(services, product_id, 1, defect_type_id=kinds["hole"], with_mask=True)
    before = library.get_image(services, image_id)
    edits.relabel_images(services, engineer, [image_id], image_type="defect", defect_type_id=kinds["burr"])
    image = library.get_image(services, image_id)
    folder = f"images/defect/{product_id}_{kinds['burr']}/"
    assert image.object_key.startswith(folder)
    assert (image.mask_key or "").startswith(folder)
    assert image.stored_name == "casting_burr_001.png"
    assert (library.read_image(services, image), library.read_mask_png(services, image)) == (b"file1", b"mask1")
    assert stored_keys(services, "images/") == sorted([image.object_key, image.mask_key or ""])
    # A build that read the row before goes on with it.
    assert get_object(services, before) == b"file1"
    assert library.read_mask_png(services, before) == b"mask1"
    edits.relabel_images(services, engineer, [image_id], image_type="normal")
    assert stored_keys(services, "images/") == [library.get_image(services, image_id).object_key]
    assert list_misplaced(services) == []


def test_a_key_is_never_given_twice(services: Services, engineer: Person) -> None:
    product_id = add_product(services)
    kinds = type_ids(services, product_id)
    image_id = add_image(services, product_id, 1)
    keys = {library.get_image(services, image_id).object_key}
    for kind in (kinds["hole"], None, kinds["hole"]):
        image_type = "normal" if kind is None else "defect"
        edits.relabel_images(services, engineer, [image_id], image_type=image_type, defect_type_id=kind)
        keys.add(library.get_image(services, image_id).object_key)
    assert len(keys) == 4


def test_whatever_fails_every_row_has_its_objects(services: Services, engineer: Person) -> None:
    done = []
    for at in range(1, 9):
        product_id = add_product(services, code=f"product{at}")
        kinds = type_ids(services, product_id)
        ids = [
            add_image(
                services,
                product_id,
                number,
                defect_type_id=kinds["hole"],
                with_mask=True,
                stored_name=f"product{at}_hole_{number:03d}.png",
            )
            for number in (1, 2)
        ]
        broken = replace(services, objects=_FailingAt(services, at))  # type: ignore[arg-type]
        with suppress(AppError):
            edits.relabel_images(broken, engineer, ids, image_type="defect", defect_type_id=kinds["burr"])
        (kind,) = {library.get_image(services, number).defect_type_id for number in ids}
        done.append(kind == kinds["burr"])
        files = [library.read_image(services, library.get_image(services, number)) for number in ids]
        assert (files, find_missing(services)) == ([b"file1", b"file2"], [])
    # Four copies come first; a deletion that fails leaves a file to the tidying, and the label is the new one.
    assert done == [False] * 4 + [True] * 4


def test_a_stale_choice_is_refused_and_leaves_no_copies(services: Services, engineer: Person) -> None:
    product_id = add_product(services)
    kinds = type_ids(services, product_id)
    ids = [add_image(services, product_id, number) for number in (1, 2)]
    edits.relabel_images(services, engineer, ids[:1], split="test")
    before = stored_keys(services)
    with pytest.raises(Conflict) as caught:
        edits.relabel_images(
            services,
            engineer,
            ids,
            image_type="defect",
            defect_type_id=kinds["hole"],
            row_versions=dict.fromkeys(ids, 1),
        )
    assert caught.value.code == "image_changed"
    assert stored_keys(services) == before
    assert library.get_image(services, ids[1]).image_type == "normal"


def test_files_of_an_earlier_label_are_found_and_moved(services: Services, engineer: Person, admin: Person) -> None:
    product_id = add_product(services)
    kinds = type_ids(services, product_id)
    right = add_image(services, product_id, 1)
    wrong = add_image(
        services, product_id, 2, defect_type_id=kinds["hole"], object_key=f"images/normal/{product_id}/old.png"
    )
    gone = add_image(
        services, product_id, 3, defect_type_id=kinds["hole"], object_key=f"images/normal/{product_id}/gone.png"
    )
    services.objects.delete(f"images/normal/{product_id}/gone.png")
    assert list_misplaced(services) == [wrong, gone]
    finding = next(one for one in check(services) if one.name == "folders")
    assert (finding.ok, finding.code, finding.params["count"]) == (False, "check_folders_wrong", 2)
    version = library.get_image(services, wrong).row_version
    assert repair(services, admin, ask=lambda _count, _total: False).moved == 1
    moved = library.get_image(services, wrong)
    assert moved.object_key.startswith(f"images/defect/{product_id}_{kinds['hole']}/")
    assert (library.read_image(services, moved), moved.row_version) == (b"file2", version)
    assert not services.objects.exists(f"images/normal/{product_id}/old.png")
    assert library.get_image(services, right).object_key == f"images/normal/{product_id}/file1.png"
    assert follow_labels(services, None) == 0
    with pytest.raises(AppError):
        follow_labels(services, engineer)


def test_a_kind_of_good_part_is_a_label_of_normal_images_alone(services: Services, engineer: Person) -> None:
    product_id = add_product(services)
    kinds = type_ids(services, product_id)
    with services.database.unit_of_work() as session:
        session.add(DefectType(product_id=product_id, code="cell", name_ko="셀", outcome="good"))
        session.commit()
    kinds = type_ids(services, product_id)
    image_id = add_image(services, product_id, 1)
    edits.relabel_images(services, engineer, [image_id], image_type="normal", defect_type_id=kinds["cell"])
    image = library.get_image(services, image_id)
    assert (image.image_type, image.defect_type_id) == ("normal", kinds["cell"])
    assert image.stored_name == "casting_normal_001.png"
    assert image.object_key == f"images/normal/{product_id}/file1.png"
    for image_type, kind in (("defect", kinds["cell"]), ("normal", kinds["hole"])):
        with pytest.raises(AppError):
            edits.relabel_images(services, engineer, [image_id], image_type=image_type, defect_type_id=kind)
