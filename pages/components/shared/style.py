"""The few styles that the theme options do not reach. Constant text only: no data ever goes in here."""

from __future__ import annotations

import streamlit as st

from core.i18n import N_
from pages.components.shared.language import _

# Large targets for gloved hands, calm spacing, figures that do not dance.
_STYLE = """
<style>
.stMainBlockContainer {padding-left: 2rem; padding-right: 2rem; max-width: 1760px}
[data-testid="stMetricValue"], [data-testid="stDataFrame"], .stProgress {font-variant-numeric: tabular-nums}
.stButton button, .stFormSubmitButton button, .stDownloadButton button, .stPopover button {min-height: 2.75rem}
/* Korean breaks between words, as it is read; a word longer than its line still breaks. */
:is(.stMainBlockContainer, [data-testid="stDialog"], [data-testid="stPopoverBody"]) :is(p, li, th, td, label)[class],
:is(.stMainBlockContainer, [data-testid="stDialog"], [data-testid="stPopoverBody"]) [data-testid] :is(p, li, th, td) {
  word-break: keep-all; overflow-wrap: break-word}
[data-testid="stSidebarUserContent"] {padding-bottom: 1.5rem}
[class*="st-key-verdict_ok"], [class*="st-key-verdict_review"], [class*="st-key-verdict_reject"] {
  border-radius: 0.5rem; padding: 0.7rem 1.1rem; color: #ffffff}
[class*="st-key-verdict_ok"] {background: #1b7f4d}
[class*="st-key-verdict_review"] {background: #9a5b00}
[class*="st-key-verdict_reject"] {background: #b3261e}
[class*="st-key-verdict_"] p, [class*="st-key-verdict_"] h2, [class*="st-key-verdict_"] span {color: #ffffff}
[class*="st-key-verdict_"] h2 {font-size: 2.1rem; padding: 0 0 0.2rem; line-height: 1.15}
[class*="st-key-verdict_"] [data-testid="stMarkdownContainer"] {margin-bottom: 0}
[class*="st-key-verdict_"] [data-testid="stCaptionContainer"] {opacity: 0.95}
[class*="st-key-gallery"] [data-testid="stColumn"] [data-testid="stVerticalBlock"] {gap: 0.35rem}
[class*="st-key-gallery"] [data-testid="stCaptionContainer"] {overflow-wrap: anywhere; line-height: 1.3}
/* A whole card is its button: the picture is what a person clicks. */
[class*="st-key-card_"] {position: relative; border-radius: 0.375rem}
[class*="st-key-card_"] button {text-align: left; justify-content: flex-start; min-height: 2rem; padding: 0.1rem 0}
[class*="st-key-card_"] button::after {content: ""; position: absolute; inset: 0; z-index: 1; cursor: zoom-in}
[class*="st-key-card_"] :is([class*="st-key-open_"], .stButton, .stButton *) {position: static}
[class*="st-key-card_"] [data-testid="stElementToolbar"] {display: none}
[class*="st-key-card_"]:hover {background: rgba(127, 145, 155, 0.12)}
[class*="st-key-inspect_upload"] [data-testid="stFileUploaderDropzone"] {min-height: 11rem;
  align-items: center; justify-content: center}
[class*="st-key-inspect_upload"] [data-testid="stFileUploaderDropzoneInstructions"] {flex: none; width: auto; margin: 0}
[class*="st-key-inspect_upload"] [data-testid="stFileUploaderDropzone"] button {min-height: 4rem; padding: 0 2rem}
.geomsa-scale {position: relative; height: 4.6rem; margin: 0 1.5rem; font-variant-numeric: tabular-nums}
.geomsa-scale .bar {position: absolute; top: 1.9rem; left: 0; right: 0; height: 0.95rem}
.geomsa-scale i {position: absolute; top: 0; bottom: 0}
.geomsa-scale i:first-child {border-radius: 0.25rem 0 0 0.25rem}
.geomsa-scale u {position: absolute; top: -0.35rem; bottom: -0.35rem; width: 4px; margin-left: -2px; border-radius: 2px;
  background: currentColor; outline: 2px solid rgba(255, 255, 255, 0.75)}
.geomsa-scale b {position: absolute; top: 0; font-size: 1.1rem; line-height: 1.4rem; transform: translateX(-50%)}
.geomsa-scale span {position: absolute; top: 3.15rem; font-size: 0.85rem; white-space: nowrap; padding: 0 0.3rem;
  transform: translateX(-50%)}
.geomsa-scale span.before {transform: translateX(-100%); border-right: 1.5px solid currentColor}
.geomsa-scale span.after {transform: none; border-left: 1.5px solid currentColor; margin-left: -1.5px}
.st-key-samples [data-testid="stImage"] img, [class*="st-key-gallery"] [data-testid="stImage"] img {
  aspect-ratio: 1; object-fit: contain; background: rgba(127, 145, 155, 0.12); border-radius: 0.375rem}
/* Twice a square: the place cut out, and the whole beside it. */
:is([class*="st-key-card_defects"], .st-key-gallery_this_part) [data-testid="stImage"] img {aspect-ratio: 57 / 28}
</style>
"""

# Streamlit's own labels inside two widgets; there is no option for them, so the style puts ours in their place.
_WIDGET_WORDS: tuple[tuple[str, str], ...] = (
    ('[data-testid="stFileUploaderDropzone"] [data-testid="stBaseButton-secondary"]', N_("Choose files")),
    ('[data-testid="stFileUploaderDropzoneInstructions"]', N_("or drop them here")),
    ('[data-testid="stCameraInputButton"]', N_("Take or retake the picture")),
    ('[data-testid="stCameraInputWebcamComponent"] p', N_("Allow the browser to use the camera.")),
)


def _style_labels() -> str:
    rules = []
    for selector, msgid in _WIDGET_WORDS:
        word = _(msgid).replace("\\", "").replace('"', "").replace("<", "")
        rules.append(f"{selector} {{font-size: 0}} {selector} > * {{display: none}}")
        rules.append(f'{selector}::after {{content: "{word}"; font-size: 1rem}}')
    return f"<style>{' '.join(rules)}</style>"


def apply_style() -> None:
    """Put the styles on the page; call once a run."""
    st.html(_STYLE)
    st.html(_style_labels())
