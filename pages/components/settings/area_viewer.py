"""An image before and after the preprocessing, its areas outlined; dragging on the left picture draws a new one."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st
from PIL import Image as PillowImage

from pages.components.shared.language import _

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.preprocessing.stored_options import Preview

Area = tuple[float, float, float, float]

_HTML = """
<div class="pair" data-undrawn>
  <figure><figcaption class="before"></figcaption><div class="frame draw"><img class="before" alt="" draggable="false">
    <svg preserveAspectRatio="none" viewBox="0 0 1 1"></svg></div></figure>
  <figure><figcaption class="after"></figcaption><div class="frame">
    <img class="after" alt="" draggable="false"></div></figure>
</div>
"""

_CSS = """
[data-undrawn] {visibility: hidden}
.pair {display: flex; gap: 0.75rem; font-family: var(--st-font); color: var(--st-text-color)}
figure {flex: 1 1 0; margin: 0; min-width: 0}
figcaption {font-size: 0.9rem; padding-bottom: 0.35rem}
.frame {position: relative; line-height: 0; border: 1px solid var(--st-border-color); border-radius: 0.375rem;
  overflow: hidden; background: #10171c; margin: 0 auto}
.frame.draw {cursor: crosshair; touch-action: none; user-select: none}
.frame img {width: 100%; height: 100%; display: block}
svg {position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none}
rect {vector-effect: non-scaling-stroke; fill: none}
.shadow {stroke: #000000; stroke-opacity: 0.55; stroke-width: 5}
.region {stroke: #35b6ff; stroke-width: 2.5}
.ignored {stroke: #ff9d2e; stroke-width: 2.5; fill: #ff9d2e; fill-opacity: 0.28}
.outside {fill: #0a0f12; fill-opacity: 0.55; stroke: none}
.new {stroke: #ffffff; stroke-width: 2.5; stroke-dasharray: 6 4}
"""

_JS = """
const SVG = "http://www.w3.org/2000/svg";
const SMALLEST = 0.01;

export default function (component) {
  const {data, parentElement, setTriggerValue} = component;
  const find = (selector) => parentElement.querySelector(selector);
  // Nothing without a name is shown before this has run.
  find("[data-undrawn]")?.removeAttribute("data-undrawn");
  const frame = find(".frame.draw"), svg = find("svg"), pair = find(".pair");
  for (const name of ["before", "after"]) {
    const image = find(`img.${name}`);
    if (image.src !== data[name]) image.src = data[name];
    image.alt = data.labels[name];
    find(`figcaption.${name}`).textContent = data.labels[name];
  }
  frame.title = data.labels.draw;
  const fit = () => {
    const room = find("figure").clientWidth;
    const width = Math.min(room, (data.height_limit * data.width) / data.height);
    parentElement.querySelectorAll(".frame").forEach((one) => {
      one.style.width = `${width}px`;
      one.style.height = `${(width * data.height) / data.width}px`;
    });
  };
  const watcher = new ResizeObserver(fit);
  watcher.observe(pair);
  fit();

  const add = (kind, [x, y, width, height]) => {
    const rect = document.createElementNS(SVG, "rect");
    rect.setAttribute("class", kind);
    for (const [key, value] of Object.entries({x, y, width, height})) rect.setAttribute(key, value);
    svg.appendChild(rect);
    return rect;
  };
  svg.replaceChildren();
  if (data.region) {
    const [x, y, w, h] = data.region;
    add("outside", [0, 0, 1, y]);
    add("outside", [0, y + h, 1, Math.max(0, 1 - y - h)]);
    add("outside", [0, y, x, h]);
    add("outside", [x + w, y, Math.max(0, 1 - x - w), h]);
    add("shadow", data.region);
    add("region", data.region);
  }
  for (const area of data.ignored) { add("shadow", area); add("ignored", area); }

  let start = null, drawn = null;
  const place = (event) => {
    const area = frame.getBoundingClientRect();
    const inside = (value) => Math.min(1, Math.max(0, value));
    return [inside((event.clientX - area.left) / area.width), inside((event.clientY - area.top) / area.height)];
  };
  const between = (end) => [
    Math.min(start[0], end[0]), Math.min(start[1], end[1]), Math.abs(end[0] - start[0]), Math.abs(end[1] - start[1]),
  ];
  frame.onpointerdown = (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    frame.setPointerCapture(event.pointerId);
    start = place(event);
    drawn = add("new", [...start, 0, 0]);
  };
  frame.onpointermove = (event) => {
    if (!start) return;
    const area = between(place(event));
    ["x", "y", "width", "height"].forEach((key, index) => drawn.setAttribute(key, area[index]));
  };
  frame.onpointerup = (event) => {
    if (!start) return;
    const area = between(place(event));
    start = null;
    if (area[2] >= SMALLEST && area[3] >= SMALLEST) setTriggerValue("drawn", area);
    else drawn.remove();
  };
  frame.onpointercancel = () => { start = null; if (drawn) drawn.remove(); };
  return () => watcher.disconnect();
}
"""


def show_area_viewer(
    seen: Preview,
    *,
    region: Sequence[float] | None,
    ignored: Sequence[Sequence[float]],
    key: str,
    on_drawn: Callable[[Area], None],
    height_limit_px: int = 460,
) -> None:
    """Show both pictures of `seen`. Areas are (x, y, width, height) as fractions; `on_drawn` gets the new one."""

    def take() -> None:
        drawn = getattr(st.session_state.get(key), "drawn", None)
        if isinstance(drawn, list | tuple) and len(drawn) == 4:
            x, y, width, height = (min(1.0, max(0.0, float(value))) for value in drawn)
            on_drawn((x, y, min(width, 1.0 - x), min(height, 1.0 - y)))

    # Registered at each run: a component belongs to the running server, and this module outlives one in the tests.
    viewer = st.components.v2.component("geomsa_area_viewer", html=_HTML, css=_CSS, js=_JS)
    data: dict[str, Any] = {
        "before": _picture(seen.before),
        "after": _picture(seen.after),
        "width": seen.width_px,
        "height": seen.height_px,
        "height_limit": height_limit_px,
        "region": list(region) if region is not None else None,
        "ignored": [list(area) for area in ignored],
        "labels": {
            "before": _("Before"),
            "after": _("After: what the model is given"),
            "draw": _("Drag to draw an area"),
        },
    }
    viewer(key=key, data=data, on_drawn_change=take)


def _picture(pixels: NDArray[np.uint8]) -> str:
    out = io.BytesIO()
    PillowImage.fromarray(pixels).save(out, "JPEG", quality=90, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode('ascii')}"
