"""The image library: ingestion, duplicates, names, masks, labels, deleting; alone and side by side."""

from __future__ import annotations

import io
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.access import Person
from core.catalog import defect_types, products
from core.errors import AppError, BadInput, Conflict, NotAllowed, NotFound
from core.images import edits, library, uploads
from core.images.imports.folder_import import import_path
from core.images.records import FileOutcome, IncomingFile
from core.services import Services
from inference.vision.images.encoding import encode_jpeg, encode_png
from storage.tables import DefectType, Product
from tests.stored import stored_keys


def _pixels(seed: int, *, size_px: int = 24) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size_px, size_px, 3), dtype=np.uint8)


def _file(name: str, data: bytes) -> IncomingFile:
    return IncomingFile(name, lambda: data)


def _png(seed: int, name: str | None = None) -> IncomingFile:
    return _file(name or f"{seed}.png", encode_png(_pixels(seed)))


def _mask(name: str, *, size_px: int = 24, marked: bool = True) -> IncomingFile:
    pixels = np.zeros((size_px, size_px), np.uint8)
    pixels[4:8, 4:8] = 255 if marked else 0
    return _file(name, encode_png(pixels))


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    return products.create_product(services, engineer, name="Casting", code="casting")


@pytest.fixture
def hole(services: Services, engineer: Person, product: Product) -> DefectType:
    return defect_types.create_defect_type(services, engineer, product_id=product.id, code="hole", name_ko="기공")


def _add(
    services: Services, person: Person, product: Product, *files: IncomingFile, hole: DefectType | None = None
) -> list[FileOutcome]:
    return list(
        uploads.add_images(
            services,
            person,
            product_id=product.id,
            image_type="normal" if hole is None else "defect",
            defect_type_id=None if hole is None else hole.id,
            files=files,
        )
    )


def _object_count(services: Services) -> int:
    return len(stored_keys(services))


def test_an_image_is_stored_as_it_came_under_a_name_by_rule(
    services: Services, engineer: Person, product: Product
) -> None:
    file = _png(1, "내 사진.PNG")
    (outcome,) = _add(services, engineer, product, file)
    assert (outcome.outcome, outcome.stored_name) == ("added", "casting_normal_001.png")
    image = library.get_image(services, outcome.image_id or 0)
    assert image.original_name == "내 사진.PNG"
    assert image.object_key.startswith(f"images/normal/{product.id}/")
    assert library.read_image(services, image) == file.read()
    assert (library.read_thumbnails(services, [image])[image.id] or b"")[:3] == b"\xff\xd8\xff"


def test_names_count_on_by_label_and_take_their_ending_from_the_content(
    services: Services, engineer: Person, product: Product, hole: DefectType
) -> None:
    normal = _add(services, engineer, product, _png(1), _file("b.JPEG", encode_jpeg(_pixels(2))))
    defect = _add(services, engineer, product, _png(3), hole=hole)
    more = _add(services, engineer, product, _png(4))
    names = [outcome.stored_name for outcome in normal + defect + more]
    assert names == [
        "casting_normal_001.png", "casting_normal_002.jpg", "casting_hole_001.png", "casting_normal_003.png",
    ]  # fmt: skip


def test_a_bad_file_is_refused_by_name_and_the_others_go_on(
    services: Services, engineer: Person, product: Product
) -> None:
    def vanished() -> bytes:
        raise FileNotFoundError("gone")

    whole = encode_png(_pixels(3))
    outcomes = _add(
        services,
        engineer,
        product,
        _file("empty.png", b""),
        _file("text.png", b"hello"),
        _file("cut.png", whole[: len(whole) // 2]),
        _file("wrong.jpg", whole),
        IncomingFile("lost.png", vanished),
        _png(1),
    )
    assert [outcome.outcome for outcome in outcomes] == ["refused"] * 5 + ["added"]
    for outcome in outcomes[:5]:
        assert outcome.name in str(outcome.error)
        assert "{" not in str(outcome.error)
    assert _object_count(services) == 2


def test_the_same_content_is_refused_naming_the_image_that_has_it(
    services: Services, engineer: Person, product: Product
) -> None:
    _add(services, engineer, product, _png(1))
    other_file = encode_png(_pixels(1)) + b""
    same_pixels = io.BytesIO()
    from PIL import Image as PillowImage

    PillowImage.fromarray(_pixels(1)).save(same_pixels, "BMP")
    outcomes = _add(
        services,
        engineer,
        product,
        _file("again.png", other_file),
        _file("as.bmp", same_pixels.getvalue()),
        _png(2, "x.png"),
        _png(2, "y.png"),
    )
    assert [outcome.outcome for outcome in outcomes] == ["duplicate", "duplicate", "added", "duplicate"]
    assert [outcome.duplicate_of for outcome in outcomes] == [
        "casting_normal_001.png", "casting_normal_001.png", None, "casting_normal_002.png",
    ]  # fmt: skip
    assert isinstance(outcomes[0].error, Conflict)
    assert _object_count(services) == 4


def test_a_mask_goes_to_the_image_beside_it(
    services: Services, engineer: Person, product: Product, hole: DefectType
) -> None:
    outcomes = _add(services, engineer, product, _mask("a_mask.png"), _png(1, "a.png"), hole=hole)
    assert [(outcome.name, outcome.outcome) for outcome in outcomes] == [("a.png", "added"), ("a_mask.png", "added")]
    image = library.get_image(services, outcomes[0].image_id or 0)
    assert library.read_mask_png(services, image) == _mask("").read()


def test_a_mask_may_come_later_by_original_or_stored_name(
    services: Services, engineer: Person, product: Product, hole: DefectType
) -> None:
    first, second = _add(services, engineer, product, _png(1, "a.png"), _png(2, "b.png"), hole=hole)
    outcomes = _add(services, engineer, product, _mask("a_mask.png"), _mask("casting_hole_002_mask.png"), hole=hole)
    assert [outcome.image_id for outcome in outcomes] == [first.image_id, second.image_id]
    again = _add(services, engineer, product, _png(1, "a.png"), _mask("a_mask.png"), hole=hole)
    assert [outcome.outcome for outcome in again] == ["duplicate", "added"]
    assert _object_count(services) == 6  # two images, two thumbnails, two masks: the replaced one is gone


def test_masks_that_do_not_fit_are_refused_without_their_image(
    services: Services, engineer: Person, product: Product, hole: DefectType
) -> None:
    outcomes = _add(
        services,
        engineer,
        product,
        _png(1, "a.png"),
        _mask("a_mask.png", size_px=9),
        _png(2, "b.png"),
        _mask("b_mask.png", marked=False),
        _mask("c_mask.png"),
        hole=hole,
    )
    found = {outcome.name: outcome.error.code if outcome.error else "added" for outcome in outcomes}
    assert found == {
        "a.png": "added",
        "a_mask.png": "mask_wrong_size",
        "b.png": "added",
        "b_mask.png": "mask_empty",
        "c_mask.png": "mask_without_image",
    }
    (_image, refused) = _add(services, engineer, product, _png(5, "n.png"), _mask("n_mask.png"))
    assert refused.error is not None
    assert refused.error.code == "mask_of_normal_image"


def test_a_zip_is_opened_and_its_bad_entries_are_named(services: Services, engineer: Person, product: Product) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one/a.png", encode_png(_pixels(1)))
        archive.writestr("two/a.png", encode_png(_pixels(2)))
        archive.writestr("../evil.png", encode_png(_pixels(3)))
        archive.writestr("note.txt", b"hello")
        archive.writestr("inner.zip", b"PK")
    outcomes = _add(services, engineer, product, _file("set.zip", packed.getvalue()), _file("bad.zip", b"PK\x03\x04"))
    assert sum(outcome.outcome == "added" for outcome in outcomes) == 2
    refused = {outcome.name for outcome in outcomes if outcome.outcome == "refused"}
    assert len(refused) == 4
    assert "bad.zip" in refused


def test_uploads_side_by_side_share_no_number_and_no_content(
    services: Services, engineer: Person, product: Product
) -> None:
    outcomes: list[FileOutcome] = []

    def upload(own: int) -> None:
        files = [_png(own * 100 + number) for number in range(8)] + [_png(number) for number in range(4)]
        outcomes.extend(_add(services, engineer, product, *files))

    threads = [threading.Thread(target=upload, args=(own,)) for own in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    added = [outcome.stored_name for outcome in outcomes if outcome.outcome == "added"]
    assert len(added) == len(set(added)) == 3 * 8 + 4
    assert sum(outcome.outcome == "duplicate" for outcome in outcomes) == 8
    assert library.list_images(services, product.id).total == 28
    assert _object_count(services) == 56


def test_paging_filters_and_clamps(services: Services, engineer: Person, product: Product, hole: DefectType) -> None:
    _add(services, engineer, product, *(_png(seed) for seed in range(5)))
    _add(services, engineer, product, _png(9), hole=hole)
    page = library.list_images(services, product.id, image_type="normal", page=99, page_size=2)
    assert (page.total, page.page, page.n_pages, len(page.rows)) == (5, 3, 3, 1)
    assert library.list_images(services, product.id, defect_type_id=hole.id).total == 1
    assert library.list_images(services, product.id, split="test").total == 0


def test_a_new_label_brings_a_new_name_and_drops_what_no_longer_fits(
    services: Services, engineer: Person, product: Product, hole: DefectType
) -> None:
    image_id = _add(services, engineer, product, _png(1, "a.png"), _mask("a_mask.png"), hole=hole)[0].image_id or 0
    defect_types.set_defect_examples(services, engineer, hole.id, [image_id])
    assert edits.relabel_images(services, engineer, [image_id], image_type="normal", split="test") == 1
    image = library.get_image(services, image_id)
    assert (image.stored_name, image.split, image.defect_type_id) == ("casting_normal_001.png", "test", None)
    assert image.mask_key is None
    assert defect_types.list_defect_types(services, product.id)[0].example_image_ids == []
    assert _object_count(services) == 2
    with pytest.raises(BadInput) as caught:
        edits.relabel_images(services, engineer, [image_id], image_type="defect")
    assert caught.value.code == "defect_type_missing"
    assert edits.relabel_images(services, engineer, [image_id], split="test") == 0


def test_images_that_were_deleted_meanwhile_cannot_be_labeled_anew(
    services: Services, engineer: Person, product: Product
) -> None:
    gone, here = (_add(services, engineer, product, _png(n, f"{n}.png"))[0].image_id or 0 for n in (1, 2))
    edits.delete_images(services, engineer, [gone])
    with pytest.raises(NotFound) as caught:
        edits.relabel_images(services, engineer, [gone], split="test")
    assert caught.value.code == "not_found"
    assert edits.relabel_images(services, engineer, [gone, here], split="test") == 1


def test_deleting_leaves_no_row_and_its_objects_to_the_trash(
    services: Services, engineer: Person, product: Product, hole: DefectType
) -> None:
    outcomes = _add(services, engineer, product, _png(1, "a.png"), _mask("a_mask.png"), hole=hole)
    assert edits.delete_images(services, engineer, [outcomes[0].image_id or 0]) == 1
    assert _object_count(services) == 3
    assert library.list_images(services, product.id).total == 0


def test_a_store_that_fails_stops_the_upload_and_leaves_no_row(
    services: Services, engineer: Person, product: Product
) -> None:
    root = services.settings.data_dir / "objects"
    root.mkdir(exist_ok=True)
    (root / "images").write_bytes(b"a file where a folder must be")
    with pytest.raises(AppError) as caught:
        _add(services, engineer, product, _png(1))
    assert caught.value.code.startswith("object_")
    assert library.list_images(services, product.id).total == 0


def test_labels_are_checked_before_anything_is_read(
    services: Services, engineer: Person, worker_person: Person, product: Product
) -> None:
    for (image_type, split), code in (
        (("strange", "train"), "image_type_unknown"),
        (("normal", "half"), "image_split_unknown"),
        (("defect", "train"), "defect_type_missing"),
    ):
        with pytest.raises(BadInput) as caught:
            uploads.add_images(services, engineer, product_id=product.id, image_type=image_type, split=split, files=[])
        assert caught.value.code == code
    with pytest.raises(NotAllowed):
        _add(services, worker_person, product, _png(1))


def _tree(root: Path) -> None:
    for seed, name in enumerate(
        ["train/good/0.png", "train/good/1.png", "test/good/2.png", "test/긁힘/3.png", "ground_truth/긁힘/3_mask.png"]
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_mask("").read() if "mask" in name else encode_png(_pixels(seed)))


@pytest.mark.parametrize("packed", [False, True])
def test_import_makes_the_product_its_types_and_masks(
    services: Services, engineer: Person, tmp_path: Path, packed: bool
) -> None:
    root = tmp_path / "widget"
    _tree(root)
    (root / "readme.txt").write_text("no image")
    path = root
    if packed:
        path = tmp_path / "all.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(root.rglob("*.*")):
                archive.write(file, file.relative_to(tmp_path).as_posix())
    seen: list[tuple[int, int]] = []
    summary = import_path(services, engineer, path, progress=lambda done, total: seen.append((done, total)))
    assert summary.products == ["widget"]
    assert {outcome.outcome for outcome in summary.outcomes} == {"added"}
    assert seen[-1] == (4, 4)
    assert [code for _path, code in summary.left_out] == ["import_not_an_image"]
    (found,) = products.list_products(services)
    assert (found.n_normal_train, found.n_normal_test, found.n_defect_test) == (2, 1, 1)
    (defect_type,) = defect_types.list_defect_types(services, found.product.id)
    assert defect_type.name_ko == "긁힘"
    (defect,) = library.list_images(services, found.product.id, image_type="defect").rows
    assert library.read_mask_png(services, defect) is not None
    again = import_path(services, engineer, path)
    assert {outcome.outcome for outcome in again.outcomes if "mask" not in outcome.notes} == {"duplicate"}


def test_import_of_nothing_says_so(services: Services, engineer: Person, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.txt").write_text("x")
    for name, code in (
        ("nowhere", "import_path_missing"), ("x.txt", "import_not_an_archive"), ("empty", "import_nothing_found"),
    ):  # fmt: skip
        with pytest.raises(AppError) as caught:
            import_path(services, engineer, tmp_path / name)
        assert caught.value.code == code
