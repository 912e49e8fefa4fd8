// Faces on a picture: boxes and landmarks drawn over it, and what is known of each.

import { h, fill } from "/ui/core/dom.js";
import { number } from "/ui/core/format.js";
import { picture } from "/ui/parts/picture.js";

/** Faces that are listed before somebody asks for all. */
const LISTED = 12;

/** Sizes of drawn things in parts of the picture's longer side. */
const [DOT, LETTER] = [1 / 150, 1 / 30];

/**
 * Boxes and landmarks as a drawing that lies over the picture and grows with it. `size` is the upright picture's, in pixels, which is
 * what the places of faces refer to. (Browsers turn pictures upright, too.)
 */
export function overlay(size, faces) {
  const side = Math.max(size.width, size.height);
  return h("svg", { class: "overlay", viewBox: `0 0 ${size.width} ${size.height}`, role: "img", "aria-label": spoken(faces), preserveAspectRatio: "xMidYMid meet" },
    faces.map((face, index) => h("g", { class: "face", dataset: { face: index } },
      ["under", "over"].map((layer) => h("rect", { class: layer, ...face.box, rx: face.box.width * 0.06 })),
      Object.entries(face.landmarks ?? {}).map(([name, [x, y]]) => h("circle", { cx: x, cy: y, r: Math.max(side * DOT, face.box.width * 0.03) }, h("title", {}, name.replaceAll("_", " ")))),
      faces.length > 1 && label(face.box, index, side))));
}

function label({ x, y, width }, index, side) {
  const size = Math.min(side * LETTER, Math.max(width * 0.4, side / 60));
  return h("text", { x: x + size * 0.25, y: y + size, "font-size": size }, index + 1);
}

function spoken(faces) {
  const places = faces.slice(0, LISTED).map(({ box }) => `at ${Math.round(box.x)}, ${Math.round(box.y)}, ${Math.round(box.width)} by ${Math.round(box.height)} pixels`);
  return faces.length === 1 ? `One face ${places[0]}` : `${faces.length} faces: ${places.join("; ")}`;
}

/** What is known of each face. `artifact(name)` finds the file of a crop; `point(index)` is called with the face that is pointed at, or null. */
export function faceList(faces, { artifact, point }) {
  const list = h("ul", { class: "faces" });
  const item = (face, index) => h("li", { onpointerenter: () => point(index), onpointerleave: () => point(null) },
    face.crop && cropOf(face, index, artifact),
    h("div", { class: "known" },
      h("div", { class: "row" }, h("strong", {}, faces.length > 1 ? `Face ${index + 1}` : "The face"), h("span", {}, `score ${face.score.toFixed(3)}`),
        h("span", { class: "quiet" }, `${Math.round(face.box.width)} × ${Math.round(face.box.height)} px at ${Math.round(face.box.x)}, ${Math.round(face.box.y)}${face.clipped ? ", cut off" : ""}`)),
      face.embedding && strip(face.embedding, `Embedding of face ${index + 1}`)));
  const show = (count) => fill(list, faces.slice(0, count).map(item),
    count < faces.length && h("li", {}, h("button", { class: "small", onclick: () => show(faces.length) }, `Show all ${number(faces.length)}`)));
  show(LISTED);
  return list;
}

function cropOf(face, index, artifact) {
  const file = artifact(face.crop.artifact);
  return file && picture(file.url, { alt: `Face ${index + 1}, turned upright`, width: 72, height: 72, class: "crop" });
}

/** Numbers as a strip of bars, up for positive ones and down for negative ones, scaled to the largest. They stand for `count` numbers. */
export function strip(values, title, count = values.length) {
  const top = Math.max(1e-9, ...values.map(Math.abs));
  const bars = (sign) => values.map((value, index) => (Math.sign(value) === sign ? `M${index} 0h.8v${(-value / top).toFixed(3)}h-.8z` : "")).join("");
  return h("figure", { class: "strip" },
    h("svg", { viewBox: `0 -1 ${values.length} 2`, preserveAspectRatio: "none", role: "img", "aria-label": `${title}: ${count} numbers up to ${top.toFixed(3)}` },
      h("path", { class: "up", d: bars(1) }), h("path", { class: "down", d: bars(-1) })),
    h("figcaption", { class: "quiet" }, `${number(count)} numbers, largest ${top.toFixed(3)}`));
}
