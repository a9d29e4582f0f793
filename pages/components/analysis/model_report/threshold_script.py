"""The script of the two handles: dragging, keys, typing, and the counts, which follow in the browser at every step."""

from __future__ import annotations

HANDLES_JS = r"""
const VERDICTS = ["ok", "review", "reject"];
const SIDES = ["review", "reject"];
const KEYS = {ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10};
const STEPS = 400, LARGE = 10, PER_PARTS = 1000;
// A row of key presses is one change: it is told to the server after this pause.
const PAUSE_MS = 450;

// Scores are sorted: how many lie below a threshold is found by halving.
const below = (scores, at) => {
  let low = 0, high = scores.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (scores[middle] < at) low = middle + 1; else high = middle;
  }
  return low;
};
const judge = (scores, [review, reject]) => {
  const ok = below(scores, review), passed = below(scores, reject);
  return [ok, passed - ok, scores.length - passed];
};
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
const put = (place, text) => { if (place.textContent !== text) place.textContent = text; };

const speaker = (data) => {
  const count = new Intl.NumberFormat(data.locale, {maximumFractionDigits: 0});
  const rough = new Intl.NumberFormat(data.locale, {maximumSignificantDigits: 2});
  const percent = new Intl.NumberFormat(data.locale, {style: "percent", maximumFractionDigits: 1});
  let money = (value) => `${count.format(value)} ${data.cost.currency}`;
  try {
    const known = new Intl.NumberFormat(data.locale, {
      style: "currency", currency: data.cost.currency, maximumFractionDigits: 0,
    });
    money = (value) => known.format(value);
  } catch { /* a currency of the person's own words */ }
  return {
    count: (value) => count.format(value),
    rough: (value) => (value > 0 && value < 0.01 ? "< 0.01" : value >= 100 ? count.format(value) : rough.format(value)),
    percent: (value) => percent.format(value),
    money,
    plain: (value) => String(Number(value.toPrecision(7))),
    score: (value) => {
      const size = Math.abs(value);
      if (size < 1e-12) return "0";
      return size >= 1000 ? count.format(value) : size < 100 ? String(Number(value.toPrecision(4))) : value.toFixed(1);
    },
  };
};

// What a pair of thresholds comes to on the test images, and on a thousand parts of the line.
const weigh = (data, pair) => {
  const rows = data.groups.map((group) => judge(group.scores, pair));
  const sum = (isDefect) => rows.reduce(
    (all, row, index) => (data.groups[index].defect === isDefect ? all.map((one, at) => one + row[at]) : all), [0, 0, 0]
  );
  const good = sum(false), defects = sum(true);
  const nGood = good[0] + good[1] + good[2], nDefects = defects[0] + defects[1] + defects[2];
  const found = {rows, good, defects, nGood, nDefects, expected: null};
  if (nGood && nDefects && data.rate !== null) {
    const ofGood = (PER_PARTS * (1 - data.rate)) / nGood, ofDefects = (PER_PARTS * data.rate) / nDefects;
    const expected = {
      missed: ofDefects * defects[0], alarms: ofGood * good[2], looks: ofGood * good[1] + ofDefects * defects[1],
    };
    if (data.cost) {
      const {escape, overkill, review} = data.cost;
      expected.cost = expected.missed * escape + expected.alarms * overkill + expected.looks * review;
    }
    found.expected = expected;
  }
  return found;
};

const describeTiles = (data, say, found) => {
  const {words, upper} = data;
  const {good, defects, nGood, nDefects, expected} = found;
  const missedUpper = upper.escape[defects[0]], alarmUpper = upper.overkill[good[2]];
  let missed = words.no_defects, alarms = words.no_good, cost = nGood && nDefects ? words.no_rate : words.no_both;
  if (nDefects) {
    missed = missedUpper <= 0.5
      ? fill(words.missed_sure, {one_in: say.count(Math.floor(1 / missedUpper))})
      : fill(words.missed_wide, {share: say.percent(missedUpper)});
  }
  if (nGood) alarms = fill(words.alarms_sure, {share: say.percent(alarmUpper)});
  if (expected) {
    cost = fill(words.expected, {
      missed: say.rough(expected.missed), alarms: say.rough(expected.alarms), looks: say.rough(expected.looks),
    });
  }
  const looks = good[1] + defects[1];
  return [
    [words.missed, nDefects ? say.count(defects[0]) : "–", nDefects ? ` / ${say.count(nDefects)}` : "", missed],
    [words.alarms, nGood ? say.count(good[2]) : "–", nGood ? ` / ${say.count(nGood)}` : "", alarms],
    [words.looks, say.count(looks), ` / ${say.count(nGood + nDefects)}`,
      fill(words.looks_of, {good: say.count(good[1]), defects: say.count(defects[1])})],
    expected && data.cost
      ? [words.cost, say.money(expected.cost), "", cost]
      : [words.cost, "–", "", expected ? `${cost} ${words.no_cost}` : cost],
  ];
};

const buildTiles = (place, tiles) => {
  place.replaceChildren();
  return tiles.map(() => {
    const tile = place.appendChild(document.createElement("div"));
    tile.className = "tile";
    const parts = {};
    for (const name of ["name", "value", "before", "said"]) {
      parts[name] = tile.appendChild(document.createElement("span"));
      parts[name].className = name;
    }
    parts.number = parts.value.appendChild(document.createElement("b"));
    parts.rest = parts.value.appendChild(document.createElement("small"));
    return parts;
  });
};

const buildMatrix = (table, data, open) => {
  const {words, groups} = data;
  const head = table.querySelector("thead"), body = table.querySelector("tbody");
  head.replaceChildren();
  body.replaceChildren();
  const titles = head.appendChild(document.createElement("tr"));
  for (const text of [words.truth, words.ok, words.review, words.reject]) {
    const cell = titles.appendChild(document.createElement("th"));
    cell.scope = "col";
    cell.textContent = text;
  }
  const addRow = (label, isDefect, index) => {
    const row = body.appendChild(document.createElement("tr"));
    const title = row.appendChild(document.createElement("th"));
    title.scope = "row";
    title.textContent = label;
    return VERDICTS.map((verdict) => {
      const cell = row.appendChild(document.createElement("td"));
      if (index === null) { row.className = "sum"; return {cell, place: cell, isMistake: false}; }
      const button = cell.appendChild(document.createElement("button"));
      const mark = cell.appendChild(document.createElement("span"));
      const isMistake = isDefect ? verdict === "ok" : verdict === "reject";
      button.type = "button";
      button.onclick = () => open(index, verdict);
      button.title = fill(words.open, {label, verdict: words[verdict]});
      return {cell, place: button, button, isMistake, mark, note: isDefect ? words.mark_missed : words.mark_alarm};
    });
  };
  const rows = groups.map((group, index) => addRow(group.label, group.defect, index));
  const several = groups.filter((group) => group.defect).length > 1;
  return {rows, sum: several ? addRow(words.all_defects, true, null) : null};
};

const showCounts = (cells, counts, say) => cells.forEach((cell, at) => {
  put(cell.place, say.count(counts[at]));
  if (!cell.button) return;
  const isWrong = cell.isMistake && counts[at] > 0;
  cell.button.disabled = counts[at] === 0;
  cell.cell.classList.toggle("mistake", isWrong);
  put(cell.mark, isWrong ? cell.note : "");
});
"""
