"""The few styles that the theme options do not reach. Constant text only: no data ever goes in here."""

from __future__ import annotations

import streamlit as st

from core.i18n import N_
from pages.components.language import _

# Large targets for gloved hands, calm spacing, figures that do not dance.
_STYLE = """
<style>
.stMainBlockContainer {padding-left: 2rem; padding-right: 2rem; max-width: 1760px}
[data-testid="stMetricValue"], [data-testid="stDataFrame"], .stProgress {font-variant-numeric: tabular-nums}
.stButton button, .stFormSubmitButton button, .stDownloadButton button {min-height: 2.75rem}
.st-key-side_foot {border-top: 1px solid #2f4754; padding-top: 0.75rem; margin-top: 0.5rem}
[data-testid="stSidebarUserContent"] {padding-bottom: 1.5rem}
[class*="st-key-verdict_ok"], [class*="st-key-verdict_review"], [class*="st-key-verdict_reject"] {
  border-radius: 0.5rem; padding: 0.7rem 1.1rem; color: #ffffff}
[class*="st-key-verdict_ok"] {background: #1b7f4d}
[class*="st-key-verdict_review"] {background: #9a5b00}
[class*="st-key-verdict_reject"] {background: #b3261e}
[class*="st-key-verdict_"] p, [class*="st-key-verdict_"] h2, [class*="st-key-verdict_"] span {color: #ffffff}
[class*="st-key-verdict_"] h2 {font-size: 2rem; padding: 0; line-height: 1.15}
[class*="st-key-verdict_"] [data-testid="stCaptionContainer"] {opacity: 0.95}
.st-key-samples [data-testid="stImage"] img, [class*="st-key-gallery"] [data-testid="stImage"] img {
  aspect-ratio: 1; object-fit: contain; background: rgba(127, 145, 155, 0.12); border-radius: 0.375rem}
</style>
"""

# Streamlit's own words inside two widgets; there is no option for them, so the style puts ours in their place.
_WIDGET_WORDS: tuple[tuple[str, str], ...] = (
    ('[data-testid="stFileUploaderDropzone"] button', N_("Choose files")),
    ('[data-testid="stFileUploaderDropzoneInstructions"]', N_("or drop them here")),
    ('[data-testid="stCameraInputButton"]', N_("Take or retake the picture")),
)


def _style_words() -> str:
    rules = []
    for selector, msgid in _WIDGET_WORDS:
        word = _(msgid).replace("\\", "").replace('"', "").replace("<", "")
        rules.append(f"{selector} {{font-size: 0}} {selector} * {{font-size: 0}}")
        rules.append(f'{selector}::after {{content: "{word}"; font-size: 1rem}}')
    return f"<style>{' '.join(rules)}</style>"


def apply_style() -> None:
    """Put the styles on the page; call once a run."""
    st.html(_STYLE)
    st.html(_style_words())
