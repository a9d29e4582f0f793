// What goes between the editor and the server: an image to draw on, what is saved, what is asked and answered.

const LARGEST_MESSAGE = 4_000_000;
const PATIENCE_MS = 45_000;
// What a person set stays for the next image.
const chosen = {tool: "box", opacity: 45, brush: null};

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

class Exchange {
  // --- news from the server -------------------------------------------------------------------------------------------

  update({data, setTriggerValue}) {
    this.send = (message) => setTriggerValue("sent", message);
    this.data = data;
    this.words = data.words;
    this.types = data.types;
    const {image, answer} = data;
    const isNew = this.drawing?.image.id !== image.id;
    if (isNew) this.open();
    else if (this.pending === null && !this.drawing.isChanged && this.drawing.rowVersion !== image.row_version)
      this.reload();
    this.drawing.image = image;
    if (this.pending && answer?.request === this.pending.request) this.take(answer);
    else if (isNew) this.pending = null;
    this.refresh();
  }

  open() {
    const {image, regions} = this.data;
    if (!this.types.some((type) => type.id === this.type)) this.type = image.own_type_id ?? this.types[0]?.id ?? null;
    else if (image.own_type_id !== null) this.type = image.own_type_id;
    this.drawing = Drawing.open(image, regions, image.own_type_id ?? this.type, new Set(this.types.map((type) => type.id)));
    this.tools.cancel();
    this.offers = [];
    this.ask = null;
    this.settleOwnType();
    this.view.fitted = true;
    this.view.image = null;
    chosen.brush = clamp(chosen.brush ?? Math.round(Math.max(image.width, image.height) / 40), 1, this.largestBrush);
    const picture = new Image(), restored = this.drawing.wasRestored ? this.words.restored : "";
    picture.onload = () => {
      if (this.drawing.image.id !== image.id) return;
      this.view.setImage(picture, image.width, image.height);
      if (this.find(".status").textContent === this.words.loading) this.say(restored);
      this.redraw();
    };
    picture.onerror = () => this.say(this.words.no_picture, true);
    picture.src = image.url;
    this.view.width = image.width;
    this.view.height = image.height;
    // A picture of many megapixels takes a moment: until it is there, the stage is dark.
    this.say(this.words.loading);
    clearTimeout(this.said);
  }

  get largestBrush() { return Math.max(40, Math.round(Math.max(this.data.image.width, this.data.image.height) / 5)); }

  /** Go by what the image counts as now, where that was chosen: as another type than that of its largest region. */
  settleOwnType() {
    const own = this.data.image.own_type_id, {stored} = this.drawing;
    const isChosen = stored.some((region) => region.type === own) && own !== this.drawing.largestOf(stored);
    this.ownType = this.ownBefore = isChosen ? own : null;
  }

  get isChanged() { return this.drawing.isChanged || this.ownType !== this.ownBefore; }

  /** Show what is stored now in the place of what was drawn. */
  reload() {
    this.drawing.adopt(this.data.image.row_version, this.data.regions);
    this.drawing.restart();
    this.settleOwnType();
    this.tools.cancel();
  }

  take(answer) {
    const {kind, then} = this.pending;
    this.pending = null;
    clearTimeout(this.patience);
    if (answer.error) {
      this.say(answer.error, true);
      if (answer.code === "image_changed") this.ask = "changed";
    } else if (kind === "save") {
      this.drawing.saved(answer.row_version);
      this.settleOwnType();
      this.say(this.words.saved);
      if (then) this.go(then);
    } else if (kind === "tighten") {
      const at = this.drawing.regions.findIndex((region) => region.form === this.tightened);
      if (at >= 0) this.drawing.replace(at, readForm(answer.region, this.data.image.height));
      this.say(this.words.tightened);
    } else if (kind === "offer") {
      this.offers = answer.offers.map((offer) => ({
        form: readForm(offer, this.data.image.height), type: offer.defect_type_id ?? this.type, score: offer.score,
      }));
      this.say(answer.note);
    }
  }

  /** Send a message and wait for its answer; whatever is drawn meanwhile stays. */
  request(kind, message, then = null) {
    if (this.pending) return;
    const request = `${Date.now()}-${Math.random()}`;
    const sent = {kind, request, image_id: this.data.image.id, ...message};
    if (JSON.stringify(sent).length > LARGEST_MESSAGE) {
      this.say(this.words.too_detailed, true);
      return;
    }
    this.pending = {kind, request, then};
    this.patience = setTimeout(() => {
      this.pending = null;
      this.say(this.words.no_answer, true);
      this.refresh();
    }, PATIENCE_MS);
    this.drawing.keepNow();
    this.say(this.words[`busy_${kind}`]);
    this.refresh();
    this.send(sent);
  }

  // --- saving and leaving ---------------------------------------------------------------------------------------------

  save({then = null, agreed = false, whole = false, retyped = false} = {}) {
    const {drawing} = this, {image} = this.data;
    if (this.tools.corners.length) this.tools.closePolygon();
    if (this.tools.corners.length) return;
    if (!this.isChanged && !whole) {
      if (then) this.go(then);
      else this.say(this.words.nothing_changed);
      return;
    }
    if (image.image_type === "normal" && drawing.regions.length && !agreed) {
      this.askFor("normal", then);
      return;
    }
    const before = image.own_type_id, next = this.ownType ?? drawing.largestType;
    if (before !== null && next !== null && next !== before && this.ownType === null && !retyped) {
      this.retype = {whole, before, next};
      this.askFor("retype", then);
      return;
    }
    this.ask = null;
    const marked = new Set(drawing.regions.map((region) => region.type));
    this.request("save", {
      regions: drawing.write({whole}), row_version: whole ? image.row_version : drawing.rowVersion,
      own_type_id: marked.has(this.ownType) ? this.ownType : null, make_defect: agreed,
    }, then);
  }

  askFor(question, then = null) {
    this.ask = question;
    this.then = then;
    this.say("");
    this.refresh();
    this.find(".ask button")?.focus();
  }

  /** Go to another image, or back to the gallery; what is not saved is asked for first. */
  go(where) {
    if (this.pending) return;
    if (typeof where === "number" && !this.canGo(where)) return;
    if (this.isChanged || this.tools.corners.length) {
      this.askFor("unsaved", where);
      return;
    }
    this.leave(where);
  }

  leave(where) {
    this.ask = null;
    this.tools.cancel();
    this.drawing.restart();
    this.request(where === "close" ? "close" : "go", where === "close" ? {} : {step: where});
  }

  canGo(step) {
    const place = this.data.image.place + step;
    return place >= 0 && place < this.data.image.total;
  }
}
