"""The settings of what happens to a new version by itself, and of thresholds without defects."""

from __future__ import annotations

import streamlit as st

from core.deployments.objections import MORE_ESCAPES, WORSE_BY
from core.models.kinds import MEMORY_BANK
from core.registry.activation_policy import (
    FEWEST_KEPT,
    LEAST_REVIEW,
    MOST_KEPT,
    MOST_REVIEW,
    DeploymentPolicy,
    current_policy,
    save_policy,
)
from pages.components.shared.language import _, number, percent
from pages.components.shared.session import person, say_after_rerun, services, showing_errors


def show_policy(kind: str) -> None:
    """Show what the policy is, in a sentence, and the form that changes it; `kind` is that of the screen's models."""
    policy = current_policy(services())
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            (
                _(
                    "A new version goes into use by itself when it is no worse; {count} versions are kept.",
                    count=policy.kept_versions,
                )
                if policy.activate_when_no_worse
                else _(
                    "A new version waits for a person to put it into use; {count} versions are kept.",
                    count=policy.kept_versions,
                )
            )
            + (
                " "
                + _(
                    "Thresholds without defects send {share} of good parts to review.",
                    share=_share(policy.review_share),
                )
                if kind == MEMORY_BANK
                else ""
            ),
            width="stretch",
        )
        with st.popover(_("Change"), icon=":material/tune:"), st.form("deployment_policy", border=False):
            by_itself = st.toggle(
                _("Put a new version into use when it is no worse"),
                value=policy.activate_when_no_worse,
                key=f"policy_by_itself_{policy.row_version}",
            )
            st.caption(
                _(
                    "No worse: on the same test images its image AUROC is at most {auroc} lower, and at most {share} "
                    "more of the defect parts are judged OK (escape); it passes no known defect that the version in "
                    "use stops, and its thresholds move no further than the same images explain. A version, also the "
                    "first, that is near chance on the test images or passes most of their defects waits as well. When "
                    "this is off, every new version waits as a candidate, but for a product's first.",
                    auroc=number(WORSE_BY, 3),
                    share=percent(MORE_ESCAPES, 0),
                )
            )
            kept = st.number_input(
                _("Versions to keep, for each product and kind"),
                min_value=FEWEST_KEPT,
                max_value=MOST_KEPT,
                value=policy.kept_versions,
                key=f"policy_kept_{policy.row_version}",
                help=_(
                    "After each activation the files of older versions are deleted; their figures stay. The version "
                    "in use, the one before it, "
                    "and what a job still needs are always kept."
                ),
            )
            review_share = _ask_review_share(policy) if kind == MEMORY_BANK else None
            if st.form_submit_button(_("Save"), type="primary"):
                with showing_errors():
                    save_policy(
                        services(),
                        person(),
                        activate_when_no_worse=by_itself,
                        kept_versions=int(kept),
                        review_share=review_share,
                        row_version=policy.row_version,
                    )
                    say_after_rerun(_("Saved. It holds from the next deployment on."))
                    st.rerun()


def _ask_review_share(policy: DeploymentPolicy) -> float:
    percent_of_good = st.number_input(
        _("Good parts that may go to review (%)"),
        min_value=100 * LEAST_REVIEW,
        max_value=100 * MOST_REVIEW,
        value=100 * policy.review_share,
        step=0.5,
        format="%.1f",
        key=f"policy_review_{policy.row_version}",
        help=_(
            "Used while fewer than 10 labeled defects say where the thresholds belong. A higher share passes fewer "
            "defects, and shows people more good parts."
        ),
    )
    # Percent and back again leave a trace in the last digits, which would be a change.
    return round(percent_of_good / 100, 6)


def _share(value: float) -> str:
    return f"{100 * value:.3g}%"
