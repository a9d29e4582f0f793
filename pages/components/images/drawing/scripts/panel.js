// The tools, the lists and the bars around the stage; and the keys.

const TOOLS = ["pick", "box", "polygon", "brush", "eraser", "hand"];
const TOOL_KEYS = {v: "pick", r: "box", p: "polygon", b: "brush", e: "eraser", h: "hand"};

function element(name, {text, ...values} = {}, children = []) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(values)) {
    if (key.startsWith("on")) made[key] = value;
    else if (key === "className") made.className = value;
    else if (value !== false && value !== null) made.setAttribute(key, value === true ? "" : value);
  }
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

const icon = (name) => element("span", {className: "icon", "aria-hidden": "true", text: name});

/** Write what a control is called, once or whenever the language changes. */
function nameControls(editor) {
  const {root, words} = editor;
  root.setAttribute("aria-label", words.title);
  editor.view.canvas.setAttribute("aria-label", words.stage);
  root.querySelectorAll("[data-word]").forEach((place) => { place.textContent = words[place.dataset.word]; });
  root.querySelectorAll("[data-name]").forEach((control) => {
    const name = words[control.dataset.name], key = control.dataset.key;
    control.setAttribute("aria-label", name);
    if (control.tagName === "BUTTON") control.title = key ? `${name} (${key})` : name;
  });
  const keys = editor.find(".keys dl");
  keys.replaceChildren(...words.keys.flatMap(([press, does]) => [
    element("dt", {text: press}), element("dd", {text: does}),
  ]));
}

function wireControls(editor) {
  const on = (selector, act) => { editor.find(selector).onclick = act; };
  for (const tool of TOOLS) on(`[data-tool=${tool}]`, () => editor.useTool(tool));
  on(".undo", () => editor.step(false));
  on(".redo", () => editor.step(true));
  on(".remove", () => editor.remove());
  on(".zoom-in", () => { editor.view.zoom(1.4); editor.redraw(); });
  on(".zoom-out", () => { editor.view.zoom(1 / 1.4); editor.redraw(); });
  on(".zoom-fit", () => { editor.view.fit(); editor.redraw(); });
  on(".offer", () => editor.offer());
  on(".tighten", () => editor.tighten());
  on(".make-mask", () => editor.makeMask());
  on(".accept-all", () => editor.accept(editor.offers));
  on(".drop-all", () => editor.drop(editor.offers));
  on(".save", () => editor.save());
  on(".previous", () => editor.go(-1));
  on(".next", () => editor.go(1));
  on(".close", () => editor.go("close"));
  on(".finish", () => editor.tools.closePolygon());
  editor.find(".brush input").oninput = (event) => editor.setBrush(brushOf(editor, Number(event.target.value)));
  editor.find(".opacity input").oninput = (event) => { chosen.opacity = Number(event.target.value); editor.refresh(); };
  editor.find(".show input").onchange = () => editor.redraw();
  editor.find(".own select").onchange = (event) => {
    editor.ownType = event.target.value === "" ? null : Number(event.target.value);
    editor.refresh();
  };
}

// Fine brushes need finer steps than broad ones.
const brushOf = (editor, share) => Math.exp((share / 100) * Math.log(editor.largestBrush));
const shareOf = (editor) => (100 * Math.log(editor.brush)) / Math.log(editor.largestBrush);

function showPanel(editor) {
  const {drawing, data, words, root} = editor, {image} = data;
  if (editor.namedFor !== words.language) {
    editor.namedFor = words.language;
    nameControls(editor);
  }
  const busy = editor.pending !== null, changed = editor.isChanged, region = drawing.chosen;
  editor.find(".name").textContent = image.name;
  editor.find(".place").textContent = words.place;
  const state = editor.find(".state");
  state.textContent = changed ? words.unsaved : words.all_saved;
  state.classList.toggle("changed", changed);
  for (const tool of TOOLS)
    editor.find(`[data-tool=${tool}]`).setAttribute("aria-pressed", String(editor.tool === tool));
  root.dataset.tool = editor.tool;
  editor.find(".undo").disabled = !drawing.past.length && !editor.tools.corners.length;
  editor.find(".redo").disabled = !drawing.future.length;
  editor.find(".remove").disabled = !region && !editor.tools.corners.length;
  editor.find(".finish").hidden = editor.tools.corners.length < 3;
  editor.find(".tighten").disabled = busy || region?.form.shape !== "box";
  editor.find(".make-mask").disabled = !region || region.form.shape === "mask";
  editor.find(".offer").disabled = busy || !data.has_model;
  editor.find(".offer").title = data.has_model ? `${words.offer} (M)` : words.no_model;
  editor.find(".save").disabled = busy || !changed;
  editor.find(".previous").disabled = busy || !editor.canGo(-1);
  editor.find(".next").disabled = busy || !editor.canGo(1);
  editor.find(".close").disabled = busy;
  root.classList.toggle("busy", busy);
  root.setAttribute("aria-busy", String(busy));
  editor.find(".brush").hidden = !["brush", "eraser"].includes(editor.tool);
  editor.find(".brush input").value = shareOf(editor);
  editor.find(".brush input").setAttribute("aria-valuetext", `${editor.brush} px`);
  editor.find(".brush output").textContent = `${editor.brush} px`;
  editor.find(".opacity input").value = chosen.opacity;
  editor.find(".opacity output").textContent = `${chosen.opacity}%`;
  showTypes(editor);
  showRegions(editor);
  showOffers(editor);
  showOwnType(editor);
  showQuestion(editor);
}

function swatch(type) {
  const canvas = makeTile(type, 18);
  canvas.className = "swatch";
  canvas.setAttribute("aria-hidden", "true");
  return canvas;
}

/** Draw a list anew where it is not what was drawn before; the focus stays on its line. */
function drawList(editor, list, lines, make) {
  const key = JSON.stringify(lines);
  if (list.dataset.drawn === key) return;
  list.dataset.drawn = key;
  const active = editor.root.getRootNode().activeElement;
  const held = [...list.querySelectorAll("button")].indexOf(active);
  list.replaceChildren(...lines.map(make));
  if (held >= 0) (list.querySelectorAll("button")[held] ?? editor.view.canvas).focus();
}

function showTypes(editor) {
  const {types, drawing, words} = editor;
  const lines = types.map((type, at) => ({
    id: type.id, name: type.name, at, on: type.id === editor.type,
    count: drawing.regions.filter((region) => region.type === type.id).length,
  }));
  editor.find(".no-types").hidden = types.length > 0;
  drawList(editor, editor.find(".types"), lines, (one) => element("li", {}, [
    element("button", {
      type: "button", "aria-pressed": String(one.on), onclick: () => editor.useType(one.id),
      "aria-label": fill(words.type_line, {name: one.name, count: one.count}), title: one.name,
    }, [
      swatch(types[one.at]), element("span", {className: "text", text: one.name}),
      element("span", {className: "count", text: one.count || ""}),
      element("kbd", {text: one.at < 9 ? one.at + 1 : ""}),
    ]),
  ]));
}

function showRegions(editor) {
  const {drawing, words} = editor;
  const lines = drawing.regions.map((region, at) => {
    const [, , width, height] = boundsOf(region.form);
    return {
      at, on: at === drawing.selected, type: editor.typeOf(region.type).name, shape: words[region.form.shape],
      size: `${Math.round(width)} × ${Math.round(height)} px`,
    };
  });
  editor.find(".no-regions").hidden = lines.length > 0;
  drawList(editor, editor.find(".regions"), lines, (one) => element("li", {}, [
    element("button", {
      type: "button", className: "line", "aria-pressed": String(one.on), onclick: () => editor.choose(one.at),
    }, [
      element("b", {text: one.at + 1}), element("span", {className: "text", text: one.type}),
      element("small", {text: `${one.shape} · ${one.size}`}),
    ]),
    element("button", {
      type: "button", className: "small", "aria-label": fill(words.remove_region, {number: one.at + 1}),
      title: words.remove, onclick: () => { editor.choose(one.at); editor.tools.corner = -1; editor.remove(); },
    }, [icon("delete")]),
  ]));
}

function showOffers(editor) {
  const {words, offers} = editor;
  editor.find(".offers").hidden = offers.length === 0;
  const lines = offers.map((offer, at) => ({at, type: editor.typeOf(offer.type).name, score: offer.score}));
  drawList(editor, editor.find(".offers ul"), lines, (one) => {
    const offer = offers[one.at];
    const point = (pointed) => () => { editor.pointed = pointed; editor.redraw(); };
    return element("li", {onpointerenter: point(offer), onpointerleave: point(null), onfocusin: point(offer)}, [
      element("span", {className: "text",
        text: fill(words.offer_line, {number: one.at + 1, type: one.type, score: one.score})}),
      element("button", {type: "button", className: "small", title: words.accept,
        "aria-label": fill(words.accept_offer, {number: one.at + 1}), onclick: () => editor.accept([offer])},
      [icon("check")]),
      element("button", {type: "button", className: "small", title: words.drop,
        "aria-label": fill(words.drop_offer, {number: one.at + 1}), onclick: () => editor.drop([offer])},
      [icon("close")]),
    ]);
  });
}

function showOwnType(editor) {
  const {drawing, words, data} = editor, marked = [...new Set(drawing.regions.map((region) => region.type))];
  const largest = drawing.largestType;
  editor.find(".own").hidden = marked.length === 0;
  if (!marked.includes(editor.ownType)) editor.ownType = null;
  const name = (id) => editor.typeOf(id).name;
  const options = [["", fill(words.as_largest, {name: largest === null ? "" : name(largest)})],
    ...marked.map((id) => [id, name(id)])];
  const select = editor.find(".own select"), key = JSON.stringify(options);
  if (select.dataset.drawn !== key) {
    select.dataset.drawn = key;
    select.replaceChildren(...options.map(([value, text]) => element("option", {value: String(value), text})));
  }
  select.value = editor.ownType ?? "";
  const next = editor.ownType ?? largest, before = data.image.own_type_id;
  editor.find(".own small").textContent =
    before !== null && next !== before ? fill(words.type_changes, {before: name(before), after: name(next)}) : "";
}

function showQuestion(editor) {
  const {words, ask} = editor, bar = editor.find(".ask");
  const key = JSON.stringify([ask, words.language, editor.pending !== null, editor.retype ?? null]);
  if (bar.dataset.drawn === key) return;
  bar.dataset.drawn = key;
  // Keys go on to where they are heard: a question that is gone takes the focus with it.
  if (bar.contains(editor.root.getRootNode().activeElement)) editor.view.canvas.focus({preventScroll: true});
  bar.hidden = ask === null;
  const stay = [words.stay, () => { editor.ask = null; editor.refresh(); editor.view.canvas.focus(); }];
  const retyped = () => {
    const {whole, before, next} = editor.retype, name = (id) => ({name: editor.typeOf(id).name});
    const save = {then: editor.then, whole, agreed: true, retyped: true};
    const keep = [fill(words.keep_type, name(before)), () => { editor.ownType = before; editor.save(save); }];
    const isMarked = editor.drawing.regions.some((region) => region.type === before);
    return [[fill(words.take_type, name(next)), () => editor.save(save), true], ...(isMarked ? [keep] : []), stay];
  };
  const answers = ask === "retype" ? retyped() : {
    unsaved: [
      [words.save_and_go, () => editor.save({then: editor.then}), true],
      [words.discard, () => editor.leave(editor.then)], stay,
    ],
    normal: [[words.make_defect, () => editor.save({then: editor.then, agreed: true}), true], stay],
    changed: [
      [words.load_stored, () => { editor.ask = null; editor.reload(); editor.say(""); editor.refresh(); }],
      [words.save_over, () => editor.save({whole: true, agreed: true})], stay,
    ],
  }[ask] ?? [];
  const names = ask === "retype"
    ? {before: editor.typeOf(editor.retype.before).name, after: editor.typeOf(editor.retype.next).name} : {};
  bar.replaceChildren(element("p", {text: ask === null ? "" : fill(words[`ask_${ask}`], names)}),
    ...answers.map(([text, act, first]) => element("button", {
      type: "button", text, className: first ? "primary" : "", onclick: act, disabled: editor.pending !== null,
    })));
}

// --- keys ---------------------------------------------------------------------------------------------------------------

function onKey(editor, event) {
  const {tools} = editor, key = event.key, onStage = event.target === editor.view.canvas;
  const lower = key.length === 1 ? key.toLowerCase() : key;
  const isCommand = event.ctrlKey || event.metaKey;
  let done = true;
  if (isCommand && lower === "z") editor.step(event.shiftKey);
  else if (isCommand && lower === "y") editor.step(true);
  else if (isCommand && lower === "s") editor.save();
  else if (isCommand || event.altKey) done = false;
  else if (key === "Escape") escape(editor);
  else if (event.target.tagName === "SELECT") done = false;
  else if (TOOL_KEYS[lower]) editor.useTool(TOOL_KEYS[lower]);
  else if (lower === "j" || lower === "k") editor.go(lower === "j" ? 1 : -1);
  else if (lower === "m") editor.offer();
  else if (lower === "t") editor.tighten();
  else if (lower === "x") editor.makeMask();
  else if (key === "+" || key === "=") { editor.view.zoom(1.4); editor.redraw(); }
  else if (key === "-" || key === "_") { editor.view.zoom(1 / 1.4); editor.redraw(); }
  else if (key === "0") { editor.view.fit(); editor.redraw(); }
  else if (key === "]") editor.setBrush(Math.max(editor.brush + 1, editor.brush * 1.2));
  else if (key === "[") editor.setBrush(Math.min(editor.brush - 1, editor.brush / 1.2));
  else if (/^[1-9]$/.test(key) && editor.types[Number(key) - 1]) editor.useType(editor.types[Number(key) - 1].id);
  else if (key === "Delete" || key === "Backspace") editor.remove();
  else if (key === "?") editor.find(".keys").toggleAttribute("open");
  else if (key === "Enter" && tools.corners.length) tools.closePolygon();
  else if (!onStage) done = false;
  else if (key.startsWith("Arrow")) {
    const [across, down] = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[key];
    tools.nudge(across, down, event.shiftKey);
  } else if (key === "Enter") tools.act();
  else if (key === " ") {
    // Held, it moves the picture under the pointer; without one it draws at the cross of the keys.
    if (editor.hover && !editor.cursor) editor.spaceHeld = true;
    else if (!event.repeat) tools.act();
  } else done = false;
  if (done) event.preventDefault();
}

function escape(editor) {
  const {tools, drawing} = editor;
  if (editor.ask !== null) editor.ask = null;
  else if (tools.isBusy) tools.cancel();
  else if (editor.cursor) editor.cursor = null;
  else if (drawing.selected >= 0) editor.choose(-1);
  else if (editor.offers.length) editor.drop(editor.offers);
  else editor.go("close");
  editor.refresh();
}
