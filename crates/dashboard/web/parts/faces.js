// Faces as boxes with landmarks, drawn over the picture that they were found in.

import { h, fill } from "/ui/core/dom.js";
import { load } from "/ui/parts/picture.js";

/** Faces that are drawn; a crowd beyond that is only counted. */
const MAX_BOXES = 200;

/**
 * A picture with its faces: `original` is a path of this server or a `blob:` address, `faces` are those of the operation's
 * document, in pixels of the upright image. Gives `{ element, light(index) }`; `light` marks one face, null none.
 */
export function facesOn(original, faces) {
  const image = h("img", { alt: `The picture with ${faces.length === 1 ? "one face" : `${faces.length} faces`} marked` });
  const layer = facesLayer();
  const note = h("figcaption", { class: "quiet", hidden: true });
  image.addEventListener("load", () => layer.show(faces, image));
  const refuse = () => {
    note.hidden = false;
    note.textContent = "The browser cannot show this picture; the faces are listed below.";
    image.hidden = true;
  };
  image.addEventListener("error", refuse);
  (original.startsWith("blob:") ? Promise.resolve(original) : load(original)).then((address) => { image.src = address; }, refuse);
  return {
    element: h("figure", { class: "faces-on" }, h("div", { class: "stack" }, image, layer.element), note),
    light: layer.light,
  };
}

/**
 * The drawing alone, for a picture that is there already and stays: both go into an element of class `stack`, in a figure of
 * class `faces-on`. `show(faces, image)` draws over the image once that is loaded; browsers turn it upright, too.
 */
export function facesLayer() {
  const element = h("svg", { "aria-hidden": "true" });
  return {
    element,
    show: (faces, image) => draw(element, faces, image),
    light: (index) => element.querySelectorAll("g").forEach((face, place) => face.classList.toggle("lit", place === index)),
  };
}

function draw(layer, faces, { naturalWidth: width, naturalHeight: height }) {
  layer.setAttribute("viewBox", `0 0 ${width} ${height}`);
  fill(layer, faces.slice(0, MAX_BOXES).map((face, index) => oneFace(face, index, { side: Math.max(width, height), many: faces.length > 1 })));
}

/** Numbers and dots keep a size that can be seen in large pictures and does not hide small faces. */
function oneFace({ box, landmarks = {}, score }, index, { side, many }) {
  const type = Math.min(Math.max(side / 32, 8), Math.max(8, box.width));
  const dot = Math.max(side / 400, Math.min(box.width / 28, side / 160));
  const points = Object.entries(landmarks);
  return h("g", {}, h("title", {}, `Face ${index + 1}, score ${score.toFixed(2)}`),
    h("rect", { class: "ground", x: box.x, y: box.y, width: box.width, height: box.height }),
    h("rect", { x: box.x, y: box.y, width: box.width, height: box.height }),
    points.map(([, [x, y]]) => h("circle", { cx: x, cy: y, r: dot })),
    many && h("text", { x: box.x + type * 0.25, y: box.y < type * 1.2 ? box.y + box.height - type * 0.3 : box.y - type * 0.3, "font-size": type }, index + 1));
}
