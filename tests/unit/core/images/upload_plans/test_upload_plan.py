"""What the folders of an upload would become, and what is left for a person to decide."""

from __future__ import annotations

from core.images.records import IncomingFile
from core.images.upload_plans.plan import DEFECT, GOOD, LEFT_OUT, Use, plan_upload
from tests.zip_files import make_zip

CLAIM = Use(GOOD)


def _file(name: str, data: bytes = b"x") -> IncomingFile:
    return IncomingFile(name, lambda: data)


def _zip(*names: str, name: str = "set.zip") -> IncomingFile:
    return _file(name, make_zip(dict.fromkeys(names, b"x")))


def _uses(*files: IncomingFile, claim: Use = CLAIM) -> list[tuple[str, Use | None, str, int]]:
    plan = plan_upload(files, claim=claim)
    return [(folder.path, folder.use, folder.split, len(folder.files)) for folder in plan.folders]


def test_loose_files_and_a_zip_of_one_folder_are_what_the_field_says() -> None:
    assert _uses(_file("a.png"), _file("b.jpg"), _zip("1.png", "2.png")) == [
        ("", CLAIM, "train", 2),
        ("set.zip", CLAIM, "train", 2),
    ]
    assert _uses(_zip("line 3/1.png", "line 3/2.png")) == [("set.zip › line 3", CLAIM, "train", 2)]
    scratch = Use(DEFECT, "긁힘")
    assert _uses(_zip("사진/1.png"), claim=scratch) == [("set.zip › 사진", scratch, "train", 1)]


def test_folders_that_say_what_they_hold_are_believed() -> None:
    found = _uses(_zip("정상/1.png", "정상/2.png", "불량/긁힘/3.png", "test/good/4.png"))
    assert set(found) == {
        ("set.zip › 정상", CLAIM, "train", 2),
        ("set.zip › 불량/긁힘", Use(DEFECT, "긁힘"), "train", 1),
        ("set.zip › test/good", CLAIM, "test", 1),
    }


def test_a_folder_that_says_nothing_is_for_the_person_to_decide() -> None:
    plan = plan_upload([_zip("a/1.png", "b/2.png", "b/3.png")], claim=CLAIM)
    assert [folder.path for folder in plan.undecided] == ["set.zip › a", "set.zip › b"]
    first, second = plan.undecided
    decided = plan.decide({first.key: Use(LEFT_OUT), second.key: Use(DEFECT, second.suggested_name)})
    assert not decided.undecided
    assert (decided.count(GOOD), decided.count(DEFECT), decided.count(LEFT_OUT)) == (0, 2, 1)


def test_a_folder_beside_good_ones_is_not_guessed_good() -> None:
    found = {path: use for path, use, _split, _n in _uses(_zip("good/1.png", "extra/2.png"))}
    assert found == {"set.zip › good": CLAIM, "set.zip › extra": None}


def test_what_a_folder_says_against_its_field_is_for_the_person_to_decide() -> None:
    assert [use for _path, use, _split, _n in _uses(_zip("good/1.png"), claim=Use(DEFECT, "spot"))] == [None]


def test_masks_go_with_their_images() -> None:
    plan = plan_upload([_file("a.png"), _file("a_mask.png"), _file("lone_mask.png")], claim=Use(DEFECT, "spot"))
    assert [(file.name, file.mask_positions) for file in plan.folders[0].files] == [("a.png", (1,))]
    assert [(out.name, out.error.code) for out in plan.left_out if out.error] == [
        ("lone_mask.png", "mask_without_image")
    ]
    packed = plan_upload([_zip("x/a.png", "x/a_mask.png")], claim=Use(DEFECT, "spot"))
    assert packed.folders[0].files[0].mask_positions
    assert not packed.left_out


def test_what_is_no_image_or_no_archive_is_left_out_by_name() -> None:
    plan = plan_upload([_zip("1.png", "notes.txt"), _file("broken.zip")], claim=CLAIM)
    assert [(out.name, out.error.code) for out in plan.left_out if out.error] == [
        ("set.zip/notes.txt", "import_not_an_image"),
        ("broken.zip", "archive_not_zip"),
    ]
    assert plan.count(GOOD) == 1


def test_an_archive_of_several_products_is_left_out_as_a_whole() -> None:
    plan = plan_upload([_zip("bolt/good/1.png", "nut/good/1.png")], claim=CLAIM)
    assert not plan.folders
    assert [(out.name, out.error.code) for out in plan.left_out if out.error] == [
        ("set.zip", "upload_several_products")
    ]


def test_folders_of_two_archives_of_one_name_stay_apart() -> None:
    plan = plan_upload([_zip("1.png"), _zip("2.png")], claim=CLAIM)
    assert len({folder.key for folder in plan.folders}) == 2
