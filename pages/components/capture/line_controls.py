"""The keys of line mode: next, open, foot switch, scanner; a sound on NG, and the whole screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import streamlit as st

from pages.components.capture.camera import TAKE_EVENT
from pages.components.capture.key_listening import LISTEN_JS
from pages.components.capture.scanner import take_scan
from pages.components.shared.language import _

if TYPE_CHECKING:
    from core.inspections.records import InspectionRecord
    from storage.tables import Product

# What the next key does: take a picture, go on to the next part, inspect the image that waits, or choose a file.
NextKey = Literal["take", "next", "inspect", "choose"]

_KEY = "line_controls"
_HTML = """
<div class="bar" data-undrawn>
  <button type="button" class="sound"></button>
  <button type="button" class="full"></button>
  <button type="button" class="foot"></button>
</div>
<p class="spoken" role="status" aria-live="assertive"></p>
"""
_CSS = """
[data-undrawn] {visibility: hidden}
.bar {display: flex; flex-wrap: wrap; gap: 0.4rem; font-family: var(--st-font); font-size: 0.92rem}
button {font: inherit; min-height: 2.75rem; padding: 0 0.7rem; border-radius: 0.375rem; cursor: pointer;
  border: 1px solid var(--st-border-color); background: var(--st-background-color); color: var(--st-text-color);
  white-space: nowrap}
button[aria-pressed=true] {background: #0b6c8a; border-color: #0b6c8a; color: #ffffff}
button:focus-visible {outline: 3px solid var(--st-primary-color); outline-offset: 2px}
button[hidden] {display: none}
@media (max-width: 640px) { .full, .foot {display: none} .sound {flex: 1} }
.spoken {position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); margin: 0}
"""
_JS = f"""
{LISTEN_JS}
const TAKE = "{TAKE_EVENT}";
"""
_JS += r"""
// A foot switch that bounces, or a key held down, is one press.
const PRESS_MS = 350;
const SOUND = "geomsa.line.sound", FOOT = "geomsa.line.foot";
const store = {
  get: (name) => { try { return window.localStorage.getItem(name); } catch { return null; } },
  // Some browsers keep nothing; then it is chosen once more.
  set: (name, value) => { try { window.localStorage.setItem(name, value); } catch { return; } },
};
const shown = (code) => code.replace(/^(Key|Digit)/, "");

export default function (component) {
  const {data, parentElement, setTriggerValue} = component;
  // Called once more at each rerun, before which nothing is cleaned up.
  parentElement.geomsaEnd?.();
  const find = (selector) => parentElement.querySelector(selector);
  // Nothing without a name is shown before this has run.
  find("[data-undrawn]")?.removeAttribute("data-undrawn");
  const sound = find(".sound"), full = find(".full"), foot = find(".foot"), spoken = find(".spoken");
  const state = parentElement.geomsaLine ??= {audio: null, heard: data.inspection, pressed: 0, learns: false};

  const isLoud = () => store.get(SOUND) !== "off";
  const draw = () => {
    sound.textContent = isLoud() ? data.words.loud : data.words.mute;
    sound.setAttribute("aria-pressed", String(isLoud()));
    full.textContent = document.fullscreenElement ? data.words.window : data.words.full;
    full.hidden = !document.fullscreenEnabled;
    const code = store.get(FOOT);
    foot.textContent = state.learns ? data.words.learn : code ? `${data.words.foot}: ${shown(code)}` : data.words.foot;
    foot.setAttribute("aria-pressed", String(state.learns));
    spoken.textContent = data.spoken;
  };
  // A browser lets a page be heard only once somebody has pressed something in it.
  const wake = () => {
    state.audio ??= window.AudioContext ? new AudioContext() : null;
    if (state.audio?.state === "suspended") state.audio.resume();
  };
  const alarm = () => {
    if (!state.audio) return;
    [[0, 880], [0.22, 660], [0.44, 880]].forEach(([after, pitch]) => {
      const at = state.audio.currentTime + after;
      const tone = state.audio.createOscillator(), level = state.audio.createGain();
      tone.type = "square";
      tone.frequency.value = pitch;
      level.gain.setValueAtTime(0.0001, at);
      level.gain.exponentialRampToValueAtTime(0.25, at + 0.02);
      level.gain.exponentialRampToValueAtTime(0.0001, at + 0.2);
      tone.connect(level).connect(state.audio.destination);
      tone.start(at);
      tone.stop(at + 0.21);
    });
    state.alarms = (state.alarms ?? 0) + 1;
    parentElement.host.dataset.alarms = String(state.alarms);
  };
  if (data.inspection !== null && data.inspection !== state.heard) {
    state.heard = data.inspection;
    if (data.alarm && isLoud()) alarm();
  }

  sound.onclick = () => { store.set(SOUND, isLoud() ? "off" : "on"); wake(); if (isLoud()) alarm(); draw(); };
  full.onclick = () => {
    if (document.fullscreenElement) document.exitFullscreen(); else document.documentElement.requestFullscreen();
  };
  foot.onclick = () => { state.learns = !state.learns; draw(); };
  // A clicked button would press itself again at the next space bar.
  [sound, full, foot].forEach((button) => { button.onpointerup = () => setTimeout(() => button.blur()); });

  const next = () => {
    if (Date.now() - state.pressed < PRESS_MS) return;
    state.pressed = Date.now();
    if (data.next === "take") window.dispatchEvent(new CustomEvent(TAKE));
    else if (data.next === "choose") {
      const chooser = document.querySelector('[class*="st-key-inspect_upload"] input[type=file]');
      if (chooser) chooser.click(); else document.querySelector(".st-key-samples .stButton button")?.focus();
    }
    else setTriggerValue("next", state.pressed);
  };
  const onKey = (event) => {
    wake();
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (document.querySelector('[role="dialog"], [data-testid="stPopoverBody"]')) return false;
    if (state.learns) {
      state.learns = false;
      store.set(FOOT, event.key === "Escape" ? "" : event.code);
      draw();
      return true;
    }
    const isNext = event.key === " " || event.key === "Enter" || event.code === "KeyN"
      || (event.code && event.code === store.get(FOOT));
    if (isNext) { if (!event.repeat) next(); return true; }
    if (event.code === "KeyO" && data.inspection !== null) { setTriggerValue("open", Date.now()); return true; }
    return false;
  };
  const stopKeys = listen({onScan: (text) => { wake(); setTriggerValue("scanned", text); }, onKey});
  window.addEventListener("pointerdown", wake, true);
  document.addEventListener("fullscreenchange", draw);
  const end = () => {
    stopKeys();
    window.removeEventListener("pointerdown", wake, true);
    document.removeEventListener("fullscreenchange", draw);
  };
  parentElement.geomsaEnd = end;
  draw();
  return end;
}
"""


def show_line_controls(
    product: Product,
    record: InspectionRecord | None,
    *,
    next_key: NextKey,
    spoken: str,
    on_next: Callable[[], None],
    on_open: Callable[[], None],
    on_scan: Callable[[], None],
) -> None:
    """Draw the switches for sound, whole screen and foot switch, and listen to the keys of the whole page.

    Space, Enter, N and the foot switch's key do what `next_key` says (`on_next` for "next" and "inspect"), O calls
    `on_open`, a scan `on_scan` and then fills in lot and serial number. A `record` whose verdict is NG is heard once.
    `spoken` is what a screen reader says.
    """

    def take() -> None:
        text = getattr(st.session_state.get(_KEY), "scanned", None)
        if isinstance(text, str):
            on_scan()
            take_scan(product, text)

    # Registered at each run: a component belongs to the running server, and this module outlives one in the tests.
    controls = st.components.v2.component("geomsa_line_controls", html=_HTML, css=_CSS, js=_JS)
    controls(
        key=_KEY,
        data={
            "inspection": record.id if record is not None else None,
            "alarm": record is not None and record.decision.verdict == "reject",
            "next": next_key,
            "spoken": spoken,
            "words": {
                "loud": _("Sound on NG: on"),
                "mute": _("Sound on NG: off"),
                "full": _("Whole screen"),
                "window": _("Leave whole screen"),
                "foot": _("Foot switch"),
                "learn": _("Press the foot switch or a key now"),
            },
        },
        on_next_change=on_next,
        on_open_change=on_open,
        on_scanned_change=take,
    )
