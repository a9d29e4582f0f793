"""What a person changes about folders, written as roles."""

from __future__ import annotations

import pytest

from core.image_imports.deciding import Change, change_folders, change_role, write_role
from core.images.imports.records import Use
from core.images.imports.roles import read_role
from tests.unit.core.image_imports.conftest import refused

GOOD = Use("normal", product="cap")
DENT = Use("defect", product="cap", defect_name="dent", split="test")


@pytest.mark.parametrize(
    "text",
    ["normal", "defect:dent", "defect:dent/test", "mask", "skip", "normal/val/product:cap 2/view:top/part", "list"],
)
def test_a_role_is_written_as_it_is_read(text: str) -> None:
    assert write_role(read_role(text)) == text


def test_only_what_was_changed_is_said() -> None:
    assert change_role("", DENT, Change(split="val")) == "val"
    assert change_role("", DENT, Change(kind="normal")) == "normal"
    assert change_role("", DENT, Change(kind="defect")) == "defect:dent"
    assert change_role("", GOOD, Change(defect_name="hole")) == "defect:hole"
    assert change_role("", GOOD, Change(product="cap2", view="top", is_part=True)) == "product:cap2/view:top/part"


def test_later_changes_add_to_earlier_ones() -> None:
    assert change_role("defect:hole/test", GOOD, Change(split="train")) == "defect:hole/train"
    assert change_role("defect:hole/test", GOOD, Change(kind="left_out")) == "skip/test"


def test_a_name_that_would_be_read_as_two_roles_is_refused() -> None:
    with refused("import_role_unknown"):
        change_role("", GOOD, Change(defect_name="a/b"))


def test_many_folders_are_changed_at_once() -> None:
    answers = change_folders({"b": "test"}, {"a": GOOD, "b": DENT}, dict.fromkeys(("a", "b"), Change(kind="mask")))
    assert answers == {"a": "mask", "b": "mask/test"}
