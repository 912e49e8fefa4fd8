// Paper to draw on with a mouse, a finger or a pen, with undo.

import { h } from "/ui/core/dom.js";
import { drawStrokes } from "/ui/pages/try-strokes.js";

/** The side of the paper in its own pixels; on the page it is as large as there is room. */
const SIDE = 560;

/** What lies on the paper at most: more strokes than a digit has are a scribble, and each is drawn again at each move. */
const MAX_STROKES = 200;

/** Points nearer to each other than this part of the side make a line no better. */
const NEAR = 0.004;

const [PAPER, INK] = ["#ffffff", "#16130f"];

/**
 * A sheet. `changed()` is called while something is drawn, and after undo and clear. Gives `{ element, undo(), clear(), thickness(part),
 * put(strokes), lay(file), picture(side) }`: `picture` is a PNG as a data address, null while the paper is empty.
 */
export function paper({ changed }) {
  const canvas = h("canvas", { width: SIDE, height: SIDE, class: "paper", role: "img", "aria-label": "Paper for one digit. Without a pointer, take the buttons that write one, or a file." });
  let [strokes, laid, width] = [[], null, 0.08];

  function draw(target = canvas) {
    const ink = target.getContext("2d");
    const side = target.width;
    ink.fillStyle = PAPER;
    ink.fillRect(0, 0, side, side);
    if (laid) place(ink, laid, side);
    drawStrokes(ink, strokes, side, INK);
  }

  function tell() {
    draw();
    changed();
  }

  pen(canvas, {
    begin: (point) => {
      if (strokes.length >= MAX_STROKES) return;
      strokes.push({ width, points: [point] });
      tell();
    },
    move: (points) => {
      const { points: line } = strokes.at(-1);
      for (const point of points) if (Math.hypot(point[0] - line.at(-1)[0], point[1] - line.at(-1)[1]) > NEAR) line.push(point);
      tell();
    },
  });
  draw();
  return {
    element: canvas,
    undo: () => {
      if (strokes.length > 0) strokes.pop();
      else laid = null;
      tell();
    },
    clear: () => { [strokes, laid] = [[], null]; tell(); },
    thickness: (part) => { width = part; },
    put: (next) => { [strokes, laid] = [next, null]; draw(); },
    lay: async (file) => { [laid, strokes] = [await createImageBitmap(file, { imageOrientation: "from-image" }), []]; draw(); },
    picture: (side) => {
      if (strokes.length === 0 && !laid) return null;
      const small = h("canvas", { width: side, height: side });
      draw(small);
      return small.toDataURL("image/png");
    },
  };
}

/** A picture as large as fits on the paper, in its middle. */
function place(ink, image, side) {
  const scale = Math.min(side / image.width, side / image.height);
  const [width, height] = [image.width * scale, image.height * scale];
  ink.imageSmoothingQuality = "high";
  ink.drawImage(image, (side - width) / 2, (side - height) / 2, width, height);
}

function pen(canvas, { begin, move }) {
  let holding = null;
  const at = (event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    // One finger draws; the ball of the hand does not.
    if (holding !== null || event.button !== 0) return;
    holding = event.pointerId;
    canvas.setPointerCapture(holding);
    event.preventDefault();
    begin(at(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== holding) return;
    const all = event.getCoalescedEvents?.() ?? [];
    move((all.length ? all : [event]).map(at));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => { if (event.pointerId === holding) holding = null; });
  }
}
