// A portrait that the page draws: enough of a face for a detector, and nobody's.

const TAU = 2 * Math.PI;

/** The square that the numbers below are in. */
const SIDE = 640;

const SKIN = ["#f3cdac", "#e3b08a", "#b97c55"];
const [HAIR, COAT, LIPS, IRIS] = ["#3a2417", "#2f4858", "#b5524c", "#4a3220"];
const [SHADE, BLUSH] = ["110 60 35", "210 100 80"];

/** Draws it on a square of `side` pixels, turned by `turn` radians, before `ground`, two colours. */
export function portrait(ink, side, { turn = 0, ground = ["#8fa9b8", "#46606f"] } = {}) {
  ink.save();
  ink.scale(side / SIDE, side / SIDE);
  ink.fillStyle = fade(ink.createLinearGradient(0, 0, 0, SIDE), [[0, ground[0]], [1, ground[1]]]);
  ink.fillRect(0, 0, SIDE, SIDE);
  ink.translate(SIDE / 2, SIDE / 2);
  ink.rotate(turn);
  ink.translate(-SIDE / 2, -SIDE / 2);
  body(ink);
  head(ink);
  for (const half of [-1, 1]) eye(ink, 320 + half * 55, half);
  nose(ink);
  mouth(ink);
  ink.restore();
}

function body(ink) {
  oval(ink, 320, 690, 250, 160, COAT);
  oval(ink, 320, 290, 172, 205, HAIR);
  ink.fillStyle = SKIN[2];
  ink.beginPath();
  ink.roundRect(258, 430, 124, 150, 40);
  ink.fill();
}

function head(ink) {
  for (const half of [-1, 1]) oval(ink, 320 + half * 128, 322, 16, 34, SKIN[1]);
  oval(ink, 320, 250, 138, 138, HAIR);
  oval(ink, 320, 325, 128, 165, glow(ink, 300, 290, 230, [[0, SKIN[0]], [0.6, SKIN[1]], [1, SKIN[2]]]));
  ink.fillStyle = HAIR;
  ink.beginPath();
  ink.moveTo(188, 290);
  ink.bezierCurveTo(192, 110, 448, 110, 452, 290);
  ink.bezierCurveTo(430, 225, 380, 205, 300, 215);
  ink.bezierCurveTo(250, 222, 205, 245, 188, 290);
  ink.fill();
}

function eye(ink, x, half) {
  oval(ink, x, 300, 38, 26, soft(ink, x, 300, 40, SHADE, 50));
  oval(ink, x, 302, 24, 12, "#f6f1ea");
  oval(ink, x, 302, 11, 11.5, IRIS);
  oval(ink, x, 302, 5.5, 5.5, "#0d0906");
  oval(ink, x - 3, 298, 2.5, 2.5, "#ffffff");
  stroke(ink, 4, "#2b1a10", [[x - 26, 304], [x, 282], [x + 26, 304]]);
  stroke(ink, 9, HAIR, [[x - 30, 271], [x, 256], [x + 30, 271]]);
  oval(ink, 320 + half * 78, 378, 38, 30, soft(ink, 320 + half * 78, 378, 38, BLUSH, 30));
}

function nose(ink) {
  oval(ink, 332, 345, 18, 50, soft(ink, 334, 350, 46, SHADE, 40));
  oval(ink, 320, 372, 26, 16, glow(ink, 316, 368, 26, [[0, SKIN[0]], [1, SKIN[1]]]));
  for (const half of [-1, 1]) oval(ink, 320 + half * 12, 380, 6, 4, "#6b3b25");
}

function mouth(ink) {
  oval(ink, 320, 424, 44, 15, LIPS);
  stroke(ink, 4, "#5e2422", [[276, 422], [320, 433], [364, 422]]);
  oval(ink, 320, 453, 42, 14, soft(ink, 320, 453, 42, SHADE, 30));
}

function oval(ink, x, y, width, height, fill) {
  ink.fillStyle = fill;
  ink.beginPath();
  ink.ellipse(x, y, width, height, 0, 0, TAU);
  ink.fill();
}

function stroke(ink, width, colour, [from, over, to]) {
  Object.assign(ink, { lineWidth: width, strokeStyle: colour, lineCap: "round" });
  ink.beginPath();
  ink.moveTo(...from);
  ink.quadraticCurveTo(...over, ...to);
  ink.stroke();
}

function glow(ink, x, y, radius, stops) {
  return fade(ink.createRadialGradient(x, y, radius / 10, x, y, radius), stops);
}

/** A shade of so many per cent in the middle that ends in nothing. */
function soft(ink, x, y, radius, colour, strength) {
  return glow(ink, x, y, radius, [[0, `rgb(${colour} / ${strength}%)`], [1, `rgb(${colour} / 0%)`]]);
}

function fade(gradient, stops) {
  for (const [at, colour] of stops) gradient.addColorStop(at, colour);
  return gradient;
}
