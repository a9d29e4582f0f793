"""The few styles that the theme options do not reach. Constant text only: no data ever goes in here."""

from __future__ import annotations

import streamlit as st

from core.i18n import N_
from pages.components.shared import page_scripts
from pages.components.shared.button_names import BUTTON_WORDS, name_buttons
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
/* The side bar: the logo above and who is here below stand still, the list of screens scrolls between them. */
[data-testid="stSidebarContent"] {display: flex; flex-direction: column; overflow: hidden; padding: 0 1rem;
  scrollbar-gutter: auto}
[data-testid="stSidebarHeader"] {flex: none; margin-bottom: 0.25rem}
[data-testid="stSidebarNav"] {flex: 1 1 0; min-height: 0; overflow-y: auto; margin: 0 -0.5rem; padding: 0 0.5rem}
[data-testid="stSidebarNavSeparator"] {display: none}
[data-testid="stSidebarUserContent"] {flex: none; padding: 0.6rem 0 0.75rem;
  border-top: 1px solid rgba(127, 145, 155, 0.35)}
#geomsa-who {display: none; position: fixed; top: 0.6rem; right: 0.75rem; z-index: 999991; min-height: 2.5rem;
  padding: 0 0.75rem; font: inherit; font-size: 0.8125rem; color: inherit; background: transparent; cursor: pointer;
  border: 1px solid rgba(127, 145, 155, 0.6); border-radius: 0.375rem}
@media (max-width: 768px) {#geomsa-who:not([hidden]) {display: block}}
.stApp:has([data-testid="stSidebar"][data-collapsed="false"]) #geomsa-who {display: none}
.st-key-side_foot > .stElementContainer:has(> .stHtml) {position: absolute}
.st-key-side_foot, .st-key-side_person {gap: 0.5rem}
.st-key-side_person [data-testid="stSelectbox"] {min-width: 0}
.st-key-side_person :is(button, input, [data-testid="stSelectbox"] *) {font-size: 0.8125rem}
.st-key-side_person {gap: 0.35rem}
.st-key-side_person [data-testid="stButtonGroup"] button {padding: 0 0.2rem; min-height: 2.5rem}
/* A choice that is as wide as its column wraps on a phone like any other, instead of hiding its last words. */
@media (max-width: 640px) {
  .stMain [data-testid="stButtonGroup"] > [role] {flex-wrap: wrap}
  .stMain [data-testid="stButtonGroup"] button {padding-left: 0.6rem; padding-right: 0.6rem}
}
[data-testid="stSidebarNavLink"] {padding-left: 0.9rem}
[data-testid="stNavSectionHeader"] > span {font-weight: 650}
[data-testid="stSidebarNavItems"] > div {margin-top: 0}
[data-testid="stNavSectionHeader"] {margin: 0.15rem 0; padding: 0 0.5rem; min-height: 2.1rem; border-radius: 0.375rem;
  justify-content: space-between}
[data-testid="stNavSectionHeader"]:hover {background: rgba(127, 145, 155, 0.16)}
[data-testid="stNavSectionHeader"]:focus-visible {outline: 2px solid currentColor; outline-offset: -2px}
[data-testid="stNavSectionHeader"] > div:last-child {visibility: visible}
/* Streamlit's own captions have a contrast of 4.2 : 1. */
:is(.stMainBlockContainer, [data-testid="stDialog"]) [data-testid="stCaptionContainer"] {
  color: inherit; opacity: 0.82}
/* A code is as large as the words around it: Streamlit draws it at 9 px in a caption. */
[data-testid="stCaptionContainer"] code {font-size: 0.8125rem}
/* What stands under another line in a list begins where that begins. */
[class*="st-key-product_row_"] .stColumn :is(button[kind="tertiary"], a) {text-align: left; padding-left: 0;
  padding-right: 0; justify-content: flex-start}
/* Text that a machine reads. */
.st-key-train_yaml_text textarea {font-family: monospace; font-size: 0.85rem; line-height: 1.45}
/* What is lost by a press is red. */
[class*="st-key-danger"] button[kind="primary"]:not(:disabled) {background: #b3261e; border-color: #b3261e;
  color: #ffffff}
[class*="st-key-danger"] button[kind="primary"]:not(:disabled):hover {background: #8c1d18; border-color: #8c1d18}
[class*="st-key-danger_key"] button:not(:disabled) {border-color: #c5362d}
[class*="st-key-danger_key"] button:not(:disabled) [data-testid="stIconMaterial"] {color: #d93a30}
/* At the bottom left, what is said for a moment covers neither a score nor tabs. */
[data-testid="stToastContainer"] {top: auto; right: auto; bottom: 1rem; left: 1rem}
[class*="st-key-verdict_ok"], [class*="st-key-verdict_review"], [class*="st-key-verdict_reject"] {
  border-radius: 0.5rem; padding: 0.5rem 1.1rem; color: #ffffff; row-gap: 0}
[class*="st-key-verdict_ok"] {background: #1b7f4d}
[class*="st-key-verdict_review"] {background: #9a5b00}
[class*="st-key-verdict_reject"] {background: #b3261e}
[class*="st-key-verdict_"] p {line-height: 1.3; margin: 0}
[class*="st-key-verdict_"] p, [class*="st-key-verdict_"] h2, [class*="st-key-verdict_"] span {color: #ffffff}
[class*="st-key-verdict_"] h2 {font-size: 2.1rem; padding: 0; line-height: 1.15}
[class*="st-key-verdict_"] [data-testid="stMarkdownContainer"] {margin-bottom: 0}
[class*="st-key-verdict_"] [data-testid="stCaptionContainer"] {opacity: 0.95}
[class*="st-key-defect_type_row_"] {border-bottom: 1px solid rgba(128, 128, 128, 0.25); padding-bottom: 0.4rem}
[class*="st-key-danger_"] button[kind^="primary"] {background: #b3261e; border-color: #b3261e; color: #ffffff}
[class*="st-key-danger_"] button[kind^="primary"]:hover {background: #8c1d18; border-color: #8c1d18}
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
[class*="st-key-inspect_upload"] [data-testid="stFileUploaderDropzone"]:has([data-testid="stFileChip"]) {min-height: 0}
.st-key-picked_image img {max-height: 55vh; object-fit: contain; object-position: left top}
/* The result fills the screen and never leaves it: picture, verdict and decisions stand, what is long scrolls. */
.stMainBlockContainer:has(.st-key-result_body) {height: 100vh; height: 100dvh; min-height: 33rem;
  padding-bottom: 0.75rem}
.stMainBlockContainer:has(.st-key-result_body) > .stVerticalBlock {height: 100%; flex-wrap: nowrap}
.stMainBlockContainer .stVerticalBlock :is([data-testid="stLayoutWrapper"], .stVerticalBlock):has(.st-key-result_body) {
  flex: 1 1 0; min-height: 0}
.st-key-result_body {position: relative; padding-bottom: 7rem; height: 100%; min-height: 0}
.st-key-result_picture, .st-key-decision_panel,
.st-key-result_body :is([data-testid="stLayoutWrapper"], .stVerticalBlock, .stHorizontalBlock, .stColumn):has(
  :is(.st-key-result_picture, .st-key-decision_panel)) {height: 100%; min-height: 0; position: static}
.st-key-result_picture, .st-key-decision_panel {flex-wrap: nowrap; gap: 0.6rem}
.st-key-result_picture > [class*="st-key-viewer_"] {flex: 1 1 0; min-height: 8rem}
.st-key-result_picture :is(.stBidiComponent, [data-testid="stBidiComponentIsolated"]) {height: 100%}
.st-key-result_picture > :has(> .st-key-result_places) {flex: none; max-height: 26%; overflow-y: auto}
.st-key-decision_panel > * {flex: none}
.st-key-result_picture > :has(> .st-key-view_evidence) {flex: 1 1 0; min-height: 0; overflow-y: auto}
.st-key-result_picture .st-key-view_evidence :is(.stBidiComponent, [data-testid="stBidiComponentIsolated"]) {
  height: auto}
.st-key-view_evidence [data-testid="stMarkdownContainer"] p {margin: 0}
/* The bar of decisions lies under the picture too; what has to be said in it lets it grow upwards. */
.st-key-decision_panel > :has(> .st-key-decision_bar_place) {position: absolute; left: 0; right: 0; bottom: 0;
  z-index: 5; min-height: 6.4rem; justify-content: flex-end; background: #f5f7f8;
  background: light-dark(#f5f7f8, #0f181e)}
.st-key-decision_panel > .stTabs {flex: 1 1 0; min-height: 6rem}
.st-key-decision_panel > .stTabs > div {height: 100%; display: flex; flex-direction: column}
.st-key-decision_panel [data-testid="stTabPanel"] {flex: 1 1 0; min-height: 0; overflow-y: auto;
  padding: 0.6rem 0.5rem 0.5rem 2px}
.st-key-decision_panel [data-testid="stTabPanel"] > .stVerticalBlock {gap: 0.6rem}
[class*="st-key-changes_"] {max-height: 4.2rem; overflow-y: auto}
[class*="st-key-changes_"] :is(p, li) {font-size: 0.875rem; margin: 0; padding: 0}
[class*="st-key-changes_"] ul {margin: 0; padding-left: 1.1rem}
[class*="st-key-changes_"] [data-testid="stMarkdownContainer"] {margin: 0}
[class*="st-key-decision_bar_"] .stVerticalBlock {gap: 0.4rem}
[class*="st-key-decision_keys_"] {flex-wrap: nowrap; gap: 0.5rem}
[class*="st-key-decision_keys_"] button {padding: 0.2rem 0.4rem; min-height: 4rem}
/* Boxes that a gloved finger hits. */
[class*="st-key-tick_"] label {min-height: 2.75rem; align-items: center}
[class*="st-key-guidance_steps_"] {gap: 0.2rem}
[class*="st-key-types_"] {gap: 0.5rem}
[class*="st-key-types_"] button {padding: 0.2rem 0.6rem}
[class*="st-key-guidance_head_"] .stHorizontalBlock {flex-wrap: nowrap; gap: 0.5rem}
.st-key-report_of_score a {padding: 0; min-height: 1.6rem; font-size: 0.875rem}
@media (max-width: 640px) {
  /* A phone is at the line: how the thresholds were found is looked up elsewhere. */
  .st-key-report_of_score {display: none}
  .stMainBlockContainer:has(.st-key-result_body) {padding: 4rem 0.75rem 0.5rem}
  [class*="st-key-changes_"] {max-height: 2.7rem}
  .stMainBlockContainer:has(.st-key-result_body) .stHorizontalBlock:has(.st-key-inspect_product) {flex-wrap: nowrap}
  .stMainBlockContainer:has(.st-key-result_body) .stHorizontalBlock:has(.st-key-inspect_product) > .stColumn {
    min-width: 0}
  .stMainBlockContainer:has(.st-key-result_body) .stHorizontalBlock:has(.st-key-inspect_product)
    > .stColumn:nth-child(odd) {display: none}
  .st-key-result_body .stHorizontalBlock:has(.st-key-decision_panel) {flex-direction: column; flex-wrap: nowrap;
    gap: 0.5rem}
  .st-key-result_body .stHorizontalBlock > .stColumn:has(.st-key-result_picture) {flex: 0 0 30%; height: auto;
    width: 100%}
  .st-key-result_body .stHorizontalBlock > .stColumn:has(.st-key-decision_panel) {flex: 1 1 0; height: auto;
    width: 100%}
  .st-key-result_body {padding-bottom: 0}
  .st-key-result_picture > :has(> .st-key-result_places) {max-height: 2.6rem}
  .st-key-view_evidence .stHorizontalBlock:has(> .stColumn) {flex-wrap: nowrap; gap: 0.5rem}
  .st-key-view_evidence .stHorizontalBlock > .stColumn {min-width: 0}
  .st-key-result_places > .stElementContainer:not(:has(.stAlert)) {display: none}
  .st-key-decision_panel > :has(> .st-key-decision_bar_place) {position: static; min-height: 0}
  [class*="st-key-decision_bar_"] .stHorizontalBlock:has(> .stColumn) {gap: 0.3rem}
  [class*="st-key-decision_keys_"] button {min-height: 3rem}
  .stMainBlockContainer:has(.st-key-result_body) button kbd {display: none}
  .stMainBlockContainer:has(.st-key-result_body) .st-key-inspect_product label {display: none}
  [class*="st-key-verdict_"] > .stElementContainer:nth-child(2) {display: none}
  [class*="st-key-verdict_"] h2 {font-size: 1.6rem}
  .st-key-decision_panel, .st-key-result_picture {gap: 0.3rem}
  .st-key-decision_panel [data-testid="stTabPanel"] .stHorizontalBlock:has(> .stColumn) {flex-wrap: nowrap}
  .st-key-decision_panel [data-testid="stTabPanel"] .stColumn {min-width: 0}
}
.geomsa-scale {position: relative; height: 4.6rem; margin: 0 1.5rem; font-variant-numeric: tabular-nums}
.geomsa-scale.narrow {height: 2.9rem; margin: 0 0.5rem}
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
/* Its own export knows nothing of formulas; ours stands below the table. */
[class*="st-key-batch_rows"] [data-testid="stElementToolbar"] {display: none}
.st-key-samples [data-testid="stImage"] img, [class*="st-key-gallery"] [data-testid="stImage"] img {
  aspect-ratio: 1; object-fit: contain; background: rgba(127, 145, 155, 0.12); border-radius: 0.375rem}
/* Captions, and the chosen of several under the pointer, at 4.5 : 1 in both themes. */
[data-testid="stCaptionContainer"] {color: inherit; opacity: 0.8}
button[data-variant="segmented_control"][data-selected]:is([data-hovered], [data-focus-visible]):not([data-disabled]) {
  background-color: rgba(11, 108, 138, 0.12)}
/* The name of a file is told whole. */
.st-key-samples .stButton :is(p, div) {white-space: normal; overflow: visible; text-overflow: clip}
.st-key-samples .stButton button {padding: 0.25rem 0.5rem; line-height: 1.25; overflow-wrap: anywhere}
/* What Streamlit writes into a field, in English: how to apply it, and how long it may be. */
[data-testid="InputInstructions"] {display: none}
/* Components that only listen take no place. */
.st-key-quiet {position: absolute; width: 0; height: 0; overflow: hidden}
@media (max-width: 640px) {
  .stMainBlockContainer {padding-left: 1rem; padding-right: 1rem}
  /* Nothing is dragged to a phone: one large button. */
  [class*="st-key-inspect_upload"] [data-testid="stFileUploaderDropzoneInstructions"] {display: none}
  [class*="st-key-inspect_upload"] [data-testid="stFileUploaderDropzone"] {min-height: 0; padding: 0; border: none}
  [class*="st-key-inspect_upload"] [data-testid="stFileUploaderDropzone"] :is(span, button) {width: 100%}
  .st-key-samples [data-testid="stHorizontalBlock"] {flex-direction: row; flex-wrap: wrap; gap: 0.5rem}
  .st-key-samples [data-testid="stColumn"] {flex: 1 1 30%; min-width: 30%; width: 30%}
  :is(.st-key-history_filter, .st-key-review_bar, .st-key-first_figures) [data-testid="stHorizontalBlock"] {
    flex-direction: row;
    flex-wrap: wrap; gap: 0.5rem}
  :is(.st-key-history_filter, .st-key-review_bar, .st-key-first_figures) [data-testid="stColumn"] {flex: 1 1 45%;
    min-width: 45%; width: 45%}
  /* A row of a list is a name, and below it its facts in two columns. */
  :is([class*="st-key-product_row_"], [class*="st-key-defect_type_row_"]) > [data-testid="stLayoutWrapper"]
    > .stHorizontalBlock {
    flex-direction: row; flex-wrap: wrap; gap: 0.4rem 1rem}
  :is([class*="st-key-product_row_"], [class*="st-key-defect_type_row_"]) > [data-testid="stLayoutWrapper"]
    > .stHorizontalBlock
    > .stColumn:not(:first-child) {flex: 1 1 40%; min-width: 40%; width: 40%}
}
/* Twice a square: the place cut out, and the whole beside it. */
:is([class*="st-key-card_defects"], .st-key-gallery_this_part) [data-testid="stImage"] img {aspect-ratio: 57 / 28}
</style>
"""

# Streamlit's own labels inside two widgets; there is no option for them, so the style puts ours in their place.
_WIDGET_WORDS: tuple[tuple[str, str], ...] = (
    *BUTTON_WORDS,
    ('[data-testid="stFileUploaderDropzoneInstructions"]', N_("or drop them here")),
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
    st.html(f"<style>{page_scripts.STYLE}</style>")
    st.html(_style_labels())
    name_buttons()
