"""The demo manuals: for every demo product, in Korean, two in English, and set from the texts that are here."""

from __future__ import annotations

import pytest

from core.demo.images.catalog import PRODUCTS
from core.demo.manuals import TEXT_FOLDER, list_demo_manuals
from core.demo.manuals.typesetting import typeset
from inference.language.passages import split_passages
from inference.language.pdf_text import read_pdf

# Without defects there are no steps: the pills show kinds of good parts alone.
WITH_DEFECTS = [product for product in PRODUCTS if product.defects]
MANUALS = {(manual.product_code, manual.language): manual for manual in list_demo_manuals()}


def test_every_product_with_defects_has_a_korean_manual_and_three_have_an_english_one() -> None:
    assert {code for code, language in MANUALS if language == "ko"} == {product.code for product in WITH_DEFECTS}
    assert len(WITH_DEFECTS) == len(PRODUCTS) - 1
    assert sum(language == "en" for _, language in MANUALS) == 3


@pytest.mark.parametrize("product", WITH_DEFECTS, ids=lambda product: str(product.code))
def test_every_defect_type_has_its_steps(product: object) -> None:
    from core.demo.images.records import DemoProduct

    assert isinstance(product, DemoProduct)
    passages = split_passages(read_pdf(MANUALS[product.code, "ko"].content), source_id=1)
    steps = [passage for passage in passages if passage.kind == "steps"]
    assert len(steps) > len(product.defects)
    if len(product.defects) > 1:
        for defect in product.defects:
            assert any(defect.name_ko in " ".join(passage.heading) for passage in steps), defect.code


@pytest.mark.parametrize("key", sorted(MANUALS), ids=".".join)
def test_the_pdf_is_the_one_that_its_text_gives(key: tuple[str, str]) -> None:
    source = (TEXT_FOLDER / ".".join((*key, "md"))).read_text(encoding="utf-8")
    assert read_pdf(typeset(source)) == read_pdf(MANUALS[key].content)


def test_setting_a_text_twice_gives_the_same_bytes() -> None:
    source = (TEXT_FOLDER / "grid.ko.md").read_text(encoding="utf-8")
    assert typeset(source) == typeset(source)
