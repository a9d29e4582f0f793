"""The camera of the person's device: what it sees, and one picture of it at a press or a key."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import streamlit as st

from core.inspections.line.accepting import MOST_BYTES
from pages.components.shared.language import _

# A page that has keys of its own sends this event to the window to take a picture.
TAKE_EVENT = "geomsa-take"
_LONGEST_ID = 64
_PREFIX = "data:image/jpeg;base64,"
_TAKEN = "camera_taken"

_HTML = """
<div class="camera" data-undrawn>
  <div class="view"><video playsinline muted></video><p class="message" role="status"></p></div>
  <div class="buttons">
    <button type="button" class="main"></button>
    <button type="button" class="other"></button>
  </div>
</div>
"""

_CSS = """
[data-undrawn] {visibility: hidden}
.camera {font-family: var(--st-font); color: var(--st-text-color)}
.view {position: relative; background: #10171c; border-radius: 0.375rem; overflow: hidden; display: flex;
  align-items: center; justify-content: center; min-height: 5rem}
.view.off video {display: none}
video {width: 100%; max-height: var(--camera-height, 26rem); object-fit: contain; display: block}
.message {color: #ffffff; margin: 0; padding: 0.75rem 1rem; text-align: center; word-break: keep-all}
.message:empty {display: none}
.view:not(.off) .message {position: absolute; bottom: 0; left: 0; right: 0; background: rgba(0, 0, 0, 0.7)}
.camera.beside {display: flex; gap: 0.5rem; align-items: stretch}
.camera.beside .view {flex: 1 1 60%}
.camera.beside .buttons {flex: 0 1 11rem; flex-direction: column; padding: 0}
.camera.beside button.main {flex: 1 1 auto; white-space: normal; word-break: keep-all}
@media (max-width: 640px) { .camera.beside {flex-direction: column} .camera.beside .buttons {flex: none} }
.buttons {display: flex; flex-wrap: wrap; gap: 0.5rem; padding-top: 0.5rem}
button {font: inherit; min-height: 3.5rem; padding: 0 1.25rem; border-radius: 0.375rem; cursor: pointer;
  border: 1px solid var(--st-border-color); background: var(--st-background-color); color: var(--st-text-color)}
button.main {flex: 1 1 12rem; font-weight: 650; background: #0b6c8a; border-color: #0b6c8a; color: #ffffff}
button:disabled {opacity: 0.6; cursor: progress}
button:focus-visible {outline: 3px solid var(--st-primary-color); outline-offset: 2px}
button[hidden] {display: none}
"""

_JS = """
const REMEMBERED = "geomsa.camera";
const WAIT_MS = 20000;
const store = {
  get: (name) => { try { return window.localStorage.getItem(name); } catch { return null; } },
  // Some browsers keep nothing; then it is asked for once more.
  set: (name, value) => { try { window.localStorage.setItem(name, value); } catch { return; } },
};
const newId = () => (window.crypto?.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`);

export default function (component) {
  const {data, parentElement, setTriggerValue} = component;
  const find = (selector) => parentElement.querySelector(selector);
  // Nothing without a name is shown before this has run.
  find("[data-undrawn]")?.removeAttribute("data-undrawn");
  const view = find(".view"), video = find("video"), message = find(".message");
  const main = find("button.main"), other = find("button.other");
  // One stream for the life of the element: a rerun of the page must not start the camera anew.
  const state = parentElement.geomsaCamera ??= {stream: null, devices: [], device: null, sent: null, sentAt: 0};
  state.end?.();
  const turnOf = state.turn = {};
  find(".camera").classList.toggle("beside", data.beside);
  view.style.setProperty("--camera-height", data.height);
  video.setAttribute("aria-label", data.words.view);

  const isWaiting = () => state.sent !== null && data.done !== state.sent && Date.now() - state.sentAt < WAIT_MS;
  const draw = () => {
    const isOn = state.stream !== null;
    view.classList.toggle("off", !isOn);
    main.textContent = !isOn ? data.words.start : isWaiting() ? data.words.wait : data.words.take;
    main.disabled = isOn && isWaiting();
    other.textContent = data.words.turn;
    other.hidden = !isOn || state.devices.length < 2;
    if (!isOn && !message.textContent) message.textContent = data.words.off;
  };
  const stop = () => {
    state.stream?.getTracks().forEach((track) => track.stop());
    state.stream = null;
  };
  const start = async () => {
    message.textContent = "";
    if (!navigator.mediaDevices?.getUserMedia) { message.textContent = data.words.insecure; draw(); return; }
    stop();
    const size = {width: {ideal: 1920}, height: {ideal: 1080}};
    const which = state.device ? {deviceId: {exact: state.device}} : {facingMode: {ideal: "environment"}};
    try {
      state.stream = await navigator.mediaDevices.getUserMedia({audio: false, video: {...size, ...which}});
      video.srcObject = state.stream;
      await video.play();
      state.devices = (await navigator.mediaDevices.enumerateDevices()).filter((one) => one.kind === "videoinput");
      state.device = state.stream.getVideoTracks()[0].getSettings().deviceId ?? null;
      store.set(REMEMBERED, "on");
    } catch (error) {
      stop();
      store.set(REMEMBERED, "off");
      const words = {NotAllowedError: data.words.denied, NotFoundError: data.words.none,
        OverconstrainedError: data.words.none};
      message.textContent = words[error.name] ?? data.words.busy;
    }
    draw();
  };
  const take = () => {
    if (!state.stream || isWaiting() || !video.videoWidth) return;
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    state.sent = newId();
    state.sentAt = Date.now();
    setTriggerValue("taken", {id: state.sent, picture: canvas.toDataURL("image/jpeg", 0.95)});
    draw();
  };
  const press = () => { if (state.stream) take(); else start(); };
  const change = () => {
    const at = state.devices.findIndex((one) => one.deviceId === state.device);
    state.device = state.devices[(at + 1) % state.devices.length]?.deviceId ?? null;
    start();
  };
  main.onclick = press;
  other.onclick = change;
  window.addEventListener(data.event, press);
  const late = window.setTimeout(draw, WAIT_MS + 500);
  // Called once more at each rerun, before which nothing is cleaned up.
  state.end = () => { window.clearTimeout(late); window.removeEventListener(data.event, press); };
  if (state.stream && video.srcObject !== state.stream) { video.srcObject = state.stream; video.play(); }
  // Who has let it once wants it again: the browser's own leave is asked for all the same.
  if (!state.stream && store.get(REMEMBERED) === "on") start(); else draw();
  return () => { if (state.turn === turnOf) { state.end(); stop(); } };
}
"""


@dataclass(frozen=True)
class Picture:
    """A picture that the camera took: its own id, its JPEG bytes, and a file name made of the moment."""

    id: str
    data: bytes = field(repr=False)
    file_name: str


def show_camera(*, key: str, height: str = "26rem", beside: bool = False) -> Picture | None:
    """Draw the camera at most `height` high (CSS), its buttons below or `beside` it.

    Returns the picture that was taken last, until `forget_picture`; None before.
    """

    def take() -> None:
        found = read_picture(getattr(st.session_state.get(key), "taken", None), now=datetime.now().astimezone())
        if found is not None:
            # One picture a session, and only until it is inspected.
            st.session_state[_TAKEN] = found

    # Registered at each run: a component belongs to the running server, and this module outlives one in the tests.
    camera = st.components.v2.component("geomsa_camera", html=_HTML, css=_CSS, js=_JS)
    kept: Picture | None = st.session_state.get(_TAKEN)
    camera(
        key=key,
        data={
            "height": height,
            "beside": beside,
            "event": TAKE_EVENT,
            # Until the picture is inspected, no other one is taken: a foot switch that bounces makes one inspection.
            "done": st.session_state.get(f"{_TAKEN}_id"),
            "words": {
                "view": _("What the camera sees"),
                "start": _("Use this device's camera"),
                "take": _("Take the picture"),
                "wait": _("Inspecting …"),
                "turn": _("Other camera"),
                "off": _("The camera is off."),
                "insecure": _(
                    "This browser gives no camera to a page without encryption. Open Geomsa by https, or on the server "
                    "itself."
                ),
                "denied": _("The browser does not let this page use the camera. Allow it beside the address."),
                "none": _("No camera was found on this device. Connect one, or choose files."),
                "busy": _("The camera does not answer: another program may be using it. Close that one and try again."),
            },
        },
        on_taken_change=take,
    )
    return kept


def kept_picture() -> Picture | None:
    """Return the picture that was taken and is not inspected yet."""
    found: Picture | None = st.session_state.get(_TAKEN)
    return found


def forget_picture() -> None:
    """Let the picture go, and the camera take the next."""
    kept = st.session_state.pop(_TAKEN, None)
    if kept is not None:
        st.session_state[f"{_TAKEN}_id"] = kept.id


def read_picture(told: Any, *, now: datetime) -> Picture | None:
    """Return the picture in what the browser sent; None where it is of another shape, or too large."""
    if not isinstance(told, Mapping):
        return None
    identity, url = told.get("id"), told.get("picture")
    if not isinstance(identity, str) or not isinstance(url, str) or not url.startswith(_PREFIX):
        return None
    if not 0 < len(identity) <= _LONGEST_ID or len(url) > MOST_BYTES * 4 // 3 + len(_PREFIX) + 4:
        return None
    try:
        data = base64.b64decode(url.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        return None
    return Picture(identity, data, f"camera_{now:%Y%m%d_%H%M%S}.jpg") if data else None
