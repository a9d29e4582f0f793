"""Names for the buttons of two widgets whose own text is English: the style shows ours, and this lets it be heard."""

from __future__ import annotations

from core.i18n import N_
from pages.components.shared.language import _
from pages.components.shared.page_scripts import run_script

# By the selector of the button; the words are those that the style puts in the place of the widget's own.
BUTTON_WORDS: tuple[tuple[str, str], ...] = (
    ('[data-testid="stFileUploaderDropzone"] [data-testid="stBaseButton-secondary"]', N_("Choose files")),
    ('[data-testid="stCameraInputButton"]', N_("Take or retake the picture")),
)

# The observer is made once for the page; a change of language only changes the words.
_JS = """
window.geomsaNames = data.names;
window.geomsaName ??= (() => {
  const name = () => window.geomsaNames.forEach(([selector, word]) => document.querySelectorAll(selector)
    .forEach((button) => { if (button.getAttribute("aria-label") !== word) button.setAttribute("aria-label", word); }));
  new MutationObserver(name).observe(document.body, {childList: true, subtree: true});
  return name;
})();
window.geomsaName();
"""


def name_buttons() -> None:
    """Give the buttons their names in the run's language; call once a run."""
    run_script("button_names", _JS, {"names": [[selector, _(msgid)] for selector, msgid in BUTTON_WORDS]})
