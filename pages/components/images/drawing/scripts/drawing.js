// What is drawn on one image: its regions, the way back, what the server has of it, and what waits in this browser.

const MOST_STEPS = 80;
const DRAFT = "geomsa-regions-";

class Drawing {
  constructor(image, regions, firstType) {
    this.image = image;
    this.firstType = firstType;
    this.adopt(image.row_version, regions);
    this.begin();
  }

  /** Open an image as it is stored, with what waits in this browser over it. */
  static open(image, regions, firstType, known) {
    const drawing = new Drawing(image, regions, firstType);
    drawing.wasRestored = drawing.restore(known);
    return drawing;
  }

  begin() {
    this.regions = this.stored.slice();
    this.selected = -1;
    this.past = [];
    this.future = [];
  }

  /** Take what the server stores now as what changes are counted from. */
  adopt(rowVersion, regions) {
    this.rowVersion = rowVersion;
    this.stored = regions.map((value) => ({
      form: readForm(value, this.image.height), type: value.defect_type_id ?? this.firstType, origin: value.origin,
    }));
  }

  /** Begin anew with what is stored; what was drawn is gone. */
  restart() {
    this.begin();
    this.forget();
  }

  /** The server has what is drawn, in this order: the forms stay the same objects, so that undoing still works. */
  saved(rowVersion) {
    this.rowVersion = rowVersion;
    this.stored = this.regions.slice();
    this.forget();
  }

  get isChanged() {
    return this.regions.length !== this.stored.length || this.regions.some((region, at) => {
      const before = this.stored[at];
      return region.form !== before.form || region.type !== before.type;
    });
  }

  get chosen() { return this.regions[this.selected] ?? null; }

  commit(regions, selected = this.selected) {
    this.past.push({regions: this.regions, selected: this.selected});
    if (this.past.length > MOST_STEPS) this.past.shift();
    this.future = [];
    this.regions = regions;
    this.selected = selected < regions.length ? selected : -1;
    this.keep();
  }

  add(form, type, origin = "person") { this.commit([...this.regions, {form, type, origin}], this.regions.length); }

  /** Put another form in the place of one; null takes the region away. */
  replace(at, form) {
    if (form === this.regions[at].form) return;
    const regions = this.regions.slice();
    if (form) regions[at] = {...regions[at], form};
    else regions.splice(at, 1);
    this.commit(regions, form ? at : -1);
  }

  retype(at, type) {
    if (this.regions[at].type === type) return;
    const regions = this.regions.slice();
    regions[at] = {...regions[at], type};
    this.commit(regions, at);
  }

  step(from, to) {
    const state = from.pop();
    if (!state) return false;
    to.push({regions: this.regions, selected: this.selected});
    this.regions = state.regions;
    this.selected = state.selected < state.regions.length ? state.selected : -1;
    this.keep();
    return true;
  }

  undo() { return this.step(this.past, this.future); }
  redo() { return this.step(this.future, this.past); }

  get largestType() { return this.largestOf(this.regions); }

  largestOf(regions) {
    let best = null, area = -1;
    for (const region of regions) {
      const found = areaOf(region.form);
      if (found > area) [best, area] = [region.type, found];
    }
    return best;
  }

  at(x, y, reach) {
    // The smallest one is meant: what lies under a large one could not be chosen otherwise.
    let best = -1, area = Infinity;
    this.regions.forEach(({form}, index) => {
      const near = [[0, 0], [reach, 0], [-reach, 0], [0, reach], [0, -reach]];
      if (near.some(([dx, dy]) => holds(form, x + dx, y + dy)) && areaOf(form) < area)
        [best, area] = [index, areaOf(form)];
    });
    return best;
  }

  /** Return what is sent: of a form that the server has, its number there; of any other, all of it. */
  write({whole = false} = {}) {
    const {width, height} = this.image;
    return this.regions.map(({form, type, origin}) => {
      const kept = whole ? -1 : this.stored.findIndex((before) => before.form === form);
      const about = {defect_type_id: type, origin};
      return kept >= 0 ? {kept, ...about} : {...writeForm(form, width, height), ...about};
    });
  }

  // --- what outlives a reload of the page -----------------------------------------------------------------------------

  get draftKey() { return `${DRAFT}${this.image.id}`; }

  keep() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keepNow(), 400);
  }

  keepNow() {
    clearTimeout(this.timer);
    try {
      if (!this.isChanged) sessionStorage.removeItem(this.draftKey);
      else sessionStorage.setItem(this.draftKey,
        JSON.stringify({version: this.rowVersion, regions: this.write({whole: true})}));
    } catch {
      // No room, or not allowed: what is drawn is still on the screen.
    }
  }

  forget() {
    clearTimeout(this.timer);
    try { sessionStorage.removeItem(this.draftKey); } catch { /* it was never kept */ }
  }

  /** Bring back what waited in this browser; whether there was any. */
  restore(known) {
    let draft = null;
    try { draft = JSON.parse(sessionStorage.getItem(this.draftKey)); } catch { /* as if there were none */ }
    if (!draft || !Array.isArray(draft.regions)) return false;
    this.commit(draft.regions.map((value) => ({
      form: readForm(value, this.image.height),
      type: known.has(value.defect_type_id) ? value.defect_type_id : this.firstType,
      origin: value.origin,
    })), -1);
    // It was drawn on what was stored then: whoever changed that since is not written over without a word.
    if (draft.version !== this.rowVersion) [this.rowVersion, this.stored] = [draft.version, []];
    return true;
  }
}
