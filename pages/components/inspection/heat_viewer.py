"""The picture of the part with the heat over it. It lives in the browser: moving the slider asks the server nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import streamlit as st

from pages.components.shared.language import _

if TYPE_CHECKING:
    from core.inspections.records import InspectionRecord

_HTML = """
<div class="viewer" data-undrawn>
  <div class="stage" tabindex="0">
    <div class="layers">
      <img class="part" alt="">
      <img class="heat" alt="">
      <svg class="outlines" preserveAspectRatio="none"></svg>
    </div>
  </div>
  <div class="controls">
    <label class="opacity"><span></span><input type="range" min="0" max="100" step="1"><output></output></label>
    <label class="toggle"><input type="checkbox"><span></span></label>
  </div>
</div>
"""

_CSS = """
[data-undrawn] {visibility: hidden}
div:has(> .viewer), div:has(> div > .viewer) {height: 100%}
.viewer {height: 100%; display: flex; flex-direction: column;
  font-family: var(--st-font); color: var(--st-text-color); font-size: 0.95rem}
.stage {overflow: hidden; border: 1px solid var(--st-border-color); border-radius: 0.375rem; background: #10171c;
  display: flex; justify-content: center; align-items: center; cursor: zoom-in;
  flex: 1 1 clamp(15rem, 100vh - 24rem, 46rem); min-height: 8rem;
}
.stage.zoomed {cursor: zoom-out}
.stage:focus-visible {outline: 2px solid var(--st-primary-color); outline-offset: 2px}
.layers {position: relative; line-height: 0; transition: transform 120ms ease-out; height: 100%; max-width: 100%}
.part {height: 100%; width: 100%; display: block}
.heat, .outlines {position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none}
.outlines rect {fill: none; stroke: #ffffff; stroke-width: 2.5; vector-effect: non-scaling-stroke}
.outlines rect.shadow {stroke: #000000; stroke-width: 5; opacity: 0.55}
.outlines.hidden {display: none}
.tag {position: absolute; transform: translateY(-100%); background: #ffffff; color: #15232c; font-size: 0.8rem;
  line-height: 1.25; font-weight: 700; padding: 0 0.35rem; border-radius: 0.2rem; pointer-events: none}
.tag.inside {transform: none}
.layers.bare .tag {display: none}
.controls {display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; align-items: center; padding-top: 0.4rem}
.opacity {display: flex; align-items: center; gap: 0.75rem; flex: 1 1 16rem; min-height: 2.75rem}
.opacity span {white-space: nowrap}
.opacity output {min-width: 3.2em; text-align: right; font-variant-numeric: tabular-nums}
input[type=range] {flex: 1; min-width: 6rem; height: 2.5rem; accent-color: var(--st-primary-color); cursor: pointer}
.toggle {display: flex; align-items: center; gap: 0.5rem; min-height: 2.75rem; cursor: pointer; white-space: nowrap}
.toggle input {width: 1.35rem; height: 1.35rem; accent-color: var(--st-primary-color)}
"""

_JS = """
const SVG = "http://www.w3.org/2000/svg";
const ZOOM = 2.5;
// What a person set stays for the next part.
const chosen = {opacity: 60, outlines: true};

export default function (component) {
  const {data, parentElement} = component;
  const find = (selector) => parentElement.querySelector(selector);
  // Nothing without a name is shown before this has run.
  find("[data-undrawn]")?.removeAttribute("data-undrawn");
  const layers = find(".layers"), stage = find(".stage"), heat = find(".heat"), outlines = find(".outlines");
  const slider = find("input[type=range]"), output = find("output"), box = find("input[type=checkbox]");

  if (find(".part").src !== data.part) find(".part").src = data.part;
  if (heat.src !== data.heat) heat.src = data.heat;
  find(".part").alt = data.words.part;
  heat.alt = data.words.heat;
  find(".opacity span").textContent = data.words.opacity;
  find(".toggle span").textContent = data.words.outlines;
  find(".toggle").style.display = data.regions.length ? "" : "none";
  slider.setAttribute("aria-label", data.words.opacity);
  stage.setAttribute("aria-label", data.words.zoom);
  stage.title = data.words.zoom;
  stage.style.flex = data.stage ? `0 0 ${data.stage}px` : "";
  layers.style.aspectRatio = `${data.width} / ${data.height}`;

  const fit = () => {
    const wide = stage.clientWidth / stage.clientHeight < data.width / data.height;
    layers.style.height = wide ? "auto" : "100%";
    layers.style.width = wide ? "100%" : "auto";
  };
  const watcher = new ResizeObserver(fit);
  watcher.observe(stage);
  fit();

  outlines.setAttribute("viewBox", `0 0 ${data.width} ${data.height}`);
  outlines.replaceChildren();
  layers.querySelectorAll(".tag").forEach((tag) => tag.remove());
  data.regions.forEach((region, index) => {
    for (const name of ["shadow", "line"]) {
      const rect = document.createElementNS(SVG, "rect");
      rect.setAttribute("class", name);
      for (const [key, value] of [["x", region[0]], ["y", region[1]], ["width", region[2]], ["height", region[3]]])
        rect.setAttribute(key, value);
      outlines.appendChild(rect);
    }
    const tag = document.createElement("span");
    tag.className = region[1] / data.height < 0.08 ? "tag inside" : "tag";
    tag.textContent = String(index + 1);
    tag.style.left = `${(100 * region[0]) / data.width}%`;
    tag.style.top = `${(100 * region[1]) / data.height}%`;
    layers.appendChild(tag);
  });

  const draw = () => {
    heat.style.opacity = chosen.opacity / 100;
    slider.value = chosen.opacity;
    output.textContent = `${chosen.opacity}%`;
    box.checked = chosen.outlines;
    outlines.classList.toggle("hidden", !chosen.outlines);
    layers.classList.toggle("bare", !chosen.outlines);
  };
  slider.oninput = () => { chosen.opacity = Number(slider.value); draw(); };
  box.onchange = () => { chosen.outlines = box.checked; draw(); };
  const zoom = (x, y) => {
    const zoomed = stage.classList.toggle("zoomed");
    layers.style.transformOrigin = `${x}% ${y}%`;
    layers.style.transform = zoomed ? `scale(${ZOOM})` : "";
  };
  stage.onclick = (event) => {
    const area = layers.getBoundingClientRect();
    zoom((100 * (event.clientX - area.left)) / area.width, (100 * (event.clientY - area.top)) / area.height);
  };
  stage.onkeydown = (event) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); zoom(50, 50); }
  };
  draw();
  return () => watcher.disconnect();
}
"""


class ShownPictures(Protocol):
    """The addresses of a picture and its heat, and its size in pixels."""

    @property
    def width_px(self) -> int:
        """Return the width."""

    @property
    def height_px(self) -> int:
        """Return the height."""

    def path(self, name: str) -> str:
        """Return the address of a picture, without the host."""


def show_heat_viewer(
    record: InspectionRecord, pictures: ShownPictures, *, key: str, height_px: int | None = None
) -> None:
    """Draw the part, the heat with its opacity slider, and the numbered outlines of the regions.

    It fills the room that there is, or is `height_px` high without its controls.
    """
    # Registered at each run: a component belongs to the running server, and this module outlives one in the tests.
    viewer = st.components.v2.component("geomsa_heat_viewer", html=_HTML, css=_CSS, js=_JS)
    viewer(
        key=key,
        data={
            "part": pictures.path("part"),
            "heat": pictures.path("heat"),
            "width": pictures.width_px,
            "height": pictures.height_px,
            "stage": height_px,
            "regions": [
                [float(region.x), float(region.y), float(region.w), float(region.h)] for region in record.regions
            ],
            "words": {
                "part": _("The inspected part"),
                "heat": _("Heat map: where the part differs from normal parts"),
                "opacity": _("Heat map"),
                "outlines": _("Outlines"),
                "zoom": _("Click to enlarge this place, click again to go back"),
            },
        },
    )
