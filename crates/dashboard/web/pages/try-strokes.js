// Strokes of a pen: how they are drawn, and how each digit is written. Places are parts of the side of a square.

/** Each digit as strokes, each a list of points that a smooth line goes through. */
export const DIGITS = [
  [[[0.52, 0.2], [0.36, 0.26], [0.29, 0.48], [0.35, 0.72], [0.5, 0.8], [0.66, 0.7], [0.71, 0.48], [0.65, 0.26], [0.5, 0.2]]],
  [[[0.42, 0.3], [0.53, 0.2], [0.52, 0.5], [0.51, 0.8]]],
  [[[0.32, 0.33], [0.4, 0.22], [0.56, 0.2], [0.66, 0.31], [0.6, 0.47], [0.44, 0.63], [0.31, 0.78], [0.31, 0.78], [0.5, 0.77], [0.7, 0.77]]],
  [[[0.34, 0.25], [0.5, 0.19], [0.64, 0.28], [0.58, 0.43], [0.45, 0.48], [0.45, 0.48], [0.6, 0.52], [0.68, 0.65], [0.57, 0.78], [0.4, 0.8], [0.31, 0.73]]],
  [[[0.44, 0.2], [0.38, 0.37], [0.3, 0.56], [0.3, 0.56], [0.5, 0.56], [0.71, 0.55]], [[0.6, 0.36], [0.58, 0.6], [0.57, 0.82]]],
  [[[0.66, 0.21], [0.5, 0.21], [0.38, 0.22], [0.38, 0.22], [0.36, 0.34], [0.35, 0.46], [0.35, 0.46], [0.5, 0.43], [0.65, 0.53], [0.66, 0.68], [0.53, 0.79], [0.34, 0.76]]],
  [[[0.6, 0.19], [0.44, 0.32], [0.34, 0.52], [0.35, 0.7], [0.48, 0.8], [0.63, 0.73], [0.65, 0.59], [0.52, 0.52], [0.37, 0.62]]],
  [[[0.3, 0.24], [0.5, 0.23], [0.7, 0.22], [0.7, 0.22], [0.6, 0.44], [0.5, 0.62], [0.44, 0.8]]],
  [[[0.62, 0.27], [0.48, 0.2], [0.36, 0.29], [0.42, 0.43], [0.56, 0.52], [0.66, 0.65], [0.57, 0.79], [0.41, 0.79], [0.33, 0.66], [0.44, 0.51], [0.58, 0.42], [0.62, 0.27]]],
  [[[0.65, 0.33], [0.54, 0.21], [0.39, 0.26], [0.36, 0.42], [0.47, 0.51], [0.61, 0.44], [0.65, 0.33], [0.65, 0.33], [0.63, 0.55], [0.57, 0.8]]],
];

/** Draws strokes `{ width, points }` on a square of `side` pixels. */
export function drawStrokes(ink, strokes, side, colour) {
  Object.assign(ink, { strokeStyle: colour, fillStyle: colour, lineCap: "round", lineJoin: "round" });
  for (const { width, points } of strokes) {
    ink.lineWidth = width * side;
    ink.beginPath();
    smooth(ink, points.map(([x, y]) => [x * side, y * side]));
    if (points.length > 1) ink.stroke();
    else ink.fill();
  }
}

/** A line through the middles between points, bent by the points: no corner where a hand made none. */
function smooth(ink, points) {
  const [[x, y]] = points;
  if (points.length === 1) {
    ink.arc(x, y, ink.lineWidth / 2, 0, 2 * Math.PI);
    return;
  }
  ink.moveTo(x, y);
  for (let index = 1; index < points.length - 1; index += 1) {
    const [[ax, ay], [bx, by]] = [points[index], points[index + 1]];
    // The same point twice is a corner that is meant.
    ink.quadraticCurveTo(ax, ay, (ax + bx) / 2, (ay + by) / 2);
  }
  ink.lineTo(...points.at(-1));
}

/** The strokes of a digit, a little different each time, as from a hand. */
export function written(digit, width) {
  const lean = (Math.random() - 0.5) * 0.14;
  const grow = 0.92 + Math.random() * 0.16;
  const place = ([x, y]) => [0.5 + (x - 0.5) * grow - (y - 0.5) * lean, 0.5 + (y - 0.5) * grow];
  const shake = (value) => value + (Math.random() - 0.5) * 0.012;
  return DIGITS[digit].map((points) => ({ width, points: points.map((point) => place(point).map(shake)) }));
}
