// An exported network, and what its outputs mean. Runs in Node and in browsers: give it the runtime and the files.

import { ClientError, prepare } from "./pixels.js";

const FORMAT = "geomsa-network-input";
const VERSION = 1;

export class Network {
  // `ort` is onnxruntime-web or onnxruntime-node; `model` the bytes of model.onnx, the others parsed JSON.
  static async open(ort, { model, document, classes }) {
    if (document.format !== FORMAT || document.format_version !== VERSION) {
      throw new ClientError("preprocessing.json is not of a format that this client knows.");
    }
    const session = await ort.InferenceSession.create(model);
    return new Network(ort, session, document, classes.classes.map((one) => one.label));
  }

  constructor(ort, session, document, labels) {
    Object.assign(this, { ort, session, document, labels });
  }

  // Returns by name {data: Float32Array, dims} of one prepared input, without the axis of images.
  async compute(prepared) {
    const { name, height_px: height, width_px: width } = this.document.input;
    const tensor = new this.ort.Tensor("uint8", prepared.data, [1, height, width, 3]);
    const found = await this.session.run({ [name]: tensor });
    return Object.fromEntries(
      this.document.outputs.map((one) => [one.name, { data: found[one.name].data, dims: found[one.name].dims.slice(1) }]),
    );
  }

  // What the network says of RGB pixels {data, width, height}.
  async predict(pixels) {
    const begun = performance.now();
    const prepared = prepare(pixels, this.document);
    const said = describe(await this.compute(prepared), this, prepared.place, pixels);
    return { ...said, ms: Math.round((performance.now() - begun) * 10) / 10 };
  }
}

export function describe(outputs, network, place, pixels) {
  const { task, postprocessing } = network.document;
  if (task === "classification") return describeClasses(outputs.probabilities.data, network.labels, postprocessing);
  if (task === "segmentation") return describePlaces(outputs.probabilities, network, place);
  if (task === "detection") {
    const boxes = findBoxes(outputs.boxes, outputs.scores, network, place, pixels);
    return { named: boxes.length ? boxes[0].label : "", is_defect: boxes.length > 0, boxes };
  }
  throw new ClientError(`This client does not know the task “${task}”.`);
}

function describeClasses(shares, labels, meaning) {
  const probabilities = Object.fromEntries(labels.map((label, at) => [label, shares[at]]));
  const defects = labels.filter((label) => !meaning.good_labels.includes(label));
  const score = defects.reduce((sum, label) => sum + probabilities[label], 0);
  return { named: labels[likeliest(shares)], score, is_defect: score >= meaning.threshold, probabilities };
}

// By label the share of the image's places that it covers.
function describePlaces({ data, dims }, network, place) {
  const [planes, rows, columns] = dims;
  const { width_px: width, height_px: height } = network.document.input;
  const top = Math.round((place.y * rows) / height);
  const left = Math.round((place.x * columns) / width);
  const bottom = Math.max(top + 1, Math.round(((place.y + place.height) * rows) / height));
  const right = Math.max(left + 1, Math.round(((place.x + place.width) * columns) / width));
  const counts = new Array(planes - 1).fill(0);
  let score = 0;
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const at = y * columns + x;
      const defective = 1 - data[at];
      score = Math.max(score, defective);
      if (defective < network.document.postprocessing.threshold) continue;
      const own = counts.map((_, number) => data[(number + 1) * rows * columns + at]);
      counts[likeliest(own)] += 1;
    }
  }
  const all = (bottom - top) * (right - left);
  const shares = Object.fromEntries(network.labels.map((label, number) => [label, counts[number] / all]));
  const found = counts.some((count) => count > 0);
  return { named: found ? network.labels[likeliest(counts)] : "", score, is_defect: found, area_shares: shares };
}

// The boxes that count in pixels of the image, the surest first; of overlapping ones only the surest.
export function findBoxes(boxes, scores, network, place, pixels) {
  const { threshold, overlap } = network.document.postprocessing;
  const { width_px: width, height_px: height } = network.document.input;
  const [count, labels] = scores.dims;
  const hold = (value, side) => Math.min(side, Math.max(0, value));
  const corners = Array.from({ length: count }, (_, at) => {
    const [left, top, right, bottom] = boxes.data.subarray(at * 4, at * 4 + 4);
    const across = (share) => hold(((share * width - place.x) / place.width) * pixels.width, pixels.width);
    const down = (share) => hold(((share * height - place.y) / place.height) * pixels.height, pixels.height);
    return [across(left), down(top), across(right), down(bottom)];
  });
  const found = [];
  for (let label = 0; label < labels; label++) {
    const score = (at) => scores.data[at * labels + label];
    let rest = corners.map((_, at) => at).filter((at) => score(at) >= threshold);
    rest.sort((one, other) => score(other) - score(one) || one - other);
    while (rest.length) {
      const [best, ...others] = rest;
      const [x, y, right, bottom] = corners[best];
      if (right - x >= 1 && bottom - y >= 1) {
        const box = { x, y, width: right - x, height: bottom - y };
        found.push({ ...box, score: score(best), label: network.labels[label] });
      }
      rest = others.filter((at) => overlapOf(corners[best], corners[at]) <= overlap);
    }
  }
  return found.sort((one, other) => other.score - one.score);
}

function overlapOf(one, other) {
  const area = ([left, top, right, bottom]) => Math.max(0, right - left) * Math.max(0, bottom - top);
  const shared = area([
    Math.max(one[0], other[0]), Math.max(one[1], other[1]), Math.min(one[2], other[2]), Math.min(one[3], other[3]),
  ]);
  const union = area(one) + area(other) - shared;
  return union > 0 ? shared / union : 0;
}

export function likeliest(values) {
  let best = 0;
  for (let at = 1; at < values.length; at++) if (values[at] > values[best]) best = at;
  return best;
}
