// Server-sent events over fetch, because the browser's own EventSource cannot send a token.

import { ask } from "/ui/core/api.js";
import { session } from "/ui/core/session.js";

/** Waits before the first new attempt, and at most, in milliseconds. */
const [FIRST_WAIT, MAX_WAIT] = [500, 15000];

/** A stream that says nothing for so long, not even a comment, is dead. In milliseconds. */
const SILENCE = 45000;

/**
 * Follows the events of `path` until `signal` aborts, through lost connections and restarts of the server.
 * `event(name, data)` gets each event with its parsed data; `state("open" | "lost")` says how it stands. The stream is not
 * followed further once `event` has returned false, or when the server refuses it for good.
 */
export async function follow(path, { event, state, signal }) {
  let wait = FIRST_WAIT;
  while (!signal.aborted) {
    try {
      const over = await once(path, { event, signal, opened: () => { wait = FIRST_WAIT; state?.("open"); } });
      if (over) return;
    } catch (problem) {
      if (signal.aborted || [400, 401, 403, 404, 410].includes(problem.status)) return;
    }
    state?.("lost");
    // Many pages that lost the same server do not all come back in the same moment.
    await pause(wait * (0.75 + Math.random() / 2), signal);
    wait = Math.min(wait * 2, MAX_WAIT);
  }
}

async function once(path, { event, signal, opened }) {
  const ended = new AbortController();
  const stop = () => ended.abort();
  signal.addEventListener("abort", stop);
  let silence = setTimeout(stop, SILENCE);
  try {
    const response = await ask(path, { headers: { accept: "text/event-stream" }, signal: ended.signal });
    opened();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return false;
      clearTimeout(silence);
      silence = setTimeout(stop, SILENCE);
      const parts = (rest + value).split(/\r?\n\r?\n/);
      rest = parts.pop();
      for (const part of parts) if (tell(part, event) === false) return true;
    }
  } finally {
    clearTimeout(silence);
    signal.removeEventListener("abort", stop);
    ended.abort();
  }
}

function tell(part, event) {
  let [name, data] = ["message", ""];
  for (const line of part.split(/\r?\n/)) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    else if (line.startsWith("data:")) data += line.slice(5).trim();
  }
  return data ? event(name, JSON.parse(data)) : undefined;
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

/**
 * What the server counts, live: one stream for the whole page. Listeners get `stats` (the body of `/v1/stats`) at once if
 * it is known, and after each change; `connection` is `open`, `lost` or `idle`.
 */
class Stats extends EventTarget {
  stats = null;
  connection = "idle";
  #stop = null;

  /** Follows from now on, as far as the caller may; to be called again when somebody else has signed in. */
  start() {
    this.#stop?.abort();
    this.#stop = null;
    this.stats = null;
    this.#is("idle");
    if (!session.may("operator")) return;
    this.#stop = new AbortController();
    follow("/v1/events", {
      signal: this.#stop.signal,
      state: (state) => this.#is(state),
      event: (name, data) => {
        if (name !== "stats") return;
        this.stats = data;
        this.dispatchEvent(new Event("stats"));
      },
    });
  }

  /** Calls `listener(stats)` now and after each change, until `signal` aborts. */
  listen(listener, signal) {
    if (this.stats) listener(this.stats);
    this.addEventListener("stats", () => listener(this.stats), { signal });
  }

  #is(connection) {
    if (this.connection === connection) return;
    this.connection = connection;
    this.dispatchEvent(new Event("connection"));
  }
}

export const live = new Stats();
