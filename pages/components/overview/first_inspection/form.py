"""Step 1: the product and its images. One button stores them and starts the deployment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.products import ProductSummary, list_products
from core.errors import AppError, BadInput
from core.images.imports.names import IMAGE_ENDINGS
from core.images.records import IncomingFile
from core.images.upload_plans.plan import DEFECT, GOOD, UploadPlan, Use, plan_upload
from pages.components.images.uploads import UploadOutcome, show_outcome
from pages.components.imports.handing_over import open_plan
from pages.components.overview.first_inspection.folders import ask_folders
from pages.components.overview.first_inspection.importing import UPLOAD, Field, import_and_deploy, start_deployment
from pages.components.overview.first_inspection.place import product_in_address, start_over
from pages.components.shared.language import _, _n, escape, number, product_name
from pages.components.shared.pickers import pick_product
from pages.components.shared.session import services, show_error

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from storage.tables import Product

_NEW, _EXISTING = "new", "existing"
_PLANS = "first_plans"
# As the words on calibration have it: fewer send good parts to review.
_STEADY = 20


def show_form(product: Product | None) -> None:
    """Show the product, the files and what they would become, and the button that does the rest."""
    summaries = list_products(services())
    left, right = st.columns([2.2, 1], gap="large")
    with left:
        name, product = _ask_product(product, summaries)
        summary = next((found for found in summaries if product and found.product.id == product.id), None)
        fields = _ask_files()
        if several := _name_several(fields):
            _show_several(several, fields)
        else:
            _show_counts(fields, summary)
            _show_button(name, product, fields, summary)
        found = st.session_state.get(UPLOAD)
        # A product that this very run has registered is in the address already.
        if isinstance(found, UploadOutcome) and found.product_id == product_in_address():
            show_outcome(found, UPLOAD)
    with right:
        _show_advice()


def _ask_product(product: Product | None, summaries: Sequence[ProductSummary]) -> tuple[str, Product | None]:
    """Return the name of a new product, and the product itself where it exists."""
    if product is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{escape(product_name(product))}** `{product.code}`", width="stretch")
            st.button(_("Another product"), key="first_other", icon=":material/swap_horiz:", on_click=start_over)
        return product_name(product), product
    which = _NEW
    if summaries:
        words = {_NEW: _("New product"), _EXISTING: _("Existing product")}
        which = st.segmented_control(
            _("Product"),
            list(words),
            key="first_which",
            default=_NEW,
            required=True,
            format_func=lambda choice: words[choice],
        )
    if which == _EXISTING:
        return "", pick_product([found.product for found in summaries], key="first", label_visible=False)
    name = st.text_input(
        _("Name of the product"),
        key="first_name",
        max_chars=190,
        placeholder=_("for example: Bracket A, left"),
        help=_("In any language. Its code, which file names are made of, is made from the name."),
    )
    return name, None


def _ask_files() -> list[Field]:
    """Return what was chosen as good parts, and as defects, with the plan of each; empty fields are left out."""
    turn = st.session_state.get("first_turn", 0)
    kinds = [*sorted(IMAGE_ENDINGS), "zip"]
    good = st.file_uploader(
        _("Images of good parts, or a ZIP file of them"),
        type=kinds,
        accept_multiple_files=True,
        key=f"first_good_{turn}",
        help=_("JPEG, PNG, BMP, TIFF or WebP, up to 50 MB and 100 megapixels each."),
    )
    fields = [_plan("good", good, Use(GOOD))]
    with st.expander(_("Known defects (optional)"), icon=":material/broken_image:"):
        st.caption(
            _(
                "A few images of parts with one kind of defect make the thresholds surer. A file x_mask.png beside "
                "x.png marks the place."
            )
        )
        defect_name = st.text_input(_("What the defect is called"), key="first_defect_name", max_chars=100)
        bad = st.file_uploader(
            _("Images of this defect, or a ZIP file of them"),
            type=kinds,
            accept_multiple_files=True,
            key=f"first_bad_{turn}",
        )
        fields.append(_plan("bad", bad, Use(DEFECT, " ".join(defect_name.split()))))
    fields = [field for field in fields if field.files]
    return [Field(field.files, ask_folders(field.plan)) for field in fields]


def _plan(field: str, files: Sequence[UploadedFile], claim: Use) -> Field:
    """Return the files with their plan; it is made once for the same files, not at every run of the page."""
    incoming = [IncomingFile(name=file.name, read=file.getvalue) for file in files]
    seen = (tuple(file.file_id for file in files), claim)
    plans = st.session_state.setdefault(_PLANS, {})
    if field not in plans or plans[field][0] != seen:
        plans[field] = (seen, plan_upload(incoming, claim=claim, field=field))
    plan = plans[field][1]
    assert isinstance(plan, UploadPlan)
    return Field(incoming, plan)


def _name_several(fields: Sequence[Field]) -> str:
    """Return the products of a ZIP file whose folders name several, as they are said; empty where none does."""
    refused = [one.error for field in fields for one in field.plan.left_out if one.error is not None]
    return next((str(error.params["products"]) for error in refused if error.code == "upload_several_products"), "")


def _show_several(names: str, fields: Sequence[Field]) -> None:
    """Say that these files are of several products, and go on with the plan of their import."""
    st.info(
        _(
            "These files hold several products: {names}. What each folder becomes is shown next and can be changed; "
            "each product gets its own images.",
            names=escape(names),
        ),
        icon=":material/account_tree:",
    )
    if st.button(_("Go through the plan"), key="first_plan", type="primary", icon=":material/rule:", width="stretch"):
        open_plan([file for field in fields for file in field.files])


def _show_counts(fields: Sequence[Field], summary: ProductSummary | None) -> None:
    """Say what there will be, and beforehand where that is little."""
    there = summary.n_normal_train if summary is not None else 0
    if there:
        st.caption(
            _n(
                "The product has {count} normal image for training already.",
                "The product has {count} normal images for training already.",
                there,
            )
        )
    if not fields:
        return
    n_train = sum(field.plan.count(GOOD, split="train") for field in fields)
    n_test = sum(field.plan.count(GOOD, split="test") for field in fields)
    n_defect = sum(field.plan.count(DEFECT) for field in fields)
    n_refused = sum(len(field.plan.left_out) for field in fields)
    parts = [_n("{count} image of good parts", "{count} images of good parts", n_train)]
    if n_test:
        parts.append(_n("{count} good test image", "{count} good test images", n_test))
    if n_defect:
        parts.append(_n("{count} image of defects", "{count} images of defects", n_defect))
    if n_refused:
        parts.append(_n("{count} file is left out", "{count} files are left out", n_refused))
    st.markdown(f":material/inventory_2: {' · '.join(parts)}")
    if 0 < n_train + there < _STEADY:
        st.warning(
            _n(
                "{count} image of good parts is little: it works, but many good parts will go to review. "
                "{enough} make the thresholds steadier, 50 are better.",
                "{count} images of good parts are few: they work, but many good parts will go to review. "
                "{enough} make the thresholds steadier, 50 are better.",
                n_train + there,
                enough=number(_STEADY),
            ),
            icon=":material/lightbulb:",
        )


def _show_button(name: str, product: Product | None, fields: list[Field], summary: ProductSummary | None) -> None:
    """Show the one button; what is missing is said when it is pressed, and nothing is stored before."""
    n_there = summary.n_normal_train if summary is not None else 0
    only_deploy = not fields and product is not None and n_there > 0
    label = _("Deploy") if only_deploy else _("Import and deploy")
    pressed = st.button(label, key="first_go", type="primary", icon=":material/rocket_launch:", width="stretch")
    if not pressed:
        return
    try:
        if only_deploy:
            assert product is not None
            start_deployment(product.id)
        else:
            _check(name, product, fields, n_there)
            import_and_deploy(product, name, fields)
    except AppError as error:
        show_error(error)
        return
    st.rerun()


def _check(name: str, product: Product | None, fields: Sequence[Field], n_there: int) -> None:
    """Raise BadInput for what has to be said or chosen first."""
    if product is None and not name.strip():
        raise BadInput("product_name_missing")
    if not fields:
        raise BadInput("upload_no_files")
    undecided = [folder.path for field in fields for folder in field.plan.undecided]
    if undecided:
        raise BadInput("upload_undecided", folders=", ".join(undecided))
    if any(
        folder.use is not None and folder.use.kind == DEFECT and not folder.use.defect_name
        for field in fields
        for folder in field.plan.folders
    ):
        raise BadInput("upload_defect_unnamed")
    if not n_there and not any(field.plan.count(GOOD, split="train") for field in fields):
        raise BadInput("upload_no_good_images")


def _show_advice() -> None:
    """Say what makes a good start."""
    with st.container(border=True):
        st.markdown(f"**{_('What makes a good start')}**")
        st.markdown(
            "\n".join(
                f"- {line}"
                for line in (
                    _("Images of good parts, as the line's camera takes them: same place, same light."),
                    _("50 make a sound start, and even a few work."),
                    _("One image of each part; copies teach nothing."),
                    _("A ZIP may hold folders such as “good” and “defect/scratch”: they are read as such."),
                    _("From a ZIP of 50 images to the first inspection it takes one to two minutes."),
                )
            )
        )
