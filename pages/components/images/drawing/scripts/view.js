// What is seen of the image: where it stands on the stage, and how its regions are drawn over it.

const LARGEST_SCALE = 40;
const PATTERNS = [
  (pen, size) => { for (const at of [-size, 0, size]) line(pen, at, size, at + size, 0); },
  (pen, size) => { for (const at of [[0.25, 0.25], [0.75, 0.75]]) dot(pen, at[0] * size, at[1] * size, size / 7); },
  (pen, size) => { for (const at of [-size, 0, size]) line(pen, at, 0, at + size, size); },
  (pen, size) => line(pen, 0, size / 2, size, size / 2),
];

function line(pen, x1, y1, x2, y2) {
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
  pen.stroke();
}

function dot(pen, x, y, radius) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 7);
  pen.fill();
}

/** Return a tile of the type's color and pattern, for filling. */
function makeTile(type, size) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = size;
  const pen = tile.getContext("2d");
  pen.fillStyle = type.color;
  pen.globalAlpha = 0.35;
  pen.fillRect(0, 0, size, size);
  pen.globalAlpha = 1;
  pen.fillStyle = pen.strokeStyle = type.color;
  pen.lineWidth = size / 5;
  PATTERNS[type.pattern % PATTERNS.length](pen, size);
  return tile;
}

class View {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.layer = document.createElement("canvas");
    this.tiles = new Map();
    this.width = this.height = 0;
    this.scale = 1;
    this.left = this.top = 0;
    this.fitted = true;
  }

  setImage(image, width, height) {
    [this.image, this.width, this.height] = [image, width, height];
    this.fit();
  }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    const {clientWidth, clientHeight} = this.canvas;
    const size = [Math.max(1, Math.round(clientWidth * ratio)), Math.max(1, Math.round(clientHeight * ratio))];
    if (size[0] !== this.canvas.width || size[1] !== this.canvas.height)
      [this.canvas.width, this.canvas.height] = size;
    this.ratio = ratio;
    if (this.fitted) this.fit();
  }

  fit() {
    const {clientWidth, clientHeight} = this.canvas;
    if (!this.width || !clientWidth) return;
    this.smallest = Math.min((clientWidth - 16) / this.width, (clientHeight - 16) / this.height);
    this.scale = Math.max(this.smallest, 1e-4);
    this.left = (clientWidth - this.width * this.scale) / 2;
    this.top = (clientHeight - this.height * this.scale) / 2;
    this.fitted = true;
  }

  zoom(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const scale = clamp(this.scale * factor, Math.min(this.smallest, 1) * 0.5, LARGEST_SCALE);
    const share = scale / this.scale;
    this.left = x - (x - this.left) * share;
    this.top = y - (y - this.top) * share;
    this.scale = scale;
    this.fitted = false;
    this.keepInSight();
  }

  pan(dx, dy) {
    this.left += dx;
    this.top += dy;
    this.fitted = false;
    this.keepInSight();
  }

  keepInSight() {
    const {clientWidth, clientHeight} = this.canvas;
    this.left = clamp(this.left, 40 - this.width * this.scale, clientWidth - 40);
    this.top = clamp(this.top, 40 - this.height * this.scale, clientHeight - 40);
  }

  toImage(x, y) { return [(x - this.left) / this.scale, (y - this.top) / this.scale]; }
  toStage([x, y]) { return [x * this.scale + this.left, y * this.scale + this.top]; }

  // --- drawing --------------------------------------------------------------------------------------------------------

  begin() {
    const {pen, canvas} = this;
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    if (!this.image) return;
    // Seen from near, each pixel is a square: whoever draws wants to know which one it is.
    pen.imageSmoothingEnabled = this.scale * this.width < 2 * this.image.naturalWidth;
    pen.drawImage(this.image, this.left, this.top, this.width * this.scale, this.height * this.scale);
  }

  fillOf(type) {
    const size = 10, key = `${type.color}${type.pattern}`;
    if (!this.tiles.has(key)) this.tiles.set(key, this.pen.createPattern(makeTile(type, size), "repeat"));
    return this.tiles.get(key);
  }

  outline(form) {
    const {pen} = this;
    pen.beginPath();
    if (form.shape === "polygon") {
      form.points.forEach((point, at) => pen[at ? "lineTo" : "moveTo"](...this.toStage(point)));
      pen.closePath();
    } else pen.rect(...this.toStage([form.x, form.y]), form.width * this.scale, form.height * this.scale);
  }

  draw(form, type, opacity, {selected = false, dashed = false} = {}) {
    if (form.shape === "mask") {
      this.drawMask(form, type, opacity, selected);
      return;
    }
    const {pen} = this;
    this.outline(form);
    pen.globalAlpha = opacity;
    pen.fillStyle = this.fillOf(type);
    pen.fill();
    pen.globalAlpha = 1;
    pen.setLineDash([]);
    pen.strokeStyle = "rgba(0, 0, 0, 0.65)";
    pen.lineWidth = selected ? 6 : 4;
    pen.stroke();
    pen.setLineDash(dashed ? [7, 5] : []);
    pen.strokeStyle = selected ? "#ffffff" : type.color;
    pen.lineWidth = 2;
    pen.stroke();
    pen.setLineDash([]);
  }

  /** Draw what is in sight of a mask, from its own pixels: exact at any scale, and never more work than the stage. */
  drawMask(mask, type, opacity, selected) {
    const {pen, layer, scale} = this, {clientWidth, clientHeight} = this.canvas;
    const [x1, y1] = this.toStage([mask.x, mask.y]);
    const left = Math.max(0, Math.floor(x1) - 1), top = Math.max(0, Math.floor(y1) - 1);
    const right = Math.min(clientWidth, Math.ceil(x1 + mask.width * scale) + 1);
    const bottom = Math.min(clientHeight, Math.ceil(y1 + mask.height * scale) + 1);
    const width = right - left, height = bottom - top;
    if (width <= 0 || height <= 0) return;
    const columns = new Int32Array(width), rows = new Int32Array(height);
    for (let at = 0; at < width; at++) columns[at] = Math.floor((left + at + 0.5 - this.left) / scale) - mask.x;
    for (let at = 0; at < height; at++) rows[at] = Math.floor((top + at + 0.5 - this.top) / scale) - mask.y;
    const on = new Uint8Array(width * height);
    for (let row = 0; row < height; row++) {
      if (rows[row] < 0 || rows[row] >= mask.height) continue;
      const start = rows[row] * mask.width;
      for (let column = 0; column < width; column++)
        if (columns[column] >= 0 && columns[column] < mask.width)
          on[row * width + column] = mask.bits[start + columns[column]];
    }
    if (layer.width < width || layer.height < height)
      [layer.width, layer.height] = [Math.max(layer.width, width), Math.max(layer.height, height)];
    const brush = layer.getContext("2d", {willReadFrequently: true});
    const inner = brush.createImageData(width, height), edge = brush.createImageData(width, height);
    const [red, green, blue] = selected ? [255, 255, 255]
      : [1, 3, 5].map((at) => parseInt(type.color.slice(at, at + 2), 16));
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++) {
        const at = row * width + column;
        if (!on[at]) continue;
        inner.data[at * 4 + 3] = 255;
        const isEdge = !on[at - 1] || !on[at + 1] || !on[at - width] || !on[at + width]
          || column === 0 || column === width - 1;
        if (isEdge) edge.data.set([red, green, blue, 255], at * 4);
      }
    const put = (data, alpha, fill) => {
      brush.globalCompositeOperation = "source-over";
      brush.clearRect(0, 0, layer.width, layer.height);
      brush.putImageData(data, 0, 0);
      if (fill) {
        brush.globalCompositeOperation = "source-in";
        brush.fillStyle = fill;
        brush.fillRect(0, 0, width, height);
      }
      pen.globalAlpha = alpha;
      pen.drawImage(layer, 0, 0, width, height, left, top, width, height);
      pen.globalAlpha = 1;
    };
    put(inner, opacity, this.fillOf(type));
    put(edge, 1, null);
  }

  label(form, text, type) {
    const {pen} = this, [x, y] = this.toStage(boundsOf(form));
    pen.font = "700 12px system-ui, sans-serif";
    const width = pen.measureText(text).width + 8;
    const top = y < 18 ? y + 2 : y - 17, left = clamp(x, 0, Math.max(0, this.canvas.clientWidth - width));
    pen.fillStyle = "#111a20";
    pen.fillRect(left, top, width, 16);
    pen.fillStyle = type.color;
    pen.fillRect(left, top, 3, 16);
    pen.fillStyle = "#ffffff";
    pen.fillText(text, left + 5, top + 12);
  }

  handle(point, {round = false, small = false, marked = false} = {}) {
    const {pen} = this, [x, y] = this.toStage(point), reach = small ? 4 : 6;
    pen.beginPath();
    if (round) pen.arc(x, y, reach, 0, 7);
    else pen.rect(x - reach, y - reach, 2 * reach, 2 * reach);
    pen.fillStyle = marked ? "#111a20" : "#ffffff";
    pen.globalAlpha = small ? 0.75 : 1;
    pen.fill();
    pen.globalAlpha = 1;
    pen.strokeStyle = marked ? "#ffffff" : "#111a20";
    pen.lineWidth = 1.5;
    pen.stroke();
  }

  circle(point, radius) {
    const {pen} = this, [x, y] = this.toStage(point);
    for (const [color, width] of [["rgba(0, 0, 0, 0.7)", 3], ["#ffffff", 1.25]]) {
      pen.beginPath();
      pen.arc(x, y, Math.max(2, radius * this.scale), 0, 7);
      pen.strokeStyle = color;
      pen.lineWidth = width;
      pen.stroke();
    }
  }

  cross(point) {
    const {pen} = this, [x, y] = this.toStage(point);
    for (const [color, width] of [["rgba(0, 0, 0, 0.7)", 4], ["#ffffff", 1.5]]) {
      pen.strokeStyle = color;
      pen.lineWidth = width;
      line(pen, x - 12, y, x + 12, y);
      line(pen, x, y - 12, x, y + 12);
    }
  }

  path(points, {closes = false} = {}) {
    const {pen} = this;
    for (const [color, width] of [["rgba(0, 0, 0, 0.7)", 4], ["#ffffff", 2]]) {
      pen.beginPath();
      points.forEach((point, at) => pen[at ? "lineTo" : "moveTo"](...this.toStage(point)));
      if (closes) pen.closePath();
      pen.strokeStyle = color;
      pen.lineWidth = width;
      pen.stroke();
    }
  }
}
