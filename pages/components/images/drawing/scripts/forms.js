// Forms of regions, in pixels of the stored image. They are values: a change makes a new one, so that undoing is
// going back to the old one, and a form that is still the stored one is known by being the same object.
//
//   {shape: "box", x, y, width, height} · {shape: "polygon", points: [[x, y], …]}
//   {shape: "mask", x, y, width, height, bits}   bits: a byte a pixel of the bounds, row by row

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
// A quarter of a pixel is finer than anybody sees, and short to send.
const fine = (value) => Math.round(value * 4) / 4;

function boxBetween([x1, y1], [x2, y2]) {
  const x = fine(Math.min(x1, x2)), y = fine(Math.min(y1, y2));
  return {shape: "box", x, y, width: fine(Math.max(x1, x2)) - x, height: fine(Math.max(y1, y2)) - y};
}

function boundsOf(form) {
  if (form.shape !== "polygon") return [form.x, form.y, form.width, form.height];
  const xs = form.points.map((point) => point[0]), ys = form.points.map((point) => point[1]);
  const x = Math.min(...xs), y = Math.min(...ys);
  return [x, y, Math.max(...xs) - x, Math.max(...ys) - y];
}

function areaOf(form) {
  if (form.shape === "box") return form.width * form.height;
  if (form.shape === "mask") return form.bits.reduce((sum, bit) => sum + bit, 0);
  return Math.abs(form.points.reduce((sum, [x, y], at) => {
    const [nextX, nextY] = form.points[(at + 1) % form.points.length];
    return sum + x * nextY - nextX * y;
  }, 0)) / 2;
}

function holds(form, x, y) {
  if (form.shape === "polygon") {
    let inside = false;
    form.points.forEach(([x1, y1], at) => {
      const [x2, y2] = form.points[(at + 1) % form.points.length];
      if ((y1 > y) !== (y2 > y) && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)) inside = !inside;
    });
    return inside;
  }
  const left = x - form.x, top = y - form.y;
  if (left < 0 || top < 0 || left >= form.width || top >= form.height) return false;
  return form.shape === "box" || form.bits[Math.floor(top) * form.width + Math.floor(left)] === 1;
}

function crosses(points) {
  const turn = ([ax, ay], [bx, by], [cx, cy]) => Math.sign((bx - ax) * (cy - ay) - (by - ay) * (cx - ax));
  const count = points.length;
  for (let i = 0; i < count; i++)
    for (let j = i + 1; j < count; j++) {
      const a = points[i], b = points[(i + 1) % count], c = points[j], d = points[(j + 1) % count];
      if (turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0) return true;
    }
  return false;
}

function moved(form, dx, dy, width, height) {
  const [x, y, w, h] = boundsOf(form);
  let across = clamp(dx, -x, width - x - w), down = clamp(dy, -y, height - y - h);
  if (form.shape === "mask") [across, down] = [Math.round(across), Math.round(down)];
  else [across, down] = [fine(across), fine(down)];
  if (form.shape === "polygon") return {...form, points: form.points.map(([px, py]) => [px + across, py + down])};
  return {...form, x: form.x + across, y: form.y + down};
}

// --- masks ------------------------------------------------------------------------------------------------------------

const emptyMask = () => ({shape: "mask", x: 0, y: 0, width: 0, height: 0, bits: new Uint8Array(0)});

/** Return a mask with room for the bounds from (left, top) to (right, bottom), never beyond the image. */
function reserve(mask, left, top, right, bottom, imageWidth, imageHeight) {
  const empty = mask.width === 0;
  if (!empty && left >= mask.x && top >= mask.y && right <= mask.x + mask.width && bottom <= mask.y + mask.height)
    return mask;
  const spare = 16 + Math.round(0.3 * Math.max(mask.width, mask.height));
  const x = Math.max(0, (empty ? left : Math.min(left, mask.x)) - spare);
  const y = Math.max(0, (empty ? top : Math.min(top, mask.y)) - spare);
  const width = Math.min(imageWidth, (empty ? right : Math.max(right, mask.x + mask.width)) + spare) - x;
  const height = Math.min(imageHeight, (empty ? bottom : Math.max(bottom, mask.y + mask.height)) + spare) - y;
  const bits = new Uint8Array(width * height);
  for (let row = 0; row < mask.height; row++)
    bits.set(mask.bits.subarray(row * mask.width, (row + 1) * mask.width),
      (row + mask.y - y) * width + mask.x - x);
  return {shape: "mask", x, y, width, height, bits};
}

/** Return the mask with what a round brush of this radius covers between two points; erasing clears it. */
function brushed(mask, from, to, radius, erases, imageWidth, imageHeight) {
  const reach = Math.max(radius, 0.5) + 1;
  const left = Math.max(0, Math.floor(Math.min(from[0], to[0]) - reach));
  const top = Math.max(0, Math.floor(Math.min(from[1], to[1]) - reach));
  const right = Math.min(imageWidth, Math.ceil(Math.max(from[0], to[0]) + reach));
  const bottom = Math.min(imageHeight, Math.ceil(Math.max(from[1], to[1]) + reach));
  if (right <= left || bottom <= top) return mask;
  const grown = erases ? mask : reserve(mask, left, top, right, bottom, imageWidth, imageHeight);
  const {x, y, width, height, bits} = grown;
  const dx = to[0] - from[0], dy = to[1] - from[1], length = dx * dx + dy * dy;
  const limit = radius * radius, bit = erases ? 0 : 1;
  for (let row = Math.max(top, y); row < Math.min(bottom, y + height); row++)
    for (let column = Math.max(left, x); column < Math.min(right, x + width); column++) {
      const px = column + 0.5 - from[0], py = row + 0.5 - from[1];
      const along = length ? clamp((px * dx + py * dy) / length, 0, 1) : 0;
      const offX = px - along * dx, offY = py - along * dy;
      // The finest brush still covers the pixel that it stands on.
      if (offX * offX + offY * offY <= limit || (Math.abs(offX) <= 0.5 && Math.abs(offY) <= 0.5))
        bits[(row - y) * width + column - x] = bit;
    }
  return grown;
}

/** Return the mask within its tightest bounds; null for one that marks nothing. */
function trimmed(mask) {
  let left = mask.width, top = -1, right = -1, bottom = -1;
  for (let row = 0; row < mask.height; row++) {
    const line = mask.bits.subarray(row * mask.width, (row + 1) * mask.width);
    const first = line.indexOf(1);
    if (first < 0) continue;
    left = Math.min(left, first);
    right = Math.max(right, line.lastIndexOf(1));
    if (top < 0) top = row;
    bottom = row;
  }
  if (top < 0) return null;
  const width = right - left + 1, height = bottom - top + 1, bits = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const start = (row + top) * mask.width + left;
    bits.set(mask.bits.subarray(start, start + width), row * width);
  }
  return {shape: "mask", x: mask.x + left, y: mask.y + top, width, height, bits};
}

/** Return the form as a mask: the pixels whose centers it holds; null where there is none. */
function asMask(form, imageWidth, imageHeight) {
  if (form.shape === "mask") return {...form, bits: form.bits.slice()};
  const [x, y, w, h] = boundsOf(form);
  const left = Math.max(0, Math.floor(x)), top = Math.max(0, Math.floor(y));
  const right = Math.min(imageWidth, Math.ceil(x + w)), bottom = Math.min(imageHeight, Math.ceil(y + h));
  const width = Math.max(0, right - left), height = Math.max(0, bottom - top);
  const bits = new Uint8Array(width * height);
  const corners = form.shape === "polygon" ? form.points : [[x, y], [x + w, y], [x + w, y + h], [x, y + h]];
  for (let row = 0; row < height; row++) {
    const level = top + row + 0.5, cuts = [];
    corners.forEach(([x1, y1], at) => {
      const [x2, y2] = corners[(at + 1) % corners.length];
      if ((y1 > level) !== (y2 > level)) cuts.push(x1 + ((level - y1) / (y2 - y1)) * (x2 - x1));
    });
    cuts.sort((one, other) => one - other);
    for (let at = 0; at + 1 < cuts.length; at += 2) {
      const first = clamp(Math.ceil(cuts[at] - 0.5) - left, 0, width);
      const last = clamp(Math.ceil(cuts[at + 1] - 0.5) - left, 0, width);
      bits.fill(1, row * width + first, row * width + last);
    }
  }
  return trimmed({shape: "mask", x: left, y: top, width, height, bits});
}

// Run lengths are counted column by column over the whole image, beginning with the pixels that are not marked (COCO).
function fromRuns(counts, imageHeight, [x, y, width, height]) {
  const bits = new Uint8Array(width * height);
  let place = 0;
  counts.forEach((count, at) => {
    if (at % 2)
      for (let pixel = place; pixel < place + count; pixel++)
        bits[((pixel % imageHeight) - y) * width + Math.floor(pixel / imageHeight) - x] = 1;
    place += count;
  });
  return {shape: "mask", x, y, width, height, bits};
}

function toRuns(mask, imageWidth, imageHeight) {
  const counts = [];
  let place = 0, start = -1;
  const close = (end) => {
    counts.push(start - place, end - start);
    [place, start] = [end, -1];
  };
  for (let column = 0; column < mask.width; column++)
    for (let row = 0; row <= mask.height; row++) {
      const pixel = (mask.x + column) * imageHeight + mask.y + row;
      const on = row < mask.height && mask.bits[row * mask.width + column] === 1;
      if (on && start < 0) start = pixel;
      // At the foot of a column a run goes on at the head of the next where both touch the edge of the image.
      else if (!on && start >= 0 && !(row === mask.height && pixel % imageHeight === 0 && column + 1 < mask.width
        && mask.y === 0 && mask.bits[column + 1] === 1)) close(pixel);
    }
  if (start >= 0) close((mask.x + mask.width) * imageHeight);
  counts.push(imageWidth * imageHeight - place);
  return counts;
}

function readForm(value, imageHeight) {
  if (value.shape === "polygon") return {shape: "polygon", points: value.points};
  const {shape, x, y, width, height} = value;
  return shape === "box" ? {shape, x, y, width, height} : fromRuns(value.counts, imageHeight, [x, y, width, height]);
}

function writeForm(form, imageWidth, imageHeight) {
  if (form.shape === "polygon") return {shape: "polygon", points: form.points};
  const {shape, x, y, width, height} = form;
  return shape === "box"
    ? {shape, x, y, width, height}
    : {shape, x, y, width, height, counts: toRuns(form, imageWidth, imageHeight)};
}
