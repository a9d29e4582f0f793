// Ask an exported network about image files:
//
//   node predict.js EXPORT IMAGE…      what the network says of each image, one JSON object a line
//   node predict.js EXPORT --check     the test vectors: bytes, input, outputs
//
// EXPORT is the folder with preprocessing.json and model.onnx. `npm install` first. It takes onnxruntime-node where that
// is installed, else onnxruntime-web, which runs in browsers, too.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";

import { decode } from "./decode.js";
import { likeliest, Network } from "./network.js";
import { ClientError, prepare } from "./pixels.js";

async function openRuntime() {
  try {
    return await import("onnxruntime-node");
  } catch {
    return await import("onnxruntime-web");
  }
}

async function openNetwork(folder) {
  const [model, document, classes] = await Promise.all([
    readFile(join(folder, "model.onnx")),
    readJson(join(folder, "preprocessing.json")),
    readJson(join(folder, "classes.json")),
  ]);
  return Network.open(await openRuntime(), { model: new Uint8Array(model), document, classes });
}

async function readJson(path) {
  return JSON.parse(await readFile(path, "utf-8"));
}

async function readFloats(path) {
  const bytes = await readFile(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

async function check(folder) {
  const network = await openNetwork(folder);
  const vectors = join(folder, "vectors");
  const index = await readJson(join(vectors, "vectors.json"));
  for (const one of index.vectors) {
    const bytes = await readFile(join(vectors, one.image));
    if (createHash("sha256").update(bytes).digest("hex") !== one.image_sha256) {
      throw new ClientError(`${one.image} is not the file that was written.`);
    }
    const prepared = prepare(await decode(bytes), network.document);
    const expected = await readFile(join(vectors, one.input.file));
    const levels = prepared.data.reduce((most, level, at) => Math.max(most, Math.abs(level - expected[at])), 0);
    const outputs = await network.compute(prepared);
    let largest = 0;
    for (const [name, stored] of Object.entries(one.outputs)) {
      const written = await readFloats(join(vectors, stored.file));
      const found = outputs[name].data;
      if (found.length !== written.length) throw new ClientError(`${one.image}: ${name} has another shape.`);
      const scale = written.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
      written.forEach((value, at) => {
        const far = Math.abs(value - found[at]) / scale;
        if (!(far <= index.tolerance)) {
          throw new ClientError(`${one.image}: ${name} differs by ${far} where ${index.tolerance} is allowed (input: ${levels} levels).`);
        }
        largest = Math.max(largest, far);
      });
    }
    if (network.document.task === "classification") {
      const named = network.labels[likeliest(outputs.probabilities.data)];
      if (named !== one.likeliest) throw new ClientError(`${one.image} is called ${named}, not ${one.likeliest}.`);
    }
    console.log(`${one.image}  input: ${levels} levels  outputs: ${largest.toExponential(1)}  ${one.likeliest}`);
  }
  console.log("all test vectors passed");
}

async function main([folder, ...rest]) {
  if (!folder || !rest.length) throw new ClientError("usage: node predict.js EXPORT IMAGE… | EXPORT --check");
  if (rest.includes("--check")) return check(folder);
  const network = await openNetwork(folder);
  for (const path of rest) {
    const said = await network.predict(await decode(await readFile(path)));
    console.log(JSON.stringify({ file: path, ...said }));
  }
  return undefined;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof ClientError) && error.code !== "ENOENT") throw error;
  console.error(error.message);
  process.exitCode = 1;
}
