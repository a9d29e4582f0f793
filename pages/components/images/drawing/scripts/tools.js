// What the pointer and the keys do on the stage. One operation is under way at a time, from pressing to letting go.

const NEAR_PX = 10, MOVED_PX = 3;

class Tools extends Strokes {
  constructor(editor) {
    super();
    this.editor = editor;
    this.pointers = new Map();
    this.operation = null;
    this.corners = [];  // of the polygon that is being drawn
    this.corner = -1;   // of the chosen polygon
    this.start = null;  // the first corner of a box that is drawn by keys
  }

  get drawing() { return this.editor.drawing; }
  get view() { return this.editor.view; }
  get isBusy() { return this.operation !== null || this.corners.length > 0 || this.start !== null; }

  place(event) {
    const area = this.view.canvas.getBoundingClientRect();
    return [event.clientX - area.left, event.clientY - area.top];
  }

  inside([x, y]) {
    return [clamp(x, 0, this.view.width), clamp(y, 0, this.view.height)];
  }

  cancel() {
    this.operation = null;
    this.corners = [];
    this.start = null;
    this.editor.redraw();
  }

  // --- pointers -------------------------------------------------------------------------------------------------------

  down(event) {
    const {canvas} = this.view;
    canvas.focus({preventScroll: true});
    event.preventDefault();
    try { canvas.setPointerCapture(event.pointerId); } catch { /* it is gone already */ }
    this.pointers.set(event.pointerId, this.place(event));
    this.editor.cursor = null;
    this.editor.say("");
    if (this.pointers.size === 2) {
      this.operation = {kind: "pinch", ...this.pinch()};
      return;
    }
    if (this.pointers.size > 2) return;
    const at = this.place(event), point = this.inside(this.view.toImage(...at));
    if (event.button === 2) {
      this.removeCorner();
      return;
    }
    if (event.button === 1 || this.editor.tool === "hand" || this.editor.spaceHeld) {
      this.operation = {kind: "pan", at};
      return;
    }
    if (event.button === 0) this.press(at, point, event);
  }

  pinch() {
    const [one, other] = [...this.pointers.values()];
    return {
      middle: [(one[0] + other[0]) / 2, (one[1] + other[1]) / 2],
      apart: Math.max(1, Math.hypot(one[0] - other[0], one[1] - other[1])),
    };
  }

  press(at, point, event) {
    const {tool} = this.editor;
    if (tool === "brush" || tool === "eraser") {
      this.startStroke(point, tool === "eraser");
      return;
    }
    if (this.corners.length === 0 && this.grab(at)) return;
    if (tool === "box") this.operation = {kind: "box", from: point, to: point, at};
    else if (tool === "polygon") this.addCorner(point, at, event.detail);
    else this.choose(at, point);
  }

  choose(at, point) {
    const found = this.drawing.at(...point, 4 / this.view.scale);
    this.corner = -1;
    this.drawing.selected = found;
    this.operation = found < 0 ? {kind: "pan", at}
      : {kind: "move", from: point, at, index: found, form: this.drawing.regions[found].form};
    this.editor.refresh();
  }

  /** Take hold of a corner or a side of the chosen region, where the pointer is on one. */
  grab(at) {
    const region = this.drawing.chosen;
    if (!region || region.form.shape === "mask") return false;
    const handles = this.handles(region.form);
    const near = (handle) => {
      const [x, y] = this.view.toStage(handle.point);
      return Math.max(Math.abs(x - at[0]), Math.abs(y - at[1]));
    };
    const best = handles.reduce((one, other) => (near(other) < near(one) ? other : one));
    if (near(best) > NEAR_PX) return false;
    this.operation = {kind: "handle", handle: best, index: this.drawing.selected, form: region.form, start: region.form};
    if (region.form.shape === "polygon") {
      if (best.between) {
        const points = region.form.points.slice();
        points.splice(best.corner, 0, best.point);
        this.operation.form = {shape: "polygon", points};
      }
      this.corner = best.corner;
    }
    this.editor.redraw();
    return true;
  }

  /** Return where a form can be taken hold of: corners, and the middles of sides. */
  handles(form) {
    if (form.shape === "box") {
      const {x, y, width, height} = form, found = [];
      for (const [across, down] of [[0, 0], [1, 0], [1, 1], [0, 1], [0.5, 0], [1, 0.5], [0.5, 1], [0, 0.5]])
        found.push({point: [x + across * width, y + down * height], across, down, small: across === 0.5 || down === 0.5});
      return found;
    }
    const corners = form.points.map((point, corner) => ({point, corner}));
    const middles = form.points.map(([x, y], at) => {
      const [nextX, nextY] = form.points[(at + 1) % form.points.length];
      return {point: [fine((x + nextX) / 2), fine((y + nextY) / 2)], corner: at + 1, between: true, small: true};
    });
    return [...corners, ...middles];
  }

  move(event) {
    const at = this.place(event);
    this.editor.hover = this.view.toImage(...at);
    if (this.pointers.has(event.pointerId)) this.pointers.set(event.pointerId, at);
    const {operation} = this;
    if (operation === null) {
      this.editor.redraw();
      return;
    }
    if (operation.kind === "pinch") {
      if (this.pointers.size < 2) return;
      const {middle, apart} = this.pinch();
      this.view.zoom(apart / operation.apart, ...middle);
      this.view.pan(middle[0] - operation.middle[0], middle[1] - operation.middle[1]);
      Object.assign(operation, {middle, apart});
    } else if (operation.kind === "pan") {
      this.view.pan(at[0] - operation.at[0], at[1] - operation.at[1]);
      operation.at = at;
    } else {
      // Every point that the pointer passed counts, not only those for which there was time to draw.
      const passed = event.getCoalescedEvents?.() ?? [];
      for (const one of passed.length ? passed : [event])
        this.drag(operation, this.inside(this.view.toImage(...this.place(one))), this.place(one));
    }
    this.editor.redraw();
  }

  drag(operation, point, at) {
    const {width, height} = this.view;
    if (operation.kind === "stroke") {
      this.stroke(operation, operation.last, point);
      operation.last = point;
    } else if (operation.kind === "box") operation.to = point;
    else if (operation.kind === "move") {
      if (!operation.moves && Math.hypot(at[0] - operation.at[0], at[1] - operation.at[1]) < MOVED_PX) return;
      operation.moves = true;
      operation.moved = moved(operation.form, point[0] - operation.from[0], point[1] - operation.from[1], width, height);
    } else if (operation.kind === "handle") {
      const {handle, form} = operation;
      if (form.shape === "polygon") {
        const points = form.points.slice();
        points[handle.corner] = [fine(point[0]), fine(point[1])];
        operation.form = {shape: "polygon", points};
      } else {
        const {start} = operation;
        const far = [start.x + (handle.across ? 0 : start.width), start.y + (handle.down ? 0 : start.height)];
        const near = [handle.across === 0.5 ? start.x : point[0], handle.down === 0.5 ? start.y : point[1]];
        if (handle.across === 0.5) far[0] = start.x + start.width;
        if (handle.down === 0.5) far[1] = start.y + start.height;
        operation.form = boxBetween(near, far);
      }
    }
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    const {operation} = this;
    if (operation === null || (operation.kind === "pinch" && this.pointers.size > 0)) return;
    this.operation = null;
    if (operation.kind === "stroke") this.endStroke(operation);
    else if (operation.kind === "box") this.endBox(operation);
    else if (operation.kind === "move" && operation.moves) this.drawing.replace(operation.index, operation.moved);
    else if (operation.kind === "handle") this.endHandle(operation);
    this.editor.refresh();
  }

  endBox({from, to, at}) {
    const box = boxBetween(from, to);
    if (Math.max(box.width, box.height) * this.view.scale < MOVED_PX + 1) {
      // A click that draws nothing chooses what it is on.
      this.choose(at, from);
      this.operation = null;
    } else this.finishBox(box);
  }

  finishBox(box) {
    if (box.width < 1 || box.height < 1) this.editor.say(this.editor.words.too_small, true);
    else this.drawing.add(box, this.editor.type);
  }

  endHandle({index, form, start}) {
    if (form.shape === "polygon" && crosses(form.points)) this.editor.say(this.editor.words.crosses, true);
    else if (form.shape === "box" && (form.width < 1 || form.height < 1))
      this.editor.say(this.editor.words.too_small, true);
    else if (form !== start) this.drawing.replace(index, form);
  }

  // --- polygon --------------------------------------------------------------------------------------------------------

  addCorner(point, at, clicks = 1) {
    const corner = [fine(point[0]), fine(point[1])];
    if (this.corners.length === 0) this.drawing.selected = -1;
    const first = this.corners[0] && this.view.toStage(this.corners[0]);
    if (clicks > 1 || (first && this.corners.length > 2 && Math.hypot(first[0] - at[0], first[1] - at[1]) < NEAR_PX)) {
      this.closePolygon();
      return;
    }
    this.corners.push(corner);
    this.editor.refresh();
  }

  closePolygon() {
    const points = this.corners.filter((point, at, all) => {
      const before = all[(at + all.length - 1) % all.length];
      return point[0] !== before[0] || point[1] !== before[1];
    });
    if (points.length < 3) this.editor.say(this.editor.words.three_corners, true);
    else if (crosses(points)) this.editor.say(this.editor.words.crosses, true);
    else if (areaOf({shape: "polygon", points}) < 1) this.editor.say(this.editor.words.too_small, true);
    else {
      this.corners = [];
      this.drawing.add({shape: "polygon", points}, this.editor.type);
    }
    this.editor.refresh();
  }

  /** Take back the last corner of the polygon that is being drawn, or the marked corner of the chosen one. */
  removeCorner() {
    if (this.corners.length) this.corners.pop();
    else {
      const region = this.drawing.chosen;
      if (region?.form.shape !== "polygon" || this.corner < 0 || region.form.points.length <= 3) return false;
      const points = region.form.points.filter((_point, at) => at !== this.corner);
      if (crosses(points)) {
        this.editor.say(this.editor.words.crosses, true);
        return true;
      }
      this.drawing.replace(this.drawing.selected, {shape: "polygon", points});
      this.corner = -1;
    }
    this.editor.refresh();
    return true;
  }

  // --- keys: everything that a pointer draws ---------------------------------------------------------------------------

  /** Move the cross of the keys, or the chosen region, by so many steps; small ones are pixels of the image. */
  nudge(across, down, small) {
    const {editor, drawing, view} = this;
    const step = small ? 1 : Math.max(1, 12 / view.scale);
    if (editor.tool === "pick" && drawing.chosen) {
      const form = moved(drawing.chosen.form, across * step, down * step, view.width, view.height);
      drawing.replace(drawing.selected, form);
      editor.refresh();
      return;
    }
    if (editor.tool === "hand") {
      view.pan(-across * 40, -down * 40);
      editor.redraw();
      return;
    }
    const from = editor.cursor ?? view.toImage(view.canvas.clientWidth / 2, view.canvas.clientHeight / 2);
    const to = this.inside([from[0] + across * step, from[1] + down * step]);
    editor.cursor = to;
    const [x, y] = view.toStage(to), {clientWidth, clientHeight} = view.canvas;
    view.pan(clamp(x, 30, clientWidth - 30) - x, clamp(y, 30, clientHeight - 30) - y);
    editor.say(`x ${Math.floor(to[0])}, y ${Math.floor(to[1])}`);
    editor.redraw();
  }

  /** Do at the cross of the keys what a click does there. */
  act() {
    const {editor, view} = this;
    const point = editor.cursor ?? this.inside(view.toImage(view.canvas.clientWidth / 2, view.canvas.clientHeight / 2));
    editor.cursor = point;
    if (editor.tool === "polygon") this.addCorner(point, view.toStage(point));
    else if (editor.tool === "box") {
      if (this.start === null) this.start = point;
      else {
        const box = boxBetween(this.start, point);
        this.start = null;
        this.finishBox(box);
      }
    } else if (editor.tool === "brush" || editor.tool === "eraser") {
      this.startStroke(point, editor.tool === "eraser");
      const {operation} = this;
      this.operation = null;
      this.endStroke(operation);
    } else {
      this.choose(view.toStage(point), point);
      this.operation = null;
    }
    editor.refresh();
  }

  // --- what is under way, drawn over the regions -----------------------------------------------------------------------

  /** Return the form that an operation gives a region meanwhile; undefined where it is as it was. */
  formOf(index) {
    const {operation} = this;
    if (operation === null) return undefined;
    if (operation.kind === "stroke") return operation.parts.find((part) => part.index === index)?.mask;
    if (operation.index !== index) return undefined;
    return operation.kind === "move" ? operation.moved : operation.kind === "handle" ? operation.form : undefined;
  }

  draw() {
    const {view, editor, drawing, operation} = this;
    const type = editor.typeOf(editor.type);
    if (operation?.kind === "stroke") {
      const added = operation.parts.find((part) => part.index < 0);
      if (added?.mask.width) view.draw(added.mask, type, editor.opacity);
    }
    if (operation?.kind === "box") view.draw(boxBetween(operation.from, operation.to), type, editor.opacity);
    if (this.corners.length) {
      const tip = editor.cursor ?? editor.hover;
      view.path(tip ? [...this.corners, this.inside(tip)] : this.corners);
      this.corners.forEach((point, at) => view.handle(point, {round: at === 0, marked: at === 0}));
    }
    if (this.start) view.draw(boxBetween(this.start, editor.cursor ?? this.start), type, editor.opacity);
    const chosen = drawing.chosen;
    if (chosen && chosen.form.shape !== "mask" && ["pick", "box", "polygon"].includes(editor.tool))
      for (const handle of this.handles(this.formOf(drawing.selected) ?? chosen.form))
        view.handle(handle.point, {
          round: chosen.form.shape === "polygon", small: handle.small,
          marked: !handle.small && chosen.form.shape === "polygon" && handle.corner === this.corner,
        });
    const tip = editor.cursor ?? editor.hover;
    if (tip && (editor.tool === "brush" || editor.tool === "eraser")) view.circle(tip, editor.brush / 2);
    if (editor.cursor) view.cross(editor.cursor);
  }
}
