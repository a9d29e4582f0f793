"""The script that puts the board together: what is kept between runs of the page, and what a person does with it."""

from __future__ import annotations

BOARD_JS = r"""
export default function (component) {
  const {data, parentElement, setTriggerValue} = component;
  const find = (selector) => parentElement.querySelector(selector);
  // Nothing without a name is shown before this has run.
  find("[data-undrawn]")?.removeAttribute("data-undrawn");
  const {groups, words} = data;
  const say = speaker(data);
  // Called once more at each run of the page: where the handles stand then is the person's, unless the page moves them.
  parentElement.geomsaEnd?.();
  const state = (parentElement.geomsaBoard ??= {token: null, near: true, logarithmic: false});
  if (state.token !== data.token) {
    const pair = [data.review, data.reject];
    Object.assign(state, {token: data.token, pair, told: pair.join(" "), typed: [null, null], grip: null});
    find(".wrong").textContent = "";
  }
  const force = data.force;
  const plot = find(".plot"), handles = SIDES.map((side) => find(`.handle.${side}`));
  const inputs = SIDES.map((side) => find(`.fields input.${side}`));
  const everything = groups.flatMap((group) => (group.scores.length ? [group.scores[0], group.scores.at(-1)] : []));
  const ofGood = groups.filter((group) => !group.defect && group.scores.length);

  const rangeOf = () => {
    const shown = [...state.pair, ...(force ?? [])];
    let low = Math.min(...everything, ...shown), high = Math.max(...everything, ...shown);
    const whole = high - low;
    if (ofGood.length) {
      const top = Math.max(...shown, ...ofGood.map((group) => group.scores.at(-1)));
      const near = top + 0.7 * (top - Math.min(low, ...shown));
      state.canBeNear = near < low + 0.75 * whole;
      if (state.near && state.canBeNear) high = near;
    }
    const edge = 0.02 * (high - low) || Math.abs(high) * 0.1 || 1;
    return [Math.max(0, low - edge), high + edge];
  };
  let [low, high] = rangeOf();
  let width = 0;
  let step = niceStep(high - low, STEPS);
  const area = () => width - LEFT - RIGHT;
  const placeOf = (score) => LEFT + area() * Math.min(1, Math.max(0, (score - low) / (high - low)));
  const snap = (score) => Number((Math.round(score / step) * step).toPrecision(12));

  const atForce = force ? describeTiles(data, say, weigh(data, force)) : null;
  const tiles = buildTiles(find(".tiles"), [0, 1, 2, 3]);
  const {rows, sum} = buildMatrix(find(".matrix"), data, (index, verdict) => {
    tell();
    setTriggerValue("opened", [groups[index].code, verdict, ...state.pair]);
  });

  // Everything that follows the handles. Nothing here asks the server, or the browser for a new layout.
  const follow = () => {
    const found = weigh(data, state.pair);
    const isMoved = force !== null && SIDES.some((side, at) => state.pair[at] !== force[at]);
    describeTiles(data, say, found).forEach(([name, value, rest, said], index) => {
      const tile = tiles[index];
      put(tile.name, name);
      put(tile.number, value);
      put(tile.rest, rest);
      put(tile.said, said);
      put(tile.before, isMoved ? fill(words.now, {value: atForce[index][1]}) : words.as_now);
    });
    found.rows.forEach((counts, index) => showCounts(rows[index], counts, say));
    if (sum) showCounts(sum, found.defects, say);
    const spoken = fill(words.spoken, {missed: say.count(found.defects[0]), alarms: say.count(found.good[2])});
    SIDES.forEach((side, at) => {
      const value = state.pair[at], handle = handles[at], label = `${words[side]} ≥ ${say.score(value)}`;
      handle.style.transform = `translateX(${placeOf(value)}px)`;
      handle.setAttribute("aria-valuenow", value);
      handle.setAttribute("aria-valuemin", at === 0 ? Math.min(low, value) : state.pair[0]);
      handle.setAttribute("aria-valuemax", at === 0 ? state.pair[1] : Math.max(high, value));
      handle.setAttribute("aria-valuetext", `${say.score(value)}: ${spoken}`);
      put(handle.querySelector("b"), label);
      // The label stays inside the picture, on its own side of the line where it fits.
      const space = at === 0 ? placeOf(value) : width - placeOf(value), needed = 13 + 8 * label.length;
      handle.querySelector("b").style.transform =
        space < needed ? `translateX(${(at === 0 ? 1 : -1) * (needed - space)}px)` : "";
      if (state.typed[at] === null && inputs[at].getRootNode().activeElement !== inputs[at])
        inputs[at].value = say.plain(value);
    });
    const [first, second] = state.pair.map(placeOf);
    const edges = [LEFT, Math.max(LEFT, first), Math.max(LEFT, second), width - RIGHT];
    VERDICTS.forEach((verdict, at) => {
      const zone = find(`.zone.${verdict}`), size = Math.max(0, edges[at + 1] - edges[at]);
      zone.style.left = `${edges[at]}px`;
      zone.style.width = `${size}px`;
      put(zone.firstElementChild, size > 9 * words[verdict].length + 8 ? words[verdict] : "");
    });
    find(".reset").disabled = !isMoved;
    state.spoken = spoken;
  };

  const draw = () => {
    width = plot.clientWidth;
    if (!width) return;
    [low, high] = rangeOf();
    step = niceStep(high - low, STEPS);
    const view = {width, height: plot.clientHeight, low, high, logarithmic: state.logarithmic};
    drawBars(find(".bars"), groups, view, words, say);
    SIDES.forEach((side, at) => {
      const mark = find(`.force.${side}`);
      mark.style.display = force ? "" : "none";
      if (force) mark.style.left = `${placeOf(force[at]) - 1}px`;
    });
    const near = find(".near");
    near.style.display = state.canBeNear ? "" : "none";
    near.textContent = state.near ? words.whole : words.near;
    follow();
  };

  let late = 0;
  const tell = () => {
    clearTimeout(late);
    const now = state.pair.join(" ");
    if (state.told === now) return;
    state.told = now;
    put(find(".told"), state.spoken);
    setTriggerValue("moved", [...state.pair]);
  };
  const tellLater = () => { clearTimeout(late); late = setTimeout(tell, PAUSE_MS); };
  // A threshold stops at the other one, and above zero.
  const move = (at, wanted) => {
    const least = at === 0 ? Math.min(step, state.pair[1]) : state.pair[0];
    const most = at === 0 ? state.pair[1] : 3.4e38;
    const value = Math.min(most, Math.max(least, wanted));
    state.typed[at] = null;
    inputs[at].removeAttribute("aria-invalid");
    if (state.typed.every((one) => one === null)) put(find(".wrong"), "");
    if (value === state.pair[at]) return;
    state.pair[at] = value;
    follow();
  };

  handles.forEach((handle, at) => {
    handle.setAttribute("aria-label", fill(words.handle, {verdict: words[SIDES[at]]}));
    handle.onpointerdown = (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      handle.focus();
      handle.setPointerCapture(event.pointerId);
      state.grip = event.clientX - plot.getBoundingClientRect().left - placeOf(state.pair[at]);
    };
    handle.onpointermove = (event) => {
      if (state.grip === null || !handle.hasPointerCapture(event.pointerId)) return;
      const x = event.clientX - plot.getBoundingClientRect().left - state.grip;
      move(at, Math.min(high, Math.max(low, snap(low + ((high - low) * (x - LEFT)) / area()))));
    };
    handle.onpointerup = () => { state.grip = null; tell(); };
    handle.onpointercancel = handle.onpointerup;
    handle.onkeydown = (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      let wanted = null;
      if (event.key === "Home") wanted = at === 0 ? Math.max(step, snap(low)) : state.pair[0];
      else if (event.key === "End") wanted = at === 0 ? state.pair[1] : snap(high);
      else if (event.key in KEYS) {
        const by = KEYS[event.key] * (event.shiftKey && Math.abs(KEYS[event.key]) === 1 ? LARGE : 1);
        wanted = snap(state.pair[at] + by * step);
      }
      if (wanted === null) return;
      event.preventDefault();
      event.stopPropagation();
      move(at, wanted);
      tellLater();
    };
    handle.onblur = () => { if (state.grip === null) tell(); };
  });

  const readTyped = (text) => {
    const plain = text.trim().replace(/\s/g, "");
    const value = Number(/^\d+,\d+$/.test(plain) ? plain.replace(",", ".") : plain.replace(/,(?=\d{3})/g, ""));
    return plain !== "" && Number.isFinite(value) && value > 0 && value <= 3.4e38 ? value : null;
  };
  const take = (at, isFinal) => {
    const value = readTyped(inputs[at].value), other = state.pair[1 - at];
    const wrong = value === null ? words.not_a_number
      : (at === 0 ? value > other : value < other) ? fill(words.crossed, {value: say.score(other)}) : "";
    if (wrong) {
      // What was typed stays to be mended; the handles stay where they are.
      state.typed[at] = inputs[at].value;
      if (isFinal) {
        inputs[at].setAttribute("aria-invalid", "true");
        put(find(".wrong"), wrong);
      }
      return;
    }
    move(at, value);
    if (isFinal) { if (value < low || value > high) draw(); inputs[at].value = say.plain(value); tell(); }
  };
  inputs.forEach((input, at) => {
    input.previousElementSibling.textContent = words[`from_${SIDES[at]}`];
    input.oninput = () => take(at, false);
    input.onchange = () => take(at, true);
    input.onkeydown = (event) => { if (event.key === "Enter") take(at, true); event.stopPropagation(); };
  });

  const legend = find(".legend");
  legend.replaceChildren();
  const name = (text) => {
    const item = legend.appendChild(document.createElement("li"));
    const swatch = element("svg", {viewBox: "0 0 18 14", "aria-hidden": "true"}, item);
    item.append(text);
    return swatch;
  };
  groups.forEach((group, index) => {
    const swatch = name(`${group.label} (${say.count(group.scores.length)})`);
    addPattern(element("defs", {}, swatch), `key${index}`, index);
    element("rect", {width: 18, height: 14, fill: `url(#key${index})`}, swatch);
  });
  if (force) {
    const line = {x1: 9, x2: 9, y1: 0, y2: 14, stroke: "currentColor", "stroke-width": 2, "stroke-dasharray": "2 2"};
    element("line", line, name(words.in_force));
  }
  find(".axis").textContent = words.axis;
  plot.setAttribute("aria-label", words.title);
  find(".bars").setAttribute("aria-label", words.picture);
  find(".logarithmic span").textContent = words.logarithmic;
  const box = find(".logarithmic input");
  box.checked = state.logarithmic;
  box.onchange = () => { state.logarithmic = box.checked; draw(); };
  find(".near").onclick = () => { state.near = !state.near; draw(); };
  const reset = find(".reset");
  reset.textContent = words.reset;
  reset.onclick = () => {
    state.pair = [...force];
    state.typed = [null, null];
    inputs.forEach((input) => input.removeAttribute("aria-invalid"));
    put(find(".wrong"), "");
    draw();
    tell();
  };
  const watcher = new ResizeObserver(draw);
  watcher.observe(plot);
  draw();
  // What was not told yet is told by the run that comes: a change is never lost on the way.
  const end = () => { watcher.disconnect(); clearTimeout(late); };
  parentElement.geomsaEnd = end;
  if (state.grip === null && state.told !== state.pair.join(" ")) tellLater();
  return end;
}
"""
