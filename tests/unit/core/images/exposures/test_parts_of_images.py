"""Parts of stored images: imported, said by a person, found to be alike, and on one side of the split."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from sqlalchemy import Engine, event
from sqlmodel import col, select

from benchmarks.gallery_rows import fill_gallery
from core.access import Person
from core.catalog.products import create_product, find_product
from core.errors import BadInput, NotAllowed, NotFound, NotReady
from core.images.exposures.edits import accept_groups, assign_part, assign_parts
from core.images.exposures.grouping import propose_parts
from core.images.exposures.leaks import describe_leaks, find_leaks, mend_leaks
from core.images.exposures.rules import read_rule
from core.images.imports.folder_import import import_path
from core.images.records import IncomingFile
from core.images.uploads import add_images
from core.services import Services
from core.transactions import writing
from storage.tables import AuditLog, Image, Product
from tests.databases import sqlite_only
from tests.plates import encode, plate, write


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    return create_product(services, engineer, name="Plate", code="plate")


def expose(part: int, exposure: int) -> np.ndarray:
    """Return an exposure of a part: the same plate, a little moved, in another light."""
    pixels: np.ndarray = plate(part, width_px=220, height_px=220).astype(np.float32)
    if exposure:
        move = np.array([[1, 0, 2.0 * exposure], [0, 1, -1.5]], np.float32)
        pixels = cv2.warpAffine(pixels, move, (220, 220), borderMode=cv2.BORDER_REFLECT)
    noise = np.random.default_rng((part, exposure)).normal(0, 2, pixels.shape)
    return (pixels * (1.0 - 0.15 * exposure) + noise).clip(0, 255).astype(np.uint8)


def add(
    services: Services,
    person: Person,
    product: Product,
    files: dict[str, np.ndarray],
    *,
    split: str = "train",
    rule: str = "",
) -> list[int]:
    incoming = [IncomingFile(name, lambda pixels=pixels: encode(pixels)) for name, pixels in files.items()]  # type: ignore[misc]
    outcomes = add_images(
        services,
        person,
        product_id=product.id,
        image_type="normal",
        split=split,
        part_rule=rule,
        files=incoming,
    )
    return [outcome.image_id for outcome in outcomes if outcome.image_id is not None]


def parts(services: Services) -> dict[str, tuple[str, str]]:
    with services.database.reading() as session:
        rows = session.exec(select(Image).order_by(col(Image.id))).all()
    return {row.original_name: (row.part, row.part_source) for row in rows}


def test_an_upload_reads_the_part_by_the_rule(services: Services, engineer: Person, product: Product) -> None:
    files = {"p1_1.png": plate(1), "p1_2.png": plate(2), "other.png": plate(3)}
    add(services, engineer, product, files, rule="{part}_{n}")
    assert parts(services) == {
        "p1_1.png": ("p1", "file_name"),
        "p1_2.png": ("p1", "file_name"),
        "other.png": ("", ""),
    }


def test_an_upload_with_a_wrong_rule_stores_nothing(services: Services, engineer: Person, product: Product) -> None:
    with pytest.raises(BadInput):
        add(services, engineer, product, {"a.png": plate(1)}, rule="{n}")
    assert parts(services) == {}


def test_an_import_names_parts_and_names_them_later_too(services: Services, engineer: Person, tmp_path: Path) -> None:
    for part in range(2):
        for view in range(2):
            write(tmp_path / "bolt" / "train" / "good" / f"b{part}_{view}.png", plate(10 * part + view))
    assert import_path(services, engineer, tmp_path / "bolt").parts.n_parts == 0
    again = import_path(services, engineer, tmp_path / "bolt", part_rule=read_rule("{part}_{n}"))
    assert {outcome.outcome for outcome in again.outcomes} == {"duplicate"}
    assert again.parts.n_parts == 2
    assert parts(services)["train/good/b1_0.png"] == ("b1", "file_name")
    listed = import_path(services, engineer, tmp_path / "bolt", part_list={"b1_0.png": "serial 9", "gone.png": "x"})
    assert parts(services)["train/good/b1_0.png"] == ("serial 9", "list")
    assert listed.parts.unknown == ("gone.png",)
    assert len(listed.parts.unlisted) == 3
    (first, *_) = [row for row in _rows(services) if row.original_name.endswith("b0_0.png")]
    assign_part(services, engineer, [first.id], "mine")
    import_path(services, engineer, tmp_path / "bolt", part_list={"b0_0.png": "not mine"})
    assert parts(services)["train/good/b0_0.png"] == ("mine", "person")


def _rows(services: Services) -> list[Image]:
    with services.database.reading() as session:
        return list(session.exec(select(Image).order_by(col(Image.id))).all())


def test_folders_of_single_parts_are_parts_in_an_import(services: Services, engineer: Person, tmp_path: Path) -> None:
    for part in range(3):
        for view in range(2):
            write(tmp_path / "jack" / "OK" / f"S{part:04d}" / f"{view}.png", plate(10 * part + view))
    write(tmp_path / "jack" / "NG" / "pit" / "S0001" / "0.png", plate(900, "spot"))
    summary = import_path(services, engineer, tmp_path, product="jack")
    assert summary.parts.n_parts == 4
    assert parts(services)["jack/NG/pit/S0001/0.png"] == ("pit/S0001", "folder")
    assert find_leaks(services, find_product(services, "jack").id) == []


def test_a_person_says_the_part_and_takes_it_back(
    services: Services, engineer: Person, worker_person: Person, product: Product
) -> None:
    first, second = add(services, engineer, product, {"a.png": plate(1), "b.png": plate(2)})
    assert assign_part(services, engineer, [first, second], "  piece 7 ") == 2
    assert assign_part(services, engineer, [first], "piece 7") == 0
    assert parts(services)["a.png"] == ("piece 7", "person")
    assert assign_part(services, engineer, [first], "") == 1
    assert parts(services)["a.png"] == ("", "person")
    with services.database.reading() as session:
        assert len(session.exec(select(AuditLog).where(AuditLog.action == "image.part")).all()) == 3
    with pytest.raises(NotAllowed):
        assign_part(services, worker_person, [first], "x")
    with pytest.raises(BadInput):
        assign_part(services, engineer, [], "x")
    with pytest.raises(NotFound):
        assign_part(services, engineer, [999], "x")


def test_a_part_on_both_sides_is_a_leak_until_it_is_moved(
    services: Services, engineer: Person, product: Product
) -> None:
    train = add(services, engineer, product, {"p1_1.png": plate(1), "p2_1.png": plate(2)}, rule="{part}_{n}")
    test = add(services, engineer, product, {"p1_2.png": plate(3)}, split="test", rule="{part}_{n}")
    (leak,) = find_leaks(services, product.id)
    assert (leak.part, leak.train, leak.test) == ("p1", (train[0],), tuple(test))
    assert describe_leaks([leak]) == {"n_parts": 1, "n_images": 2, "names": "p1"}
    assert mend_leaks(services, engineer, product.id, split="test") == 1
    assert find_leaks(services, product.id) == []
    assert {row.id: row.split for row in _rows(services)} == {train[0]: "test", train[1]: "train", test[0]: "test"}
    with pytest.raises(NotFound):
        mend_leaks(services, engineer, product.id, split="test")
    with pytest.raises(BadInput):
        mend_leaks(services, engineer, product.id, split="validation")


def test_the_same_pixels_on_both_sides_are_a_leak(services: Services, engineer: Person, product: Product) -> None:
    (train,) = add(services, engineer, product, {"a.png": plate(1)})
    (test,) = add(services, engineer, product, {"b.png": plate(2)}, split="test")
    with writing(services) as session:
        # As a data folder of an early version may have them: today the second one is refused.
        rows = session.exec(select(Image)).all()
        for row in rows:
            row.pixel_sha256 = rows[0].pixel_sha256
        session.commit()
    (leak,) = find_leaks(services, product.id)
    assert (leak.part, leak.train, leak.test) == ("", (train,), (test,))


def test_exposures_of_one_part_are_proposed_accepted_and_not_asked_again(
    services: Services, engineer: Person, product: Product
) -> None:
    with pytest.raises(NotReady):
        propose_parts(services, engineer, product.id)
    files = {f"{number:02d}.png": expose(number, 0) for number in range(12)}
    ids = add(services, engineer, product, files)
    twins = add(services, engineer, product, {f"t{n}.png": expose(n, 1) for n in (2, 5)}, split="test")
    calls: list[tuple[int, int]] = []
    found = propose_parts(services, engineer, product.id, progress=lambda done, total: calls.append((done, total)))
    assert {proposal.image_ids for proposal in found.proposals} == {(ids[2], twins[0]), (ids[5], twins[1])}
    assert all(proposal.leaks for proposal in found.proposals)
    assert found.n_images == 14
    assert calls[-1][0] == calls[-1][1]
    assert {part for part, _source in parts(services).values()} == {""}
    assert accept_groups(services, engineer, [found.proposals[0].image_ids]) == 2
    assert parts(services)["02.png"] == (f"≈{ids[2]}", "similar")
    assign_parts(services, engineer, [("", [number]) for number in found.proposals[1].image_ids])
    assert propose_parts(services, engineer, product.id).proposals == ()
    assert [leak.part for leak in find_leaks(services, product.id)] == [f"≈{ids[2]}"]


def test_an_import_sets_whole_parts_aside_for_the_test(services: Services, engineer: Person, tmp_path: Path) -> None:
    folder = tmp_path / "nut"
    for part in range(10):
        for view in range(2):
            kind, seed = ("ok", 10 * part + view) if part < 6 else ("ng/spot", 900 + 10 * part + view)
            write(folder / kind / f"n{part}_{view}.png", plate(seed))
    rule = read_rule("{part}_{n}")
    import_path(services, engineer, folder, product="nut", part_rule=rule, test_share=0.5, split_seed=3)
    rows = _rows(services)
    assert find_leaks(services, rows[0].product_id) == []
    assert sum(row.split == "test" for row in rows if row.image_type == "normal") == 6
    assert sum(row.split == "test" for row in rows if row.image_type == "defect") == 4
    # What comes later goes where the other images of its part are.
    more = tmp_path / "more"
    for part in range(6):
        write(more / "ok" / f"n{part}_9.png", plate(2000 + part))
    import_path(services, engineer, more, product="nut", part_rule=rule, test_share=0.5, split_seed=8)
    assert len(_rows(services)) == 26
    assert find_leaks(services, rows[0].product_id) == []
    with pytest.raises(BadInput):
        import_path(services, engineer, more, product="nut", test_share=1.0)


def test_a_split_that_folders_name_is_left_as_it_is(services: Services, engineer: Person, tmp_path: Path) -> None:
    for number in range(6):
        write(tmp_path / "bolt" / "train" / "good" / f"{number}.png", plate(number))
    import_path(services, engineer, tmp_path / "bolt", test_share=0.5)
    assert {row.split for row in _rows(services)} == {"train"}


@sqlite_only
def test_leaks_are_found_by_indexes_also_where_the_database_keeps_no_statistics(services: Services) -> None:
    product_id = fill_gallery(services, rows=200)["products"][0]
    asked: list[tuple[str, object]] = []

    def note(_conn: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        asked.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    assert find_leaks(services, product_id) == []
    event.remove(Engine, "before_cursor_execute", note)
    plans = ""
    with services.database.reading() as session:
        for statement, parameters in asked:
            if statement.startswith("SELECT"):
                explained = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
                plans += str(explained.all())
    assert "COVERING INDEX ix_images_gallery" in plans
    assert "INDEX ix_images_pixel_sha256 (pixel_sha256=?)" in plans
