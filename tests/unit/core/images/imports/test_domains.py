"""Where images were taken, read from whole folder words that stand beside others, never guessed into labels."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from core.errors import BadInput
from core.images.imports.planning import decide
from core.images.imports.records import ImportPlan
from core.images.imports.roles import read_role
from core.images.imports.words import read_domain_word
from tests.import_sources import plan_of


def domains(plan: ImportPlan) -> dict[str, str]:
    return {image.path: image.domain for image in plan.images}


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("studio", "studio"), ("스튜디오", "studio"), ("Studio photos", "studio"), ("라인", "line"), ("현장", "line"),
        ("phone_2", "field"), ("폰", "field"), ("studious", ""), ("line scratch", ""), ("headphones", ""),
        ("studio line", ""), ("2", ""),
    ],
)  # fmt: skip
def test_only_whole_words_say_a_domain(name: str, domain: str) -> None:
    assert read_domain_word(name) == domain


@pytest.mark.parametrize(("folders"), [("studio", "phone"), ("스튜디오", "폰")])
def test_folders_beside_each_other_say_domains_and_leave_the_labels_alone(folders: tuple[str, str]) -> None:
    one, other = folders
    plan = plan_of([f"bolt/{one}/good/a.png", f"bolt/{one}/scratch/b.png", f"bolt/{other}/good/c.png"])
    assert domains(plan) == {
        f"bolt/{one}/good/a.png": "studio", f"bolt/{one}/scratch/b.png": "studio", f"bolt/{other}/good/c.png": "field",
    }  # fmt: skip
    assert {image.path.split("/")[2]: (image.kind, image.product) for image in plan.images} == {
        "good": ("normal", "bolt"), "scratch": ("defect", "bolt"),
    }  # fmt: skip


def test_a_word_that_may_be_a_defect_or_a_product_says_no_domain_alone() -> None:
    plan = plan_of(["panel/good/a.png", "panel/line/b.png", "panel/dent/c.png"], product="panel")
    assert set(domains(plan).values()) == {""}
    plan = plan_of(["phone/good/a.png", "phone/scratch/b.png"])
    assert plan.products == ("phone",)


@pytest.mark.parametrize(
    ("more", "domain"), [({"as_role": "domain:line"}, "line"), ({"decisions": {"good": "domain:field"}}, "field")]
)
def test_a_person_says_where_images_were_taken(more: Mapping[str, object], domain: str) -> None:
    plan = plan_of(["good/a.png", "good/b.png"], product="bolt", **more)  # type: ignore[arg-type]
    assert set(domains(plan).values()) == {domain}
    assert set(domains(decide(plan, {"good": "domain:studio"})).values()) == {"studio"}


def test_a_list_says_domains_in_a_column() -> None:
    rows = b"path,label,domain\nx/a.png,good,Studio\nx/b.png,good,moon\n"
    plan = plan_of({"x/a.png": "photo", "x/b.png": "photo", "list.csv": rows}, product="bolt")
    assert domains(plan) == {"x/a.png": "studio", "x/b.png": ""}


def test_classes_nobody_knows_are_asked_until_a_person_says_that_folders_name_them() -> None:
    files = ["train/Cr/a.png", "train/In/b.png", "test/Cr/c.png"]
    assert len(plan_of(files, product="steel").questions) == 3
    defects = plan_of(files, product="steel", as_role="defect:{folder}")
    assert [(one.kind, one.defect_name, one.split) for one in defects.images] == [
        ("defect", "Cr", "test"), ("defect", "Cr", "train"), ("defect", "In", "train"),
    ]  # fmt: skip
    kinds = plan_of(files, product="steel", as_role="normal:{folder}/domain:line")
    assert [(one.kind, one.good_kind, one.domain) for one in kinds.images] == [
        ("normal", "Cr", "line"), ("normal", "Cr", "line"), ("normal", "In", "line"),
    ]  # fmt: skip
    loose = plan_of(["a.png"], product="steel", as_role="defect:{folder}")
    assert len(loose.questions) == 1


def test_six_kinds_of_steel_defects_without_good_images_raise_no_question() -> None:
    kinds = ("crazing", "inclusion", "patches", "pitted_surface", "rolled-in_scale", "scratches")
    plan = plan_of([f"train/{kind}/{number}.jpg" for kind in kinds for number in range(2)], product="NEU")
    assert plan.questions == ()
    assert {image.defect_name for image in plan.images} == set(kinds)


@pytest.mark.parametrize("role", ["domain:moon", "domain:", "domain"])
def test_a_domain_that_there_is_not_is_refused(role: str) -> None:
    if role == "domain":
        assert read_role(role).defect_name == "domain"  # a type may be called so
    else:
        with pytest.raises(BadInput):
            read_role(role)
