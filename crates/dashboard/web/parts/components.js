// Principal components by power iteration: the directions in which rows of numbers differ most.

/** Rounds of the iteration at most, and the change of a direction below which it stands. */
const [MAX_ROUNDS, STANDS] = [300, 1e-9];

/**
 * The first two principal components of `rows`, arrays of the same length. Gives `{ points: [[x, y]], held: [share, share] }`:
 * the rows along the two directions, and the shares of the whole variance that they hold. (Power iteration with deflation on
 * the covariance: Golub and Van Loan, Matrix Computations, 7.3.1.)
 */
export function twoComponents(rows) {
  const width = rows[0].length;
  const mean = new Float64Array(width);
  for (const row of rows) for (let i = 0; i < width; i += 1) mean[i] += row[i] / rows.length;
  const centred = rows.map((row) => Float64Array.from(row, (value, i) => value - mean[i]));
  const matrix = covariance(centred, width);
  let whole = 0;
  for (let i = 0; i < width; i += 1) whole += matrix[i * width + i];
  const directions = [];
  const held = [];
  for (let component = 0; component < Math.min(2, width); component += 1) {
    const { direction, value } = strongest(matrix, width);
    deflate(matrix, direction, value);
    directions.push(direction);
    held.push(whole > 0 ? value / whole : 0);
  }
  while (directions.length < 2) { directions.push(new Float64Array(width)); held.push(0); }
  return { points: centred.map((row) => directions.map((direction) => dot(row, direction))), held };
}

function covariance(rows, width) {
  const matrix = new Float64Array(width * width);
  for (const row of rows) {
    for (let i = 0; i < width; i += 1) {
      const value = row[i] / rows.length;
      for (let j = i; j < width; j += 1) matrix[i * width + j] += value * row[j];
    }
  }
  for (let i = 0; i < width; i += 1) for (let j = 0; j < i; j += 1) matrix[i * width + j] = matrix[j * width + i];
  return matrix;
}

function strongest(matrix, width) {
  // Begins from numbers without a pattern that are the same each time: the map of a run always looks the same.
  let direction = unit(Float64Array.from({ length: width }, (_, i) => Math.sin(i * 12.9898 + 1)));
  let value = 0;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const next = times(matrix, direction, width);
    value = Math.hypot(...next);
    if (value === 0) break;
    for (let i = 0; i < width; i += 1) next[i] /= value;
    const change = 1 - Math.abs(dot(next, direction));
    direction = next;
    if (change < STANDS) break;
  }
  return { direction, value };
}

function deflate(matrix, direction, value) {
  const width = direction.length;
  for (let i = 0; i < width; i += 1) for (let j = 0; j < width; j += 1) matrix[i * width + j] -= value * direction[i] * direction[j];
}

function times(matrix, vector, width) {
  const product = new Float64Array(width);
  for (let i = 0; i < width; i += 1) {
    let sum = 0;
    for (let j = 0; j < width; j += 1) sum += matrix[i * width + j] * vector[j];
    product[i] = sum;
  }
  return product;
}

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i] * b[i];
  return sum;
}

function unit(vector) {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}
