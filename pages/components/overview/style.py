"""The few styles of the dashboard: figures as links, panels that stay where they are. Constant text only."""

from __future__ import annotations

import streamlit as st

_STYLE = """
<style>
.stMainBlockContainer:has(.st-key-dashboard_figures) {padding-top: 2.6rem}
.stMainBlockContainer:has(.st-key-dashboard_figures) > .stVerticalBlock {gap: 0.6rem}
.stMainBlockContainer:has(.st-key-dashboard_figures) h1 {
  font-size: 1.7rem; padding: 0.2rem 0 0.5rem; white-space: nowrap}
/* New figures take the place of the old ones without a grey moment between. */
.st-key-dashboard_figures [data-stale="true"], .st-key-dashboard_figures[data-stale="true"] {
  opacity: 1 !important; transition: none !important}
.st-key-dashboard_figures, .st-key-dashboard_figures > .stVerticalBlock {gap: 0.6rem}
[class*="st-key-tile_"] {padding: 0.4rem 0.7rem}
:is([class*="st-key-tile_"], [class*="st-key-panel_"], [class*="st-key-finding_"])
  [data-testid="stMarkdownContainer"] {margin-bottom: 0}
[class*="st-key-tile_"] [data-testid="stMarkdownContainer"] p {font-size: 0.875rem; margin: 0}
[class*="st-key-tile_"] [data-testid="stPageLink"] a {padding: 0; min-height: 1.9rem}
[class*="st-key-tile_"] [data-testid="stPageLink"] p {font-size: 1.55rem; line-height: 1.3;
  font-variant-numeric: tabular-nums}
[class*="st-key-tile_"] [data-testid="stCaptionContainer"] {margin-bottom: 0}
[class*="st-key-tile_"] [data-testid="stCaptionContainer"] p {font-size: 0.78rem; line-height: 1.25; margin: 0}
[class*="st-key-panel_head_"] h5 {padding: 0; font-size: 1rem}
[class*="st-key-panel_head_"] button {min-height: 1.9rem; padding: 0 0.6rem}
[class*="st-key-panel_body_"] {gap: 0.35rem; padding: 0.6rem 0.8rem}
[class*="st-key-panel_"] [data-testid="stPageLink"] a {padding: 0.1rem 0.25rem}
[class*="st-key-finding_"] {flex-wrap: nowrap; border-bottom: 1px solid rgba(127, 145, 155, 0.25);
  padding-bottom: 0.25rem}
[class*="st-key-finding_"] p {margin: 0; font-size: 0.92rem}
[class*="st-key-finding_"] button {min-height: 2.1rem; padding: 0.1rem 0.7rem; white-space: nowrap}
[class*="st-key-panel_body_"] [data-testid="stPageLink"] :is(a, p, span) {white-space: normal; text-align: left}
.st-key-open_ages {gap: 0.2rem 0.6rem}
[class*="st-key-open_action_"] [data-testid="stCaptionContainer"] {padding-left: 1.9rem}
.st-key-dashboard_foot [data-testid="stCaptionContainer"] p {margin: 0}
@media (max-width: 640px) {
  .st-key-dashboard_totals > * {grid-template-columns: 1fr 1fr}
  .stMainBlockContainer:has(.st-key-dashboard_figures) {padding: 3.6rem 1rem 1rem}
  :has(> [class*="st-key-panel_body_"]), [class*="st-key-panel_body_"] {height: auto !important}
  .stMainBlockContainer:has(.st-key-dashboard_figures) [role="radiogroup"] {flex-wrap: wrap}
}
</style>
"""


def apply_dashboard_style() -> None:
    """Put the styles on the page."""
    st.html(_STYLE)
