"""The advice on a product's preprocessing: asked for with a click, told in plain sentences with its figures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.preprocessing.lighting_advice import (
    CURRENT,
    SAMPLE_DEFECTS,
    SAMPLE_NORMALS,
    LightingAdvice,
    OptionFigures,
    advise,
)
from core.preprocessing.stored_options import all_values
from pages.components.settings.preprocessing_draft import Subject, draft_of, set_values
from pages.components.settings.preprocessing_label import describe_options
from pages.components.shared.language import _, _n, number, percent
from pages.components.shared.session import person, services, show_error

if TYPE_CHECKING:
    from inference.vision.images.preprocessing import Preprocessing


def show_advice(subject: Subject, options: Preprocessing) -> None:
    """Show the question, and the last result for this product with its figures."""
    st.subheader(_("What would help this product?"))
    st.markdown(
        _(
            "Tries the options on up to {n_normal} normal and {n_defect} defect training images, with exposure and "
            "contrast off by up to 30%, and measures how well each still tells them apart. It takes from ten seconds "
            "to a minute; nothing is changed.",
            n_normal=SAMPLE_NORMALS,
            n_defect=SAMPLE_DEFECTS,
        )
    )
    key = f"preprocessing_{subject}_advice"
    if st.button(_("Measure on this product's images"), key=f"{key}_ask", icon=":material/science:"):
        st.session_state.pop(key, None)
        try:
            st.session_state[key] = ask(subject, options)
        except AppError as error:
            show_error(error)
    advice = st.session_state.get(key)
    if isinstance(advice, LightingAdvice):
        show_result(subject, advice)


def ask(subject: Subject, options: Preprocessing) -> LightingAdvice:
    """Measure, with a bar that says how far it is. Raises AppError."""
    bar = st.progress(0.0, text=_("Reading the images …"))

    def progress(done: int, total: int) -> None:
        text = _("Trying option {done} of {total} …", done=min(done + 1, total), total=total)
        bar.progress(done / max(1, total), text=text)

    try:
        return advise(services(), person(), subject.product_id, options, progress, view=subject.view)
    finally:
        bar.empty()


def show_result(subject: Subject, advice: LightingAdvice) -> None:
    """Show the proposal first, then what the images show, then the figures behind it."""
    now = advice.tried[0]
    if advice.proposed is None:
        st.success(
            _(
                "Leave it as it is: under varying light, no option separates clearly better than what is set "
                "(AUROC {auroc}) without a loss in steady light.",
                auroc=number(now.auroc, 3),
            ),
            icon=":material/thumb_up:",
        )
    else:
        proposed = advice.proposed
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(
                _(
                    "“{option}” would help where the light varies: AUROC {auroc} instead of {before}.",
                    option=describe_tried(proposed),
                    auroc=number(proposed.auroc, 3),
                    before=number(now.auroc, 3),
                ),
                icon=":material/lightbulb:",
                width="stretch",
            )
            st.button(
                _("Take this over"),
                key=f"preprocessing_{subject}_advice_take",
                type="primary",
                on_click=apply_proposal,
                args=(subject, proposed.options),
            )
    if advice.defects_made_up:
        st.caption(
            _(
                "There are too few defect training images, so pieces of the parts were pasted elsewhere as made-up "
                "defects. Register real ones for a sounder answer."
            )
        )
    hints = list_hints(advice)
    if hints:
        st.markdown("\n".join(f"- {hint}" for hint in hints))
    show_figures(advice)


def apply_proposal(subject: Subject, options: Preprocessing) -> None:
    """Set the proposed options; the areas that are set by now stay."""
    values = draft_of(subject).values
    areas = {"region_of_interest": values["region_of_interest"], "ignore": values["ignore"]}
    set_values(subject, {**all_values(options), **areas})


def list_hints(advice: LightingAdvice) -> list[str]:
    """Return what the images themselves show, a sentence each."""
    survey = advice.survey
    sentences = {
        "uneven": _(
            "The light is uneven: over the image, brightness falls by {share} in the same direction everywhere. Mend "
            "the lamp if you can; contrast by place (CLAHE) evens out what remains.",
            share=percent(survey.side_drop, 0),
        ),
        "low_contrast": _(
            "The images have little contrast: they use {levels} of 255 brightness levels. A stronger light or another "
            "angle shows more than any option here.",
            levels=number(survey.contrast_levels),
        ),
        "noise": _(
            "The images are noisy (about {levels} levels). More light or a longer exposure helps; median smoothing "
            "takes some of it away.",
            levels=number(survey.noise_levels, 1),
        ),
        "varying": _(
            "Brightness differs from image to image by ±{share}. It is evened out before the model sees them.",
            share=percent(survey.mean_variation, 0),
        ),
        "steady": _(
            "Brightness hardly differs between the training images (±{share}), so the model leaves it as it is. If the "
            "light on the line can change, register images in that light too, or use what is proposed here.",
            share=percent(survey.mean_variation, 0),
        ),
        "blurred": _n(
            "{count} image of the sample is blurred.",
            "{count} images of the sample are blurred.",
            survey.warnings.get("blurred", 0),
        ),
        "under_exposed": _n(
            "{count} image of the sample is too dark.",
            "{count} images of the sample are too dark.",
            survey.warnings.get("under_exposed", 0),
        ),
        "over_exposed": _n(
            "{count} image of the sample is too bright.",
            "{count} images of the sample are too bright.",
            survey.warnings.get("over_exposed", 0),
        ),
    }
    return [sentences[code] for code in advice.hints if code in sentences]


def show_figures(advice: LightingAdvice) -> None:
    """Show every option that was tried, what is set now first."""
    st.dataframe(
        [
            {
                _("Option"): describe_tried(found),
                _("AUROC, light ±30%"): number(found.auroc, 3),
                _("AUROC, as taken"): number(found.plain_auroc, 3),
                _("Gain"): "–" if index == 0 else f"{found.auroc - advice.tried[0].auroc:+.3f}",
                _("Better in"): "–" if index == 0 else percent(found.sureness, 0),
                _("Light raises the normal score by"): percent(found.illumination_rise, 0),
            }
            for index, found in enumerate(advice.tried)
        ],
        hide_index=True,
        width="stretch",
    )
    st.caption(
        _(
            "Measured on {n_normal} normal and {n_defect} defect images. AUROC: 1 is perfect, 0.5 is chance; it is "
            "lower here than after a deployment, because the bank is small. Gain and “better in” are under varying "
            "light; the latter is the share of random re-draws of these images in which the option wins. From 95% and "
            "a gain of 0.01 on it is proposed, unless it loses in the light as taken.",
            n_normal=number(advice.n_normal),
            n_defect=number(advice.n_defect),
        )
    )


def describe_tried(found: OptionFigures) -> str:
    """Return the option as a sentence: only what was tried, not the areas that all of them share."""
    options_text = describe_options(replace(found.options, region_of_interest=None, ignore=()))
    return _("As set now: {options}", options=options_text) if found.name == CURRENT else options_text
