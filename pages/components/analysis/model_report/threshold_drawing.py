"""The part of the score histogram's script that draws: bins, bars with patterns, axes. It knows of no thresholds."""

from __future__ import annotations

DRAWING_JS = r"""
const SVG = "http://www.w3.org/2000/svg";
const LEFT = 44, RIGHT = 10, TOP = 46, BOTTOM = 24, BINS = 64;
// Okabe and Ito's colors, told apart by the color-blind; every group has a pattern of its own beside its color.
const COLORS = ["#0072b2", "#d55e00", "#cc79a7", "#e69f00", "#009e73", "#56b4e9", "#f0e442", "#8c8c8c"];
const MARKS = ["", "M0,8 L8,0", "M0,0 L8,8", "M4,3 v2", "M0,4 h8", "M4,0 v8", "M0,8 L8,0 M0,0 L8,8", "M0,2 h4 M4,6 h4"];

const element = (name, attributes = {}, parent = null, text = null) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  if (parent) parent.appendChild(made);
  return made;
};

const looks = (index) => {
  // The first group is that of good parts, plain; the others go through the rest of the colors and of the patterns.
  const place = index === 0 ? 0 : 1 + ((index - 1) % (COLORS.length - 1));
  const turn = index === 0 ? 0 : Math.floor((index - 1) / (COLORS.length - 1));
  return [COLORS[place], index === 0 ? "" : MARKS[1 + ((place - 1 + turn) % (MARKS.length - 1))]];
};

const addPattern = (definitions, name, index) => {
  const [color, mark] = looks(index);
  const pattern = element("pattern", {id: name, width: 8, height: 8, patternUnits: "userSpaceOnUse"}, definitions);
  element("rect", {width: 8, height: 8, fill: color}, pattern);
  if (mark) {
    element("path", {d: mark, stroke: "#10171c", "stroke-width": 1.4, "stroke-opacity": 0.75, fill: "none"}, pattern);
  }
};

// Steps of 1, 2 or 5 that a person counts in.
const niceStep = (span, most) => {
  const rough = span / Math.max(1, most), power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough * 0.9999);
};

const ticksOf = (low, high, most) => {
  const step = niceStep(high - low, most), found = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; at++) found.push(at * step);
  return found;
};

const countTicks = (most, logarithmic) => {
  if (!logarithmic) return ticksOf(0, most, 3).filter((one) => Number.isInteger(one) && one > 0);
  return [1, 10, 100, 1000, 10000, 100000].filter((one) => one <= most);
};

const binCounts = (groups, low, high) => groups.map((group) => {
  const counts = new Array(BINS).fill(0);
  const scale = BINS / (high - low);
  // What lies beyond the edge is told in words: as a bar it would dwarf all others.
  for (const score of group.scores) {
    if (score <= high) counts[Math.min(BINS - 1, Math.floor((score - low) * scale))] += 1;
  }
  return counts;
});

const drawBars = (svg, groups, view, words, say) => {
  const {width, height, low, high, logarithmic} = view;
  const counts = binCounts(groups, low, high), places = [...Array(BINS).keys()];
  const good = groups.map((group, index) => index).filter((index) => !groups[index].defect);
  const bad = groups.map((group, index) => index).filter((index) => groups[index].defect);
  const total = (which) => places.map((bin) => which.reduce((sum, index) => sum + counts[index][bin], 0));
  const inner = height - TOP - BOTTOM, area = width - LEFT - RIGHT;
  const hasBoth = good.some((index) => groups[index].scores.length) && bad.some((index) => groups[index].scores.length);
  const share = hasBoth ? 0.5 : good.some((index) => groups[index].scores.length) ? 1 : 0;
  const base = TOP + inner * share, slot = area / BINS;
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const definitions = element("defs", {}, svg);
  groups.forEach((group, index) => addPattern(definitions, `fill${index}`, index));
  for (const [which, up, extent] of [[good, true, inner * share], [bad, false, inner * (1 - share)]]) {
    if (extent <= 0) continue;
    const sums = total(which), most = Math.max(1, ...sums);
    const tall = (count) => (logarithmic ? Math.log10(1 + count) / Math.log10(1 + most) : count / most) * (extent - 12);
    for (const tick of countTicks(most, logarithmic)) {
      const y = up ? base - tall(tick) : base + tall(tick);
      element("line", {class: "grid", x1: LEFT, x2: width - RIGHT, y1: y, y2: y}, svg);
      element("text", {x: LEFT - 6, y: y + 4, "text-anchor": "end"}, svg, say.count(tick));
    }
    for (const bin of places) {
      if (!sums[bin]) continue;
      // Whatever is there can be seen, one part among thousands too.
      const whole = Math.max(2, tall(sums[bin]));
      let done = 0;
      for (const index of which) {
        const count = counts[index][bin];
        if (!count) continue;
        const part = (whole * count) / sums[bin];
        const bar = element("rect", {
          x: LEFT + slot * bin + 0.4, width: Math.max(0.8, slot - 0.8), height: part,
          y: up ? base - done - part : base + done, fill: `url(#fill${index})`,
        }, svg);
        const from = low + ((high - low) * bin) / BINS, to = low + ((high - low) * (bin + 1)) / BINS;
        const range = `${say.score(from)} – ${say.score(to)}`;
        element("title", {}, bar, `${groups[index].label} · ${range}: ${say.count(count)}`);
        done += part;
      }
    }
    element("text", {
      class: "side", x: 12, y: up ? base - extent / 2 : base + extent / 2, "text-anchor": "middle",
      transform: `rotate(-90 12 ${up ? base - extent / 2 : base + extent / 2})`,
    }, svg, up ? words.good : words.defects);
  }
  element("line", {class: "base", x1: LEFT, x2: width - RIGHT, y1: base, y2: base}, svg);
  const beyond = groups.reduce((sum, group) => sum + group.scores.length - below(group.scores, high), 0);
  if (beyond) {
    element("text", {x: width - RIGHT - 4, y: TOP + 12, "text-anchor": "end"}, svg,
      `${words.beyond.replace("{count}", say.count(beyond))} →`);
  }
  for (const at of ticksOf(low, high, Math.max(2, area / 90))) {
    const x = LEFT + (area * (at - low)) / (high - low);
    element("line", {class: "base", x1: x, x2: x, y1: height - BOTTOM, y2: height - BOTTOM + 4}, svg);
    element("text", {x, y: height - 6, "text-anchor": "middle"}, svg, say.score(at));
  }
};
"""
