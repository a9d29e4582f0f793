// From an image file's bytes to RGB pixels, in Node, by the rules under `decode` of preprocessing.json.
// In a browser, draw the file onto a canvas without color conversion and take its pixels instead.

import sharp from "sharp";

import { ClientError } from "./pixels.js";

export async function decode(bytes) {
  const about = await sharp(bytes).metadata();
  if (about.depth !== "uchar" || about.space === "cmyk") {
    throw new ClientError(`This client reads images of 8 bits a channel, gray or RGB; this one is ${about.space} ${about.depth}.`);
  }
  // An embedded color profile is left alone: the values of the sensor count.
  const image = sharp(bytes, { ignoreIcc: true }).rotate().toColourspace("srgb");
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const rgb = new Uint8Array(width * height * 3);
  const color = channels >= 3 ? 3 : 1;
  let alphaUsed = false;
  if (channels === color + 1) for (let at = color; at < data.length; at += channels) alphaUsed ||= data[at] > 0;
  for (let at = 0; at < width * height; at++) {
    for (let c = 0; c < 3; c++) {
      const value = data[at * channels + (color === 3 ? c : 0)];
      const alpha = alphaUsed ? data[at * channels + color] : 255;
      rgb[at * 3 + c] = Math.floor((value * alpha + 255 * (255 - alpha) + 127) / 255);
    }
  }
  return { data: rgb, width, height };
}
