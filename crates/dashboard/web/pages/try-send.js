// One picture on its way: uploaded once, then asked about again and again by its content address.

import { Problem, api, upload } from "/ui/core/api.js";
import { follow } from "/ui/core/live.js";
import { FINAL } from "/ui/parts/badge.js";

/** Seconds that the server is asked to keep a request until the job has ended. */
export const WAIT = 10;

/** Pictures that are sent at once; the others wait for their turn. A browser has six lines to a server. */
const MAX_AT_ONCE = 3;

/** An upload of this many bytes or more is not thrown away because a parameter has changed. */
const WORTH_KEEPING = 2 << 20;

let free = MAX_AT_ONCE;
const waiting = [];

async function turn(signal) {
  if (free > 0) free -= 1;
  else await new Promise((resolve) => waiting.push(resolve));
  if (!signal.aborted) return;
  done();
  throw signal.reason;
}

/** A turn goes to who waits longest; nobody who comes later gets in between. */
function done() {
  const next = waiting.shift();
  if (next) next();
  else free += 1;
}

/**
 * A picture, from a file or an address, and the newest job for it. `changed()` is called whenever one of these has changed:
 * `phase` (`idle`, `waiting`, `sending`, `working`, `done`, `refused`, `stopped`), `sent` and `total` in bytes, `job`, `problem`,
 * `took` in milliseconds from the first byte to the answer.
 */
export class Sending {
  phase = "idle";
  sent = 0;
  total = 0;
  job = null;
  problem = null;
  took = null;
  #blob = null;
  #abort = new AbortController();
  #next = null;
  #uploading = false;

  constructor({ file, url, name, changed, signal }) {
    Object.assign(this, { file, url, name, changed, signal });
  }

  /**
   * Asks for `{ operations, cache }`. A request under way is given up, but a large upload is left to end: what comes after it
   * asks by the address of what was uploaded. `cache` false has everything worked out anew.
   */
  ask(wanted) {
    if (this.#uploading && this.file.size >= WORTH_KEEPING) {
      this.#next = wanted;
      return;
    }
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#run(wanted, AbortSignal.any([this.signal, this.#abort.signal]));
  }

  /** Ends what is under way. */
  stop() {
    this.#next = null;
    this.#abort.abort();
    this.#is("stopped");
  }

  async #run(wanted, signal) {
    this.problem = null;
    this.#is("waiting");
    let held = false;
    try {
      await turn(signal);
      held = true;
      const began = performance.now();
      const job = await this.#submit(wanted, signal);
      this.took = performance.now() - began;
      this.#blob = job.input.blob;
      if (this.#next) return this.#again();
      await this.#finish(job, signal);
    } catch (problem) {
      if (signal.aborted || problem.name === "AbortError") return;
      this.problem = problem instanceof Problem ? problem : new Problem({ detail: problem.message });
      this.#next = null;
      this.#is("refused");
    } finally {
      if (held) done();
    }
  }

  #again() {
    const next = this.#next;
    this.#next = null;
    this.ask(next);
  }

  async #submit(wanted, signal) {
    const headers = { prefer: `wait=${WAIT}` };
    if (this.#blob) {
      this.#is("working");
      try {
        return await api.post("/v1/jobs", this.#body({ blob: this.#blob }, wanted), { headers, signal });
      } catch (problem) {
        // The job that had it was deleted meanwhile.
        if (problem.code !== "unknown_blob") throw problem;
        this.#blob = null;
      }
    }
    if (this.url) {
      this.#is("working");
      return api.post("/v1/jobs", this.#body({ url: this.url }, wanted), { headers, signal });
    }
    return this.#upload(wanted, { headers, signal });
  }

  #body(image, { operations, cache }) {
    return { image, operations, ...(this.name ? { name: this.name } : {}), ...(cache ? {} : { cache: false }) };
  }

  async #upload({ operations, cache }, options) {
    const form = new FormData();
    form.set("operations", JSON.stringify(operations));
    if (!cache) form.set("cache", "false");
    form.set("image", this.file, this.name);
    Object.assign(this, { sent: 0, total: this.file.size });
    this.#is("sending");
    const progress = (sent, total) => {
      Object.assign(this, { sent, total });
      this.#is(sent >= total ? "working" : "sending");
    };
    this.#uploading = true;
    try {
      return await upload("/v1/jobs", form, { ...options, progress });
    } finally {
      this.#uploading = false;
    }
  }

  async #finish(job, signal) {
    this.job = job;
    this.#is(FINAL.has(job.state) ? "done" : "working");
    if (FINAL.has(job.state)) return;
    await follow(`/v1/jobs/${job.id}/events`, {
      signal,
      event: (_, now) => {
        this.job = now;
        this.#is(FINAL.has(now.state) ? "done" : "working");
        return !FINAL.has(now.state);
      },
    });
  }

  #is(phase) {
    this.phase = phase;
    this.changed();
  }
}
