"""The page of the editor: its frame, how it looks, and the scripts that make it work, put together."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_SCRIPTS = Path(__file__).resolve().parent / "scripts"
# Each stands on those before it; together they are one module.
_ORDER = ("forms.js", "view.js", "drawing.js", "strokes.js", "tools.js", "exchange.js", "panel.js", "editor.js")


@cache
def read_script() -> str:
    """Return the script of the editor."""
    return "\n".join((_SCRIPTS / name).read_text(encoding="utf-8") for name in _ORDER)


def _tool(name: str, key: str, icon: str) -> str:
    return (
        f'<button type="button" data-tool="{name}" data-name="{name}" data-key="{key}" aria-pressed="false">'
        f'<span class="icon" aria-hidden="true">{icon}</span></button>'
    )


def _button(style: str, name: str, icon: str, key: str = "") -> str:
    return (
        f'<button type="button" class="{style}" data-name="{name}" data-key="{key}">'
        f'<span class="icon" aria-hidden="true">{icon}</span></button>'
    )


EDITOR_HTML = f"""
<dialog class="editor" data-undrawn>
  <header>
    {_button("close", "close", "arrow_back", "Esc")}
    <div class="title"><b class="name"></b><span class="place"></span></div>
    <span class="state" role="status"></span>
    <div class="walk">{_button("previous", "previous", "chevron_left", "K")}
      {_button("next", "next", "chevron_right", "J")}</div>
    <button type="button" class="save primary" data-key="Ctrl+S" data-name="save">
      <span class="icon" aria-hidden="true">save</span><span data-word="save"></span></button>
  </header>
  <div class="ask" role="alertdialog" hidden></div>
  <div class="body">
    <div class="tools" role="toolbar" data-name="tools">
      {_tool("pick", "V", "arrow_selector_tool")}
      {_tool("box", "R", "crop_square")}
      {_tool("polygon", "P", "polyline")}
      {_tool("brush", "B", "brush")}
      {_tool("eraser", "E", "ink_eraser")}
      {_tool("hand", "H", "pan_tool")}
      <hr>
      {_button("undo", "undo", "undo", "Ctrl+Z")}
      {_button("redo", "redo", "redo", "Ctrl+Y")}
      {_button("remove", "remove", "delete", "Delete")}
      <hr>
      {_button("zoom-in", "zoom_in", "zoom_in", "+")}
      {_button("zoom-out", "zoom_out", "zoom_out", "−")}
      {_button("zoom-fit", "zoom_fit", "fit_screen", "0")}
    </div>
    <div class="stage">
      <canvas tabindex="0" role="application"></canvas>
      <button type="button" class="finish primary" hidden><span data-word="finish"></span></button>
      <p class="status" role="status" aria-live="polite"></p>
    </div>
    <aside>
      <div class="slider brush" hidden><span data-word="brush_size"></span>
        <input type="range" min="0" max="100" step="1" data-name="brush_size"><output></output></div>
      <section><h3 data-word="type"></h3>
        <p class="no-types" data-word="no_types" hidden></p>
        <ul class="types"></ul></section>
      <section><h3 data-word="help"></h3>
        <button type="button" class="wide offer"><span class="icon" aria-hidden="true">auto_awesome</span>
          <span data-word="offer"></span></button>
        <button type="button" class="wide tighten" data-name="tighten" data-key="T">
          <span class="icon" aria-hidden="true">filter_center_focus</span><span data-word="tighten"></span></button>
        <button type="button" class="wide make-mask" data-name="make_mask" data-key="X">
          <span class="icon" aria-hidden="true">gradient</span><span data-word="make_mask"></span></button>
        <div class="offers" hidden><h4 data-word="offers"></h4><ul></ul>
          <div class="row"><button type="button" class="accept-all"><span data-word="accept_all"></span></button>
            <button type="button" class="drop-all"><span data-word="drop_all"></span></button></div></div></section>
      <section><h3 data-word="regions"></h3>
        <p class="no-regions" data-word="no_regions"></p>
        <ul class="regions"></ul>
        <label class="own" hidden><span data-word="own_type"></span><select></select><small></small></label></section>
      <section class="sight">
        <div class="slider opacity"><span data-word="opacity"></span>
          <input type="range" min="5" max="100" step="5" data-name="opacity"><output></output></div>
        <label class="show"><input type="checkbox" checked><span data-word="show"></span></label></section>
      <details class="keys"><summary data-word="key_list"></summary><dl></dl></details>
    </aside>
  </div>
</dialog>
"""

EDITOR_CSS = """
[data-undrawn] {visibility: hidden}
dialog.editor {position: fixed; inset: 0; width: 100vw; height: 100vh; height: 100dvh; max-width: none;
  max-height: none; margin: 0; padding: 0; border: 0; overflow: hidden; background: var(--st-background-color);
  color: var(--st-text-color); font-family: var(--st-font); font-size: 0.9rem; line-height: 1.35}
dialog.editor[open] {display: flex; flex-direction: column}
.editor * {box-sizing: border-box}
.editor [hidden] {display: none !important}
button, select {font: inherit; color: inherit; background: var(--st-secondary-background-color); cursor: pointer;
  border: 1px solid var(--st-border-color); border-radius: 0.4rem; min-height: 2.5rem; padding: 0 0.65rem;
  display: inline-flex; align-items: center; justify-content: center; gap: 0.4rem}
button:hover:not(:disabled) {border-color: var(--st-primary-color)}
button:disabled {opacity: 0.4; cursor: default}
button:focus-visible, select:focus-visible, canvas:focus-visible, input:focus-visible, summary:focus-visible {
  outline: 3px solid var(--st-primary-color); outline-offset: 1px}
button[aria-pressed=true] {border: 2px solid var(--st-primary-color); font-weight: 700;
  background: color-mix(in srgb, var(--st-primary-color) 16%, var(--st-background-color))}
button.primary {background: var(--st-primary-color); border-color: var(--st-primary-color); color: #ffffff;
  font-weight: 600}
.icon {font-family: "Material Symbols Rounded"; font-size: 1.35rem; line-height: 1; width: 1.35rem; height: 1.35rem;
  overflow: hidden; flex: none; font-feature-settings: "liga"; font-weight: 400; white-space: nowrap}
header {display: flex; align-items: center; gap: 0.6rem; padding: 0.45rem 0.75rem;
  border-bottom: 1px solid var(--st-border-color); flex: none}
.title {display: flex; flex-direction: column; min-width: 0; flex: 1 1 auto}
.name {white-space: nowrap; overflow: hidden; text-overflow: ellipsis}
.place {font-size: 0.8rem; opacity: 0.75}
.state {font-size: 0.85rem; opacity: 0.8; white-space: nowrap}
.state.changed {opacity: 1; font-weight: 700}
.state.changed::before {content: "● "; color: #d55e00}
.walk {display: flex; gap: 0.3rem}
.ask {display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem; padding: 0.5rem 0.75rem; flex: none;
  border-bottom: 1px solid var(--st-border-color);
  background: color-mix(in srgb, #e69f00 18%, var(--st-background-color))}
.ask p {margin: 0; flex: 1 1 18rem}
.body {flex: 1 1 0; min-height: 0; display: grid; grid-template-columns: 3.4rem minmax(0, 1fr) 16.5rem}
.tools {display: flex; flex-direction: column; gap: 0.25rem; padding: 0.4rem; overflow-y: auto;
  border-right: 1px solid var(--st-border-color)}
.tools button {width: 2.55rem; min-height: 2.55rem; padding: 0; flex: none}
.tools hr {width: 100%; border: 0; border-top: 1px solid var(--st-border-color); margin: 0.15rem 0; flex: none}
.stage {position: relative; min-width: 0; min-height: 0; background: #10171c}
canvas {position: absolute; inset: 0; width: 100%; height: 100%; touch-action: none; cursor: crosshair;
  display: block; -webkit-user-select: none; user-select: none}
.swatch {position: static; width: 1.15rem; height: 1.15rem; border-radius: 0.2rem; flex: none;
  border: 1px solid #11181d; background: #59646b; cursor: inherit}
[data-tool=pick] canvas {cursor: default}
[data-tool=hand] canvas {cursor: grab}
.busy canvas {cursor: progress}
.finish {position: absolute; right: 0.75rem; top: 0.75rem}
.status {position: absolute; left: 0.6rem; bottom: 0.6rem; margin: 0; max-width: calc(100% - 1.2rem);
  padding: 0.35rem 0.65rem; border-radius: 0.35rem; background: #111a20; color: #ffffff; pointer-events: none}
.status:empty {display: none}
.status.wrong {background: #8c1d18}
.busy .status::before {content: ""; display: inline-block; width: 0.8em; height: 0.8em; margin-right: 0.5em;
  border: 2px solid #ffffff; border-right-color: transparent; border-radius: 50%; vertical-align: -0.1em;
  animation: turn 0.9s linear infinite}
@keyframes turn {to {transform: rotate(1turn)}}
@media (prefers-reduced-motion: reduce) {.busy .status::before {animation: none}}
aside {overflow-y: auto; padding: 0.6rem 0.75rem 1rem; border-left: 1px solid var(--st-border-color); display: flex;
  flex-direction: column; gap: 0.85rem}
h3, h4 {font-size: 0.85rem; margin: 0 0 0.35rem; font-weight: 700; padding: 0}
h4 {margin-top: 0.6rem}
ul {list-style: none; margin: 0; padding: 0; display: flex; flex-direction: column; gap: 0.25rem}
li {display: flex; align-items: center; gap: 0.3rem; margin: 0}
aside p {margin: 0; opacity: 0.8}
.types button {width: 100%; justify-content: flex-start; text-align: left}
.text {flex: 1 1 auto; min-width: 0; overflow-wrap: anywhere; text-align: left}
.count {opacity: 0.75; font-variant-numeric: tabular-nums}
kbd {font: inherit; font-size: 0.75rem; opacity: 0.6; min-width: 1ch}
.regions .line {flex: 1 1 auto; min-width: 0; display: grid; grid-template-columns: auto 1fr; text-align: left;
  justify-items: start; gap: 0 0.5rem; padding: 0.25rem 0.6rem}
.regions small {grid-column: 2; opacity: 0.8}
.small {min-height: 2.25rem; width: 2.25rem; padding: 0; flex: none}
.wide {width: 100%; justify-content: flex-start; margin-bottom: 0.25rem; text-align: left}
.row {display: flex; gap: 0.3rem; margin-top: 0.3rem}
.row button {flex: 1}
.slider {display: flex; align-items: center; gap: 0.5rem; flex-wrap: wrap}
.slider span {flex: 1 1 auto}
.slider output {min-width: 3.5em; text-align: right; font-variant-numeric: tabular-nums}
.slider input {flex: 1 1 100%; min-width: 0; order: 3; height: 1.6rem; accent-color: var(--st-primary-color)}
.own {display: flex; flex-direction: column; gap: 0.25rem; margin-top: 0.6rem}
.own select {width: 100%; justify-content: flex-start}
.show {display: flex; align-items: center; gap: 0.5rem; min-height: 2.25rem; cursor: pointer}
.show input {width: 1.2rem; height: 1.2rem; accent-color: var(--st-primary-color)}
.keys summary {cursor: pointer; font-weight: 700; min-height: 2rem}
.keys dl {display: grid; grid-template-columns: auto 1fr; gap: 0.2rem 0.6rem; margin: 0.3rem 0 0}
.keys dt {font-weight: 700; white-space: nowrap}
.keys dd {margin: 0}
@media (max-width: 760px) {
  header {flex-wrap: wrap; gap: 0.35rem; padding: 0.35rem 0.5rem}
  .title {flex: 1 1 6rem}
  .state {order: 5; flex: 1 1 100%}
  .save [data-word] {display: none}
  .body {grid-template-columns: minmax(0, 1fr); grid-template-rows: auto minmax(16rem, 1fr) minmax(9rem, 34%)}
  .tools {flex-direction: row; overflow-x: auto; overflow-y: hidden; border-right: 0;
    border-bottom: 1px solid var(--st-border-color)}
  .tools hr {width: 0; height: auto; border-top: 0; border-left: 1px solid var(--st-border-color)}
  .tools button {width: 2.75rem; min-height: 2.75rem}
  aside {border-left: 0; border-top: 1px solid var(--st-border-color)}
}
"""
