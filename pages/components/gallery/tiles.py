"""The tiles of the gallery: drawn in the browser, so that a page of them is one element, chosen by mouse and by keys.

The arrows go from tile to tile, space chooses, shift and a click or an arrow chooses a range, Ctrl+A the page, Enter or
a double click opens, Page Up and Page Down turn the page. Choosing is shown at once and told a moment later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.components.gallery.wording import describe_tile, quality_words
from pages.components.images.labels import SPLIT_NAMES, describe_label, short_name
from pages.components.images.outlier_filter import describe_outlier_state
from pages.components.shared.labels import label_of
from pages.components.shared.language import _
from pages.server.pictures import image_path

if TYPE_CHECKING:
    from storage.tables import DefectType, Image

_HTML = '<div class="tiles" role="listbox" aria-multiselectable="true"></div>'

_CSS = """
.tiles {display: grid; grid-template-columns: repeat(auto-fill, minmax(8.75rem, 1fr)); gap: 0.6rem;
  font-family: var(--st-font); color: var(--st-text-color); padding: 3px}
.tile {position: relative; border: 1px solid var(--st-border-color); border-radius: 0.5rem; overflow: hidden;
  cursor: pointer; background: var(--st-background-color); user-select: none; -webkit-user-select: none}
.tile:hover {border-color: var(--st-primary-color)}
.tile:focus-visible {outline: 3px solid var(--st-primary-color); outline-offset: 1px}
.tile[aria-selected="true"] {border-color: var(--st-primary-color); box-shadow: 0 0 0 2px var(--st-primary-color)}
.picture {position: relative; aspect-ratio: 1; background: rgba(127, 145, 155, 0.14)}
.picture img {width: 100%; height: 100%; object-fit: contain; display: block; border: 0}
.tile[aria-selected="true"] .picture img {opacity: 0.82}
.none {position: absolute; inset: 0; display: grid; place-items: center; font-size: 0.8rem; opacity: 0.8}
.tick {position: absolute; top: 0.35rem; left: 0.35rem; width: 1.45rem; height: 1.45rem; border-radius: 0.3rem;
  border: 2px solid #ffffff; background: rgba(20, 30, 36, 0.45); box-shadow: 0 0 2px rgba(0, 0, 0, 0.6)}
.tile[aria-selected="true"] .tick {background: var(--st-primary-color)}
.tile[aria-selected="true"] .tick::after {content: ""; position: absolute; left: 0.4rem; top: 0.1rem; width: 0.4rem;
  height: 0.75rem; border: solid #ffffff; border-width: 0 3px 3px 0; transform: rotate(45deg)}
.open {position: absolute; top: 0.25rem; right: 0.25rem; width: 2rem; height: 2rem; border-radius: 0.35rem;
  background: rgba(20, 30, 36, 0.6); display: grid; place-items: center; opacity: 0}
.open svg {width: 1.2rem; height: 1.2rem; stroke: #ffffff; fill: none; stroke-width: 2; stroke-linecap: round}
.tile:hover .open, .tile:focus-visible .open, .open:hover {opacity: 1}
@media (hover: none) {.open {opacity: 1}}
.marks {position: absolute; left: 0.3rem; right: 0.3rem; bottom: 0.3rem; display: flex; flex-wrap: wrap; gap: 0.2rem}
.mark {font-size: 0.7rem; line-height: 1.25rem; padding: 0 0.35rem; border-radius: 0.25rem; color: #ffffff;
  background: rgba(20, 30, 36, 0.82); white-space: nowrap; max-width: 100%; overflow: hidden; text-overflow: ellipsis}
.mark.test {background: #7a3d8f} .mark.val {background: #00618f}
.mark.bad, .mark.flag {background: #9a5b00}
.text {padding: 0.3rem 0.45rem 0.4rem; line-height: 1.3}
.name {font-size: 0.86rem; font-weight: 600; display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical;
  overflow: hidden; word-break: keep-all; overflow-wrap: anywhere}
.about {font-size: 0.76rem; opacity: 0.85; white-space: nowrap; overflow: hidden; text-overflow: ellipsis;
  min-height: 1.3em}
@media (max-width: 640px) {.tiles {grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr)); gap: 0.4rem}}
"""

_JS = """
const LENS = '<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="10" cy="10" r="6"/>' +
  '<path d="M15 15l6 6M10 7v6M7 10h6"/></svg>';
const kept = new WeakMap();
export default function (component) {
  const {data, parentElement, setTriggerValue} = component;
  const box = parentElement.querySelector(".tiles");
  let state = kept.get(box);
  if (!state) {
    state = {chosen: new Set(), ids: "", timer: 0, anchor: -1, place: 0, pending: false};
    kept.set(box, state);
  }
  state.send = setTriggerValue;
  box.setAttribute("aria-label", data.words.label);
  const ids = data.tiles.map((one) => one.id).join();
  const same = ids === state.ids;
  // What was chosen a moment ago and is not told yet counts more than what the server knew.
  if (!same || !state.pending) state.chosen = new Set(data.chosen);
  const make = (kind, name, text) => {
    const made = document.createElement(kind);
    made.className = name;
    if (text) made.textContent = text;
    return made;
  };
  const draw = (one, place) => {
    const tile = make("div", "tile");
    tile.setAttribute("role", "option");
    tile.setAttribute("aria-label", one.label);
    tile.title = one.label;
    tile.dataset.place = place;
    tile.tabIndex = -1;
    const picture = make("div", "picture");
    const image = document.createElement("img");
    image.loading = "lazy";
    image.alt = "";
    image.draggable = false;
    image.onerror = () => { image.remove(); picture.prepend(make("div", "none", data.words.nothing)); };
    image.src = one.picture;
    picture.append(image, make("span", "tick"));
    const open = make("span", "open");
    open.innerHTML = LENS;
    open.title = data.words.open;
    picture.append(open);
    const marks = make("div", "marks");
    for (const [kind, text] of one.marks) marks.append(make("span", `mark ${kind}`, text));
    picture.append(marks);
    const text = make("div", "text");
    text.append(make("div", "name", one.name), make("div", "about", one.about));
    tile.append(picture, text);
    return tile;
  };
  const told = JSON.stringify(data.tiles);
  if (told !== state.told) {
    const held = same && box.contains(parentElement.getRootNode().activeElement);
    box.replaceChildren(...data.tiles.map(draw));
    state.told = told;
    state.ids = ids;
    if (!same) { state.place = 0; state.anchor = -1; }
    if (held) box.children[state.place]?.focus();
  }
  const tiles = [...box.children];
  const show = () => tiles.forEach((tile, place) => {
    tile.setAttribute("aria-selected", state.chosen.has(data.tiles[place].id));
    tile.tabIndex = place === Math.min(state.place, tiles.length - 1) ? 0 : -1;
  });
  show();
  const tell = () => {
    show();
    state.pending = true;
    clearTimeout(state.timer);
    state.timer = setTimeout(() => {
      state.pending = false;
      const page = data.tiles.map((one) => one.id);
      state.send("chosen", {page, on: page.filter((id) => state.chosen.has(id))});
    }, 250);
  };
  const toggle = (place) => {
    const id = data.tiles[place].id;
    if (!state.chosen.delete(id)) state.chosen.add(id);
    state.anchor = place;
    tell();
  };
  const range = (place) => {
    const from = state.anchor < 0 ? place : state.anchor;
    const on = state.anchor < 0 || state.chosen.has(data.tiles[from].id);
    for (let at = Math.min(from, place); at <= Math.max(from, place); at++) {
      if (on) state.chosen.add(data.tiles[at].id); else state.chosen.delete(data.tiles[at].id);
    }
    if (state.anchor < 0) state.anchor = place;
    tell();
  };
  const focus = (place) => {
    state.place = Math.max(0, Math.min(tiles.length - 1, place));
    show();
    tiles[state.place].focus();
  };
  const columns = () => {
    const top = tiles[0].offsetTop;
    const count = tiles.findIndex((tile) => tile.offsetTop !== top);
    return count < 0 ? tiles.length : count;
  };
  const placeOf = (event) => {
    const tile = event.composedPath().find((one) => one.classList && one.classList.contains("tile"));
    return tile ? Number(tile.dataset.place) : -1;
  };
  const flush = () => {
    if (!state.pending) return;
    clearTimeout(state.timer);
    state.pending = false;
    const page = data.tiles.map((one) => one.id);
    state.send("chosen", {page, on: page.filter((id) => state.chosen.has(id))});
  };
  const open = (place) => { flush(); state.send("opened", data.tiles[place].id); };
  box.onclick = (event) => {
    const place = placeOf(event);
    if (place < 0) return;
    state.place = place;
    tiles[place].focus();
    if (event.composedPath().some((one) => one.classList && one.classList.contains("open"))) { open(place); return; }
    if (event.shiftKey) range(place); else toggle(place);
  };
  box.ondblclick = (event) => {
    const place = placeOf(event);
    if (place >= 0 && !event.shiftKey) open(place);
  };
  box.onkeydown = (event) => {
    const place = placeOf(event);
    if (place < 0 || event.altKey) return;
    const step = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns()}[event.key];
    if (step !== undefined) {
      if (place + step < 0 || place + step >= tiles.length) { event.preventDefault(); return; }
      if (event.shiftKey && state.anchor < 0) state.anchor = place;
      focus(place + step);
      if (event.shiftKey) {
        state.chosen.add(data.tiles[state.anchor].id);
        range(place + step);
      }
    } else if (event.key === " ") {
      if (event.shiftKey) range(place); else toggle(place);
    } else if (event.key === "Enter") open(place);
    else if (event.key === "Home") focus(0);
    else if (event.key === "End") focus(tiles.length - 1);
    else if (event.key === "PageDown" || event.key === "PageUp") {
      flush();
      state.send("turned", event.key === "PageDown" ? 1 : -1);
    } else if (event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) {
      const all = data.tiles.every((one) => state.chosen.has(one.id));
      data.tiles.forEach((one) => { if (all) state.chosen.delete(one.id); else state.chosen.add(one.id); });
      tell();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
}
"""


def show_tiles(
    images: Sequence[Image],
    defect_types: Sequence[DefectType],
    regions: Mapping[int, int],
    chosen: Sequence[int],
    *,
    key: str,
    choose: Callable[[Sequence[int], Sequence[int]], None],
    opened: Callable[[int], None],
    turned: Callable[[int], None],
) -> None:
    """Draw a page of tiles; `chosen` are the ids that are, `regions` counts what is marked in each.

    `choose` gets (the ids of the page, those of them that are chosen now), `opened` the id of an image, `turned` 1 or
    -1 for the next or the previous page; all before the page runs again.
    """

    def take(name: str) -> Any:
        return st.session_state[key].get(name)

    def take_chosen() -> None:
        told = take("chosen")
        if isinstance(told, dict):
            choose(_numbers(told.get("page")), _numbers(told.get("on")))

    def take_opened() -> None:
        if isinstance(number := take("opened"), int | float):
            opened(int(number))

    def take_turned() -> None:
        if isinstance(step := take("turned"), int | float):
            turned(1 if step > 0 else -1)

    # Registered at each run: a component belongs to the running server, and this module outlives one in the tests.
    tiles = st.components.v2.component("geomsa_image_tiles", html=_HTML, css=_CSS, js=_JS)
    tiles(
        key=key,
        data={
            "tiles": [_tile(image, defect_types, regions.get(image.id, 0)) for image in images],
            "chosen": list(chosen),
            "words": {
                "label": _("Images: arrows move, space chooses, Enter opens"),
                "open": _("Open the image"),
                "nothing": _("(no preview)"),
            },
        },
        on_chosen_change=take_chosen,
        on_opened_change=take_opened,
        on_turned_change=take_turned,
    )


def _tile(image: Image, defect_types: Sequence[DefectType], n_regions: int) -> dict[str, Any]:
    marks = []
    if image.split != "train":
        marks.append([image.split, label_of(SPLIT_NAMES, image.split)])
    if image.mask_key is not None or n_regions:
        marks.append(["mask", _("Mask") if n_regions < 2 else _("{count} regions", count=n_regions)])
    marks += [["bad", words] for words in quality_words(image.quality)]
    if image.outlier_state:
        marks.append(["flag", describe_outlier_state(image)])
    return {
        "id": image.id,
        "picture": image_path(image.id, image.content_sha256),
        "name": f"{describe_label(image, defect_types)} {short_name(image, plain=True)}",
        "about": " · ".join(text for text in (image.part, image.view) if text),
        "marks": marks,
        "label": describe_tile(image, defect_types, n_regions),
    }


def _numbers(value: object) -> list[int]:
    return [int(one) for one in value if isinstance(one, int | float)] if isinstance(value, list) else []
