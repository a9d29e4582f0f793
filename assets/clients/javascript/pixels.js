// From RGB pixels to the input of an exported network, step by step as its preprocessing.json says.
//
// Plain numbers in, plain numbers out: it runs in Node and in browsers. A step that is not known here is refused and
// never guessed; smoothing, equalization, CLAHE and contrast on color images need OpenCV, which this client does not have.

const EDGE = 1e-9;
const f32 = Math.fround;

export class ClientError extends Error {}

// `pixels` is {data: Uint8Array of RGB, width, height}; returns {data, width, height, place}.
export function prepare(pixels, document) {
  const { width_px: width, height_px: height } = document.input;
  let place = { x: 0, y: 0, width, height };
  for (const step of document.steps) {
    if (step.name === "grayscale") pixels = grayscale(pixels);
    else if (step.name === "contrast") pixels = contrast(pixels, step);
    else if (step.name === "resize") {
      place = findPlace(pixels.width, pixels.height, width, height, step.mode);
      pixels = resize(pixels, place.width, place.height);
    } else if (step.name === "mask") pixels = mask(pixels, step);
    else if (step.name === "pad") pixels = pad(pixels, place, width, height, step.fill);
    else throw new ClientError(`This client does not know the step “${step.name}” of preprocessing.json.`);
  }
  if (pixels.width !== width || pixels.height !== height) {
    throw new ClientError("The steps of preprocessing.json do not lead to the size of the input.");
  }
  return { ...pixels, place };
}

export function findPlace(width, height, inputWidth, inputHeight, mode) {
  if (mode === "stretch") return { x: 0, y: 0, width: inputWidth, height: inputHeight };
  if (mode !== "letterbox") throw new ClientError(`This client does not know the resize “${mode}”.`);
  const share = Math.min(inputWidth / width, inputHeight / height);
  const innerWidth = Math.max(1, Math.min(inputWidth, roundEven(width * share)));
  const innerHeight = Math.max(1, Math.min(inputHeight, roundEven(height * share)));
  return {
    x: Math.floor((inputWidth - innerWidth) / 2),
    y: Math.floor((inputHeight - innerHeight) / 2),
    width: innerWidth,
    height: innerHeight,
  };
}

// The mean where neither side grows, else linear; both as OpenCV counts them.
export function resize(pixels, width, height) {
  if (pixels.width === width && pixels.height === height) return pixels;
  if (pixels.width >= width && pixels.height >= height) return resizeArea(pixels, width, height);
  return resizeLinear(pixels, width, height);
}

function resizeArea(pixels, width, height) {
  const { data, width: columns, height: rows } = pixels;
  const out = new Uint8Array(width * height * 3);
  if (rows % height === 0 && columns % width === 0) {
    const down = rows / height;
    const across = columns / width;
    const scale = f32(1 / (down * across));
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < 3; c++) {
          let total = 0;
          for (let j = 0; j < down; j++) {
            const row = ((y * down + j) * columns + x * across) * 3 + c;
            for (let i = 0; i < across; i++) total += data[row + i * 3];
          }
          const mean = down === 2 && across === 2 ? (total + 2) >> 2 : roundEven(f32(f32(total) * scale));
          out[(y * width + x) * 3 + c] = mean;
        }
      }
    }
    return { data: out, width, height };
  }
  // Sums are taken in the order and precision in which OpenCV takes them: halves are rounded as there.
  const partsX = areaParts(columns, width);
  const partsY = areaParts(rows, height);
  const across = new Float32Array(rows * width * 3);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (const [place, weight] of partsX[x]) sum = f32(sum + f32(data[(y * columns + place) * 3 + c] * weight));
        across[(y * width + x) * 3 + c] = sum;
      }
    }
  }
  for (let y = 0; y < height; y++) {
    for (let at = 0; at < width * 3; at++) {
      let sum = 0;
      for (const [place, weight] of partsY[y]) sum = f32(sum + f32(across[place * width * 3 + at] * weight));
      out[y * width * 3 + at] = clip(roundEven(sum));
    }
  }
  return { data: out, width, height };
}

function areaParts(side, newSide) {
  const scale = side / newSide;
  const parts = [];
  for (let number = 0; number < newSide; number++) {
    const begin = number * scale;
    const end = begin + scale;
    const cell = Math.min(scale, side - begin);
    const last = Math.min(Math.floor(end), side - 1);
    const first = Math.min(Math.ceil(begin), last);
    const own = [];
    if (first - begin > 1e-3) own.push([first - 1, f32((first - begin) / cell)]);
    for (let place = first; place < last; place++) own.push([place, f32(1 / cell)]);
    if (end - last > 1e-3) own.push([last, f32(Math.min(Math.min(end - last, 1), cell) / cell)]);
    parts.push(own);
  }
  return parts;
}

function resizeLinear(pixels, width, height) {
  const { data, width: columns, height: rows } = pixels;
  const xs = linearPlaces(columns, width).map(({ place, share }) => {
    const kept = place < 0 || place >= columns - 1 ? 0 : share;
    const at = Math.min(Math.max(place, 0), columns - 1);
    return { at, next: Math.min(at + 1, columns - 1), weights: linearWeights(kept) };
  });
  const across = new Int32Array(rows * width * 3);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < width; x++) {
      const { at, next, weights } = xs[x];
      for (let c = 0; c < 3; c++) {
        across[(y * width + x) * 3 + c] =
          data[(y * columns + at) * 3 + c] * weights[0] + data[(y * columns + next) * 3 + c] * weights[1];
      }
    }
  }
  const out = new Uint8Array(width * height * 3);
  linearPlaces(rows, height).forEach(({ place, share }, y) => {
    const above = Math.min(Math.max(place, 0), rows - 1) * width * 3;
    const below = Math.min(Math.max(place + 1, 0), rows - 1) * width * 3;
    const weights = linearWeights(share);
    for (let at = 0; at < width * 3; at++) {
      const upper = (weights[0] * (across[above + at] >> 4)) >> 16;
      const lower = (weights[1] * (across[below + at] >> 4)) >> 16;
      out[y * width * 3 + at] = clip((upper + lower + 2) >> 2);
    }
  });
  return { data: out, width, height };
}

function linearPlaces(side, newSide) {
  const scale = side / newSide;
  return Array.from({ length: newSide }, (_, number) => {
    const at = f32((number + 0.5) * scale - 0.5);
    const place = Math.floor(at);
    return { place, share: f32(at - place) };
  });
}

function linearWeights(share) {
  return [roundEven(f32(f32(1 - share) * 2048)), roundEven(f32(share * 2048))];
}

function grayscale(pixels) {
  const data = new Uint8Array(pixels.data.length);
  for (let at = 0; at < data.length; at += 3) {
    const [red, green, blue] = [pixels.data[at], pixels.data[at + 1], pixels.data[at + 2]];
    data.fill((9798 * red + 19235 * green + 3735 * blue + 16384) >> 15, at, at + 3);
  }
  return { ...pixels, data };
}

function contrast(pixels, step) {
  const others = step.operations.filter((one) => one.name !== "normalize").map((one) => one.name);
  if (others.length) throw new ClientError(`This network's preprocessing holds ${others.join(", ")}: use the Python client.`);
  for (let at = 0; at < pixels.data.length; at += 3) {
    if (pixels.data[at] !== pixels.data[at + 1] || pixels.data[at] !== pixels.data[at + 2]) {
      throw new ClientError("This network's preprocessing changes the contrast of color images: use the Python client.");
    }
  }
  return step.operations.reduce(normalize, pixels);
}

function normalize(pixels, one) {
  const counts = new Float64Array(256);
  for (let at = 0; at < pixels.data.length; at += 3) counts[pixels.data[at]] += 1;
  const size = pixels.data.length / 3;
  let sum = 0;
  const shares = counts.map((count) => ((sum += count) / size) * 100);
  const low = shares.findIndex((share) => share >= one.percent);
  const high = shares.findIndex((share) => share >= 100 - one.percent);
  if (low === high) return pixels;
  const gain = 255 / Math.max(high - low, one.least_range);
  const table = Uint8Array.from({ length: 256 }, (_, level) => clip(roundEven((level - (low + high) / 2) * gain + 127.5)));
  return { ...pixels, data: pixels.data.map((level) => table[level]) };
}

function mask(pixels, step) {
  const { width, height } = pixels;
  const counts = new Uint8Array(width * height);
  const fill = (rows, columns, value) => {
    for (let y = rows[0]; y < rows[1]; y++) counts.fill(value, y * width + columns[0], y * width + Math.max(...columns));
  };
  const [x, y, w, h] = step.region_of_interest ?? [0, 0, 1, 1];
  fill(outer(y, h, height), outer(x, w, width), 1);
  for (const [left, top, wide, high] of step.ignore) fill(inner(top, high, height), inner(left, wide, width), 0);
  return { ...pixels, data: pixels.data.map((level, at) => (counts[Math.floor(at / 3)] ? level : step.fill)) };
}

function outer(start, length, side) {
  return [Math.floor(start * side + EDGE), Math.ceil((start + length) * side - EDGE)];
}

function inner(start, length, side) {
  const first = Math.ceil(start * side - EDGE);
  return [first, Math.max(first, Math.floor((start + length) * side + EDGE))];
}

function pad(pixels, place, width, height, fill) {
  const data = new Uint8Array(width * height * 3).fill(fill);
  for (let y = 0; y < place.height; y++) {
    const row = pixels.data.subarray(y * place.width * 3, (y + 1) * place.width * 3);
    data.set(row, ((place.y + y) * width + place.x) * 3);
  }
  return { data, width, height };
}

// Halves go to the even neighbor, as in Python, numpy and OpenCV.
export function roundEven(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest > 0.5 ? floor + 1 : floor;
  return floor % 2 === 0 ? floor : floor + 1;
}

function clip(value) {
  return Math.min(255, Math.max(0, value));
}
