// The rows of a run's results as they stream in, as far as they are needed.

import { ask } from "/ui/core/api.js";

/** Embeddings that are drawn at most; a drawing of more says no more. */
export const MAX_DOTS = 2000;

/** Rows that are read at most, where few of them have an embedding. */
const MAX_READ = 20_000;

/** Rows between two words about the progress. */
const TELL = 200;

/**
 * The embeddings of a run, from its results. `spec` is the aggregate that says where they are. Gives `{ rows: [{ path, folder, job,
 * vector }], read, cut }`, where `cut` is whether there may be more than were taken.
 */
export async function embeddings(address, spec, { signal, progress }) {
  const ended = new AbortController();
  const stop = () => ended.abort();
  signal.addEventListener("abort", stop);
  const [rows, seen] = [[], { read: 0, cut: false }];
  try {
    const response = await ask(`${address}/results`, { signal: ended.signal });
    for await (const line of lines(response.body)) {
      const row = taken(JSON.parse(line), spec);
      seen.read += 1;
      if (row) rows.push(row);
      if (seen.read % TELL === 0) progress(seen.read);
      if (rows.length >= MAX_DOTS || seen.read >= MAX_READ) { seen.cut = true; break; }
    }
  } finally {
    signal.removeEventListener("abort", stop);
    ended.abort();
  }
  return { rows: sameLength(rows), ...seen };
}

function taken({ path, job, results }, { operation, pointer }) {
  const vector = pointed(results?.[operation ?? 0]?.document, pointer);
  if (!Array.isArray(vector) || vector.length < 2 || !vector.every(Number.isFinite)) return null;
  const cut = path.lastIndexOf("/");
  return { path, folder: cut < 0 ? "" : path.slice(0, cut), job, vector };
}

/** What a JSON pointer (RFC 6901) names; undefined where there is nothing. */
function pointed(document, pointer) {
  return pointer.split("/").slice(1).reduce((value, step) => value?.[step.replaceAll("~1", "/").replaceAll("~0", "~")], document);
}

function sameLength(rows) {
  return rows.filter((row) => row.vector.length === rows[0].vector.length);
}

/** The lines of a body as it streams in. */
export async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const whole = (rest + value).split("\n");
    rest = whole.pop();
    for (const line of whole) if (line) yield line;
  }
  if (rest) yield rest;
}
