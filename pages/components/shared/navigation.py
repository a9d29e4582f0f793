"""The side navigation beyond what Streamlit offers: groups that fold by keyboard too and stay as they were left.

Streamlit draws the groups and their links. A script of ours gives their headings the role and the state of a button,
folds at first what the role rarely needs, and keeps in the browser what the person folded or unfolded. Ctrl+K leads to
the box that finds a screen by its name. Where the side bar is folded away on a narrow screen, a button at the top right
says role and language and leads to them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import streamlit as st

from core.access import ROLE_NAMES
from core.i18n import LANGUAGES
from pages.components.shared.language import _, language
from pages.components.shared.page_scripts import run_script
from pages.components.shared.screens import LINE_MODE, find_screen, groups_open_at_first, listed_screens

if TYPE_CHECKING:
    from pages.components.shared.screens import Screen

_JUMP, _JUMP_TO = "jump", "jump_to"

# The listeners are made once for the page; a run only changes what they go by: names, role and page.
_JS = """
window.geomsaNav = data;
window.geomsaFold ??= (() => {
  const HEADING = '[data-testid="stNavSectionHeader"]';
  const read = () => {
    try { return JSON.parse(localStorage.getItem(window.geomsaNav.store)) ?? {}; } catch { return {}; }
  };
  const keep = (group, open) => {
    try { localStorage.setItem(window.geomsaNav.store, JSON.stringify({...read(), [group]: open})); } catch { }
  };
  const groupOf = (heading) => window.geomsaNav.groups[heading.firstElementChild?.textContent.trim()];
  const isOpen = (heading) => heading.parentElement.childElementCount > 1;
  let page = null, arrived = null, isAsked = false;
  const note = (heading) => {
    const group = groupOf(heading);
    if (!group) return;
    if (group.id === arrived) arrived = null;
    keep(group.id, !isOpen(heading));
  };
  const openSidebar = () => document.querySelector('[data-testid="stExpandSidebarButton"]')?.click();
  const sayState = (heading) => {
    const open = String(isOpen(heading));
    if (heading.getAttribute("aria-expanded") === open) return;
    heading.setAttribute("role", "button");
    heading.tabIndex = 0;
    heading.setAttribute("aria-expanded", open);
  };
  const showWho = () => {
    let who = document.getElementById("geomsa-who");
    if (!who) {
      who = document.createElement("button");
      who.id = "geomsa-who";
      who.addEventListener("click", openSidebar);
      document.querySelector(".stApp")?.append(who);
    }
    if (who.textContent !== window.geomsaNav.who) who.textContent = window.geomsaNav.who;
    who.hidden = !window.geomsaNav.who;
  };
  // Streamlit turns a group over at each click: asked twice before it has drawn the first answer, it would stay.
  const ask = (heading) => {
    if (!isAsked) setTimeout(() => { isAsked = false; fold(); }, 50);
    isAsked = true;
    heading.click();
  };
  const fold = () => {
    showWho();
    document.querySelectorAll(HEADING).forEach(sayState);
    if (isAsked) return;
    const kept = read(), isNew = page !== window.geomsaNav.page;
    if (isNew) [page, arrived] = [window.geomsaNav.page, window.geomsaNav.here];
    document.querySelectorAll(HEADING).forEach((heading) => {
      const group = groupOf(heading), open = isOpen(heading);
      if (group && open !== (group.id === arrived || (kept[group.id] ?? group.open))) ask(heading);
    });
    if (isNew) setTimeout(() => document.querySelector(
      '[data-testid="stSidebarNavLink"][aria-current]')?.scrollIntoView({block: "nearest"}), 100);
  };
  document.addEventListener("click", (event) => {
    const heading = event.isTrusted && event.target.closest?.(HEADING);
    if (heading) note(heading);
  }, true);
  document.addEventListener("keydown", (event) => {
    const heading = event.target.closest?.(HEADING);
    if (heading && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      note(heading);
      heading.click();
    } else if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      const find = () => document.querySelector(".st-key-jump input");
      event.preventDefault();
      if (!find()?.offsetParent || document.querySelector('[data-testid="stSidebar"][data-collapsed="true"]'))
        openSidebar();
      setTimeout(() => find()?.focus(), 50);
    }
  }, true);
  new MutationObserver(fold).observe(document.body, {childList: true, subtree: true});
  return fold;
})();
window.geomsaFold();
"""


def fold_groups(role: str, address: str, *, also: Collection[str] = ()) -> None:
    """Fold the groups of the navigation as the person left them; the group of the page at `address` is unfolded."""
    here = find_screen(address)
    open_at_first = groups_open_at_first(role)
    state = {
        "groups": {
            _(screen.group): {"id": screen.group, "open": screen.group in open_at_first}
            for screen in listed_screens(role, also=also)
        },
        "store": f"geomsa-nav-{role}",
        "page": address,
        "here": here.group if here else None,
        # Line mode fills the screen by itself.
        "who": "" if here and here.path == LINE_MODE else f"{_(ROLE_NAMES[role])} · {LANGUAGES[language()]}",
    }
    run_script("navigation", _JS, state)


def show_jump(role: str, *, also: Collection[str] = ()) -> None:
    """Show the box that finds a screen by its name, and go to the one that was chosen."""
    if asked := st.session_state.pop(_JUMP_TO, None):
        st.switch_page(asked)
    screens = {screen.path: screen for screen in listed_screens(role, also=also)}
    st.selectbox(
        _("Go to a screen"),
        list(screens),
        index=None,
        key=_JUMP,
        format_func=lambda path: _name(screens[path]),
        placeholder=_("Go to a screen (Ctrl+K)"),
        label_visibility="collapsed",
        on_change=_keep_jump,
    )


def _name(screen: Screen) -> str:
    return f"{_(screen.title)} · {_(screen.group)}"


def _keep_jump() -> None:
    """Keep where to go for the run that follows, and empty the box."""
    st.session_state[_JUMP_TO] = st.session_state.get(_JUMP)
    st.session_state[_JUMP] = None
