// Pictures that the page draws itself, for those who have none at hand.

import { h } from "/ui/core/dom.js";
import { portrait } from "/ui/pages/try-portrait.js";
import { DIGITS, drawStrokes } from "/ui/pages/try-strokes.js";

const TAU = 2 * Math.PI;

/** The samples: `[{ title, shows, operation, preview() -> element, file() -> promise of a File }]`; `operation` is what it is made for. */
export function samples() {
  return [
    sample("Test card", "test-card.png", { shows: "Make a thumbnail", operation: "thumbnail", width: 960, draw: testCard }),
    sample("Traffic light", "traffic-light.jpg", { shows: "Say what it is", operation: "classify", draw: trafficLight }),
    sample("Portrait", "portrait.jpg", { shows: "Find the face", operation: "faces", draw: (ink, side) => portrait(ink, side) }),
    sample("Handwritten seven", "seven.png", { shows: "Read the digit", operation: "digit", width: 280, height: 280, draw: seven }),
  ];
}

/** Two portraits of one person, for comparing. */
export function pair() {
  const one = sample("", "one.jpg", { draw: (ink, side) => portrait(ink, side) });
  const again = sample("", "again.jpg", { draw: (ink, side) => portrait(ink, side, { turn: 0.16, ground: ["#e7d3b1", "#a86f3d"] }) });
  return Promise.all([one.file(), again.file()]);
}

function sample(title, name, { shows, operation, draw, width = 640, height = 640 }) {
  const drawn = () => {
    const canvas = h("canvas", { width, height, "aria-hidden": "true" });
    draw(canvas.getContext("2d"), width, height);
    return canvas;
  };
  const type = name.endsWith(".jpg") ? "image/jpeg" : "image/png";
  return {
    title,
    shows,
    operation,
    preview: drawn,
    file: () => new Promise((resolve) => drawn().toBlob((blob) => resolve(new File([blob], name, { type })), type, 0.92)),
  };
}

function testCard(ink, width, height) {
  const sky = ink.createLinearGradient(0, 0, width, height);
  for (const [at, colour] of [[0, "#3b1d60"], [0.4, "#c2410c"], [0.75, "#f59e0b"], [1, "#fde68a"]]) sky.addColorStop(at, colour);
  ink.fillStyle = sky;
  ink.fillRect(0, 0, width, height);
  star(ink, width / 2, height * 0.42, height * 0.3);
  const colours = ["#ffffff", "#facc15", "#22d3ee", "#22c55e", "#d946ef", "#ef4444", "#3b82f6", "#111111"];
  colours.forEach((colour, index) => {
    ink.fillStyle = colour;
    ink.fillRect((index * width) / colours.length, height * 0.82, width / colours.length + 1, height * 0.18);
  });
  Object.assign(ink, { fillStyle: "#ffffff", textAlign: "center", font: `600 ${height / 18}px system-ui, sans-serif` });
  ink.fillText("Darkroom", width / 2, height * 0.09);
  ink.font = `${height / 32}px system-ui, sans-serif`;
  ink.fillText(`${width} × ${height}`, width / 2, height * 0.79);
}

/** Rays that grow finer towards the middle: they show what resampling does. */
function star(ink, x, y, radius) {
  const rays = 36;
  ink.fillStyle = "#ffffff";
  ink.beginPath();
  ink.arc(x, y, radius, 0, TAU);
  ink.fill();
  ink.fillStyle = "#111111";
  for (let ray = 0; ray < rays; ray += 1) {
    ink.beginPath();
    ink.moveTo(x, y);
    ink.arc(x, y, radius, (ray * TAU) / rays, ((ray + 0.5) * TAU) / rays);
    ink.fill();
  }
}

function trafficLight(ink, width, height) {
  const sky = ink.createLinearGradient(0, 0, 0, height);
  sky.addColorStop(0, "#7fb2e5");
  sky.addColorStop(1, "#dcebf7");
  ink.fillStyle = sky;
  ink.fillRect(0, 0, width, height);
  const middle = width / 2;
  ink.fillStyle = "#4b4f54";
  ink.fillRect(middle - 14, height * 0.7, 28, height * 0.3);
  ink.fillStyle = "#1f2326";
  ink.beginPath();
  ink.roundRect(middle - 95, height * 0.08, 190, height * 0.66, 34);
  ink.fill();
  [["#ff3b30", 0.19], ["#ffcc00", 0.41], ["#34c759", 0.63]].forEach(([colour, at]) => lamp(ink, middle, height * at, colour));
}

function lamp(ink, x, y, colour) {
  ink.fillStyle = "#0c0e0f";
  ink.beginPath();
  ink.arc(x, y, 64, 0, TAU);
  ink.fill();
  const glow = ink.createRadialGradient(x - 14, y - 16, 4, x, y, 56);
  glow.addColorStop(0, "#ffffff");
  glow.addColorStop(0.35, colour);
  glow.addColorStop(1, colour);
  ink.fillStyle = glow;
  ink.beginPath();
  ink.arc(x, y, 56, 0, TAU);
  ink.fill();
}

function seven(ink, width, height) {
  ink.fillStyle = "#fbf7ef";
  ink.fillRect(0, 0, width, height);
  drawStrokes(ink, DIGITS[7].map((points) => ({ width: 0.08, points })), width, "#1e3a8a");
}
