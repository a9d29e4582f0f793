"""How the score histogram with its two handles looks: the frame and the styles. The theme gives the colors."""

from __future__ import annotations

HTML = """
<div class="board" data-undrawn>
  <div class="tiles"></div>
  <div class="head">
    <ul class="legend"></ul>
    <div class="options">
      <label class="logarithmic"><input type="checkbox"><span></span></label>
      <button type="button" class="near"></button>
    </div>
  </div>
  <div class="plot" role="group">
    <svg class="bars" role="img"></svg>
    <div class="zone ok"><span></span></div>
    <div class="zone review"><span></span></div>
    <div class="zone reject"><span></span></div>
    <i class="force review"></i><i class="force reject"></i>
    <div class="handle review" role="slider" tabindex="0" aria-orientation="horizontal"><i></i><b></b><u></u></div>
    <div class="handle reject" role="slider" tabindex="0" aria-orientation="horizontal"><i></i><b></b><u></u></div>
  </div>
  <p class="axis"></p>
  <div class="fields">
    <label><span></span><input class="review" type="text" inputmode="decimal" autocomplete="off"></label>
    <label><span></span><input class="reject" type="text" inputmode="decimal" autocomplete="off"></label>
    <button type="button" class="reset"></button>
    <span class="wrong" role="alert"></span>
  </div>
  <div class="scroll"><table class="matrix"><thead></thead><tbody></tbody></table></div>
  <span class="told" aria-live="polite"></span>
</div>
"""

CSS = """
[data-undrawn] {visibility: hidden}
.board {font-family: var(--st-font); color: var(--st-text-color); font-size: 0.95rem; container-type: inline-size}
.tiles {display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 0.6rem; padding-bottom: 0.6rem}
.tile {border: 1px solid var(--st-border-color); border-radius: 0.375rem; padding: 0.45rem 0.7rem; min-width: 0}
.tile .name, .tile .said, .tile .before {display: block; font-size: 0.85rem; line-height: 1.3}
.tile .value {display: block; font-size: 1.45rem; font-weight: 650; line-height: 1.35;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere}
.tile .value small {font-size: 0.9rem; font-weight: 400}
.tile .before {opacity: 0.8; min-height: 1.3em; font-variant-numeric: tabular-nums}
.tile .said {min-height: 2.6em}
.head {display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; justify-content: space-between; align-items: center}
.legend {display: flex; flex-wrap: wrap; gap: 0.15rem 0.9rem; list-style: none; margin: 0; padding: 0;
  font-size: 0.85rem}
.legend li {display: flex; align-items: center; gap: 0.35rem; max-width: 18rem; overflow-wrap: anywhere}
.legend svg {width: 1.15rem; height: 0.85rem; flex: none}
.options {display: flex; flex-wrap: wrap; gap: 0.3rem 0.9rem; align-items: center; font-size: 0.85rem}
.logarithmic {display: flex; align-items: center; gap: 0.4rem; min-height: 2.2rem; cursor: pointer}
.logarithmic input {width: 1.1rem; height: 1.1rem; accent-color: var(--st-primary-color)}
button {font: inherit; color: inherit; background: transparent; border: 1px solid var(--st-border-color);
  border-radius: 0.375rem; min-height: 2.2rem; padding: 0.15rem 0.7rem; cursor: pointer}
button:hover:not(:disabled) {border-color: var(--st-primary-color); color: var(--st-primary-color)}
button:disabled {opacity: 0.45; cursor: default}
:is(button, input):focus-visible {outline: 2px solid var(--st-primary-color); outline-offset: 2px}
.plot {position: relative; height: clamp(14.5rem, 100vh - 33.5rem, 18rem); overflow: hidden;
  user-select: none; -webkit-user-select: none}
.bars {position: absolute; inset: 0; width: 100%; height: 100%; display: block}
.bars text {fill: var(--st-text-color); font-size: 11.5px; font-variant-numeric: tabular-nums}
.bars text.side {font-size: 12px; opacity: 0.85}
.bars .grid {stroke: var(--st-border-color); stroke-width: 1}
.bars .base {stroke: var(--st-text-color); stroke-width: 1; opacity: 0.6}
.zone {position: absolute; top: 0; bottom: 24px; pointer-events: none; overflow: hidden; text-align: center;
  font-size: 0.85rem; font-weight: 650; line-height: 20px; white-space: nowrap}
.zone.ok {background: rgba(27, 127, 77, 0.12)}
.zone.review {background: rgba(224, 149, 43, 0.2)}
.zone.reject {background: rgba(179, 38, 30, 0.13)}
.force {position: absolute; top: 46px; bottom: 24px; width: 0; border-left: 2px dotted var(--st-text-color);
  opacity: 0.75; pointer-events: none}
.force::after {content: ""; position: absolute; bottom: -8px; left: -6px; border: 5px solid transparent;
  border-bottom: 7px solid var(--st-text-color); border-top: 0}
.handle {position: absolute; top: 22px; bottom: 24px; left: 0; width: 40px; cursor: ew-resize; touch-action: none;
  outline: none}
.handle i {position: absolute; top: 0; bottom: 0; width: 3px; background: var(--st-text-color)}
.handle b {position: absolute; top: 0; height: 22px; line-height: 22px; padding: 0 0.4rem; font-size: 0.85rem;
  font-weight: 650; white-space: nowrap; border-radius: 0.25rem; color: #ffffff; font-variant-numeric: tabular-nums}
.handle u {position: absolute; top: calc(50% - 14px); width: 18px; height: 44px; border-radius: 0.35rem;
  text-decoration: none; border: 2px solid var(--st-background-color)}
.handle u::after {content: ""; position: absolute; left: 4px; right: 4px; top: 12px; bottom: 12px;
  border: solid #ffffff; border-width: 0 2px}
.handle.review {margin-left: -38px}
.handle.review i {right: 0.5px}
.handle.review b {right: 0.5px; background: #8a5200}
.handle.review u {right: 2px; background: #8a5200}
.handle.reject {margin-left: -2px}
.handle.reject i {left: 0.5px}
.handle.reject b {left: 0.5px; background: #b3261e}
.handle.reject u {left: 2px; background: #b3261e}
.handle:focus-visible u {outline: 3px solid var(--st-primary-color); outline-offset: 1px}
.handle:focus-visible b {outline: 3px solid var(--st-primary-color); outline-offset: 1px}
.axis {margin: 0.1rem 0 0.4rem; font-size: 0.85rem; opacity: 0.85; text-align: center}
.fields {display: flex; flex-wrap: wrap; gap: 0.4rem 1rem; align-items: center; padding-bottom: 0.6rem}
.fields label {display: flex; align-items: center; gap: 0.45rem}
.fields input {font: inherit; width: 6.5rem; min-height: 2.2rem; padding: 0.1rem 0.5rem; box-sizing: border-box;
  color: inherit; background: var(--st-secondary-background-color); border: 1px solid var(--st-border-color);
  border-radius: 0.375rem; font-variant-numeric: tabular-nums}
.fields input[aria-invalid=true] {border-color: var(--st-red-color); border-width: 2px}
.wrong {color: var(--st-red-color); font-size: 0.9rem; flex: 1 1 12rem}
.scroll {overflow-x: auto}
.matrix {border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums}
.matrix th, .matrix td {border-bottom: 1px solid var(--st-border-color); padding: 0.15rem 0.5rem; text-align: left}
.matrix thead th {font-weight: 650; font-size: 0.85rem}
.matrix tbody th {font-weight: 400; overflow-wrap: anywhere; max-width: 16rem}
.matrix tr.sum th, .matrix tr.sum td {font-weight: 650}
.matrix td {width: 21%}
.matrix td button {min-height: 2rem; min-width: 3.4rem; text-align: left; padding: 0.05rem 0.5rem}
.matrix td span {font-size: 0.8rem; margin-left: 0.4rem}
.matrix td.mistake button {border-color: var(--st-red-color); border-width: 2px; font-weight: 700}
.told {position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)}
@container (max-width: 640px) {
  .tiles {grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0.4rem}
  .tile {padding: 0.35rem 0.5rem}
  .tile .value {font-size: 1.2rem}
  .matrix td span {display: block; margin-left: 0}
  .matrix th, .matrix td {padding: 0.1rem 0.3rem}
  .matrix td button {min-height: 2.6rem; min-width: 2.8rem}
  .fields input {width: 5.5rem; min-height: 2.75rem}
}
"""
