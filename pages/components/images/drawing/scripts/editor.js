// The editor: one for each place on a page; it outlives the runs of the page, which only bring it news.

class Editor extends Exchange {
  constructor(root) {
    super();
    this.root = root;
    this.find = (selector) => root.querySelector(selector);
    this.view = new View(this.find("canvas"));
    this.tools = new Tools(this);
    this.offers = [];
    this.pending = null;
    this.ask = null;
    this.cursor = this.hover = null;
    this.spaceHeld = false;
    this.wire();
  }

  get tool() { return chosen.tool; }
  get brush() { return chosen.brush; }
  get opacity() { return chosen.opacity / 100; }
  typeOf(id) { return this.types.find((type) => type.id === id) ?? this.types[0]; }

  // --- what can be done -----------------------------------------------------------------------------------------------

  useTool(tool) {
    if (this.tools.corners.length && tool !== "polygon") this.tools.corners = [];
    this.tools.start = null;
    chosen.tool = tool;
    this.refresh();
  }

  useType(id) {
    this.type = id;
    if (this.drawing.chosen) this.drawing.retype(this.drawing.selected, id);
    this.refresh();
  }

  setBrush(value) {
    chosen.brush = clamp(Math.round(value), 1, this.largestBrush);
    this.refresh();
  }

  choose(index) {
    this.drawing.selected = index;
    this.tools.corner = -1;
    this.refresh();
  }

  remove() {
    if (this.tools.removeCorner()) return;
    const {drawing} = this;
    if (!drawing.chosen) return;
    drawing.replace(drawing.selected, null);
    this.say(this.words.removed);
    this.refresh();
  }

  step(redoes) {
    if (this.tools.corners.length) {
      if (!redoes) this.tools.removeCorner();
      return;
    }
    this.drawing[redoes ? "redo" : "undo"]();
    this.tools.corner = -1;
    this.refresh();
  }

  tighten() {
    const {chosen: region} = this.drawing;
    if (region?.form.shape !== "box") {
      this.say(this.words.tighten_needs_box, true);
      return;
    }
    this.tightened = region.form;
    const {x, y, width, height} = region.form;
    this.request("tighten", {box: {shape: "box", x, y, width, height, defect_type_id: region.type}});
  }

  makeMask() {
    const {drawing} = this, region = drawing.chosen;
    const mask = region && region.form.shape !== "mask" && asMask(region.form, this.view.width, this.view.height);
    if (mask) drawing.replace(drawing.selected, mask);
    this.refresh();
  }

  offer() {
    if (!this.data.has_model) this.say(this.words.no_model, true);
    else this.request("offer", {});
  }

  accept(offers) {
    const {drawing} = this;
    drawing.commit([...drawing.regions, ...offers.map(({form, type}) => ({form, type, origin: "model"}))],
      drawing.regions.length + offers.length - 1);
    this.drop(offers);
  }

  drop(offers) {
    this.offers = this.offers.filter((offer) => !offers.includes(offer));
    this.refresh();
  }

  // --- what is seen ---------------------------------------------------------------------------------------------------

  say(text, wrong = false) {
    const status = this.find(".status");
    status.textContent = text ?? "";
    status.classList.toggle("wrong", wrong);
    clearTimeout(this.said);
    // What is well and done need not lie on the picture for long; what went wrong stays.
    if (text && !wrong) this.said = setTimeout(() => { if (this.pending === null) status.textContent = ""; }, 8000);
  }

  redraw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.paint();
    });
  }

  paint() {
    const {view, drawing, tools} = this;
    if (!drawing || !this.types.length) {
      view.resize();
      view.begin();
      return;
    }
    view.resize();
    view.begin();
    const bare = this.find(".show input").checked === false;
    drawing.regions.forEach((region, index) => {
      if (bare) return;
      const form = tools.formOf(index) ?? region.form;
      if (form.width === 0) return;
      view.draw(form, this.typeOf(region.type), this.opacity, {selected: index === drawing.selected});
    });
    if (!bare) drawing.regions.forEach((region, index) => {
      const form = tools.formOf(index) ?? region.form;
      if (form.width !== 0) view.label(form, String(index + 1), this.typeOf(region.type));
    });
    this.offers.forEach((offer, index) => {
      view.draw(offer.form, this.typeOf(offer.type), offer === this.pointed ? 0.6 : 0.15, {dashed: true});
      view.label(offer.form, fill(this.words.offer_short, {number: index + 1}), this.typeOf(offer.type));
    });
    tools.draw();
  }

  refresh() {
    showPanel(this);
    this.redraw();
  }

  // --- events ---------------------------------------------------------------------------------------------------------

  wire() {
    const {canvas} = this.view, {root, tools} = this;
    canvas.onpointerdown = (event) => tools.down(event);
    canvas.onpointermove = (event) => tools.move(event);
    canvas.onpointerup = (event) => tools.up(event);
    canvas.onpointercancel = (event) => {
      tools.pointers.delete(event.pointerId);
      tools.operation = null;
      this.redraw();
    };
    canvas.onpointerleave = () => { this.hover = null; this.redraw(); };
    canvas.oncontextmenu = (event) => event.preventDefault();
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.view.zoom(Math.exp(-clamp(event.deltaY, -240, 240) * (event.ctrlKey ? 0.01 : 0.0016)), ...tools.place(event));
      this.redraw();
    }, {passive: false});
    // Keys that are pressed here are for the drawing; the page behind must not take them for its own.
    for (const kind of ["keydown", "keyup", "keypress"])
      root.addEventListener(kind, (event) => {
        event.stopPropagation();
        if (kind === "keydown") onKey(this, event);
        else if (kind === "keyup" && event.key === " ") this.spaceHeld = false;
      });
    for (const kind of ["paste", "copy", "cut"]) root.addEventListener(kind, (event) => event.stopPropagation());
    root.addEventListener("cancel", (event) => event.preventDefault());
    wireControls(this);
  }

  attach() {
    this.watcher = new ResizeObserver(() => this.redraw());
    this.watcher.observe(this.view.canvas);
    this.warn = (event) => {
      if (!this.drawing?.isChanged) return;
      this.drawing.keepNow();
      event.preventDefault();
    };
    window.addEventListener("beforeunload", this.warn);
    const isOpen = this.root.open;
    if (!isOpen) this.root.showModal();
    if (!isOpen || !this.root.contains(this.root.getRootNode().activeElement))
      this.view.canvas.focus({preventScroll: true});
  }

  detach() {
    this.watcher?.disconnect();
    window.removeEventListener("beforeunload", this.warn);
  }
}

const editors = new WeakMap();

export default function (component) {
  const root = component.parentElement.querySelector("dialog");
  // Nothing without a name is shown before this has run.
  root.removeAttribute("data-undrawn");
  let editor = editors.get(root);
  if (!editor) editors.set(root, (editor = new Editor(root)));
  editor.detach();
  editor.update(component);
  editor.attach();
  return () => {
    editor.drawing?.isChanged && editor.drawing.keepNow();
    editor.detach();
  };
}
