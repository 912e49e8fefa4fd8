// The jobs that a filter matches, as far as they have been asked for, kept true while they change.

import { api } from "/ui/core/api.js";
import { FINAL } from "/ui/parts/badge.js";

/** Jobs asked for at once. */
const PART = 100;

/** Jobs kept at once; whoever wants more narrows the filter. */
export const MAX_KEPT = 20_000;

/** From this many on the list is cut to its newest part when it is refreshed at its top. */
const TRIM = 500;

/** A listing in parts. `changed()` is called after each change of what is there. */
export class JobList {
  /** Jobs at the top that are not shown yet; `Infinity` where nobody knows how many. */
  unseen = 0;

  /** Whether the last part has been asked for. */
  ended = false;

  #parts = [];
  #next;
  #busy = false;

  constructor({ query, signal, changed }) {
    Object.assign(this, { query, signal, changed });
  }

  get rows() {
    return this.#parts.flatMap((part) => part.jobs);
  }

  get full() {
    return this.#parts.length * PART >= MAX_KEPT;
  }

  /** Asks for the next part; nothing while one is on its way. */
  async more() {
    if (this.#busy || this.ended || this.full) return;
    this.#busy = true;
    try {
      const cursor = this.#next;
      const { jobs, next_cursor: next } = await this.#ask(cursor);
      const known = new Set(this.rows.map((job) => job.id));
      this.#parts.push({ cursor, jobs: jobs.filter((job) => !known.has(job.id)) });
      this.#next = next;
      this.ended = !next;
    } finally {
      this.#busy = false;
    }
    this.changed();
  }

  /**
   * Looks for what is new and for what has changed in what is seen. `steady` is whether rows must keep their place: then
   * new ones are only counted. `whole` is whether everything that is listed is wanted, and not only its newest part. `seen` are
   * the rows in sight.
   */
  async refresh({ steady, whole, seen }) {
    if (this.#busy || this.#parts.length === 0) return;
    this.#busy = true;
    try {
      if (this.query.order === "oldest") await this.#lookAtEnd();
      else await this.#lookAtTop(steady, whole);
      await this.#lookAtSeen(seen);
    } finally {
      this.#busy = false;
    }
    this.changed();
  }

  /** Forgets jobs, such as those that have been deleted. */
  drop(ids) {
    const gone = new Set(ids);
    for (const part of this.#parts) part.jobs = part.jobs.filter((job) => !gone.has(job.id));
    this.changed();
  }

  async #lookAtTop(steady, whole) {
    const answer = await this.#ask(undefined);
    const known = new Set(this.rows.map((job) => job.id));
    const fresh = answer.jobs.filter((job) => !known.has(job.id));
    const gap = known.size > 0 && fresh.length === answer.jobs.length && answer.next_cursor;
    if (!steady && (gap || known.size === 0 || (known.size > TRIM && !whole))) return this.#begin(answer);
    merge(this.#parts[0], answer.jobs);
    if (steady) this.unseen = gap ? Infinity : fresh.length;
    else this.#parts[0].jobs.unshift(...fresh);
    if (!steady) this.unseen = 0;
  }

  #begin({ jobs, next_cursor: next }) {
    Object.assign(this, { unseen: 0, ended: !next });
    this.#parts = [{ cursor: undefined, jobs }];
    this.#next = next;
  }

  /** Oldest first, new jobs come after the last one. */
  async #lookAtEnd() {
    if (!this.ended) return;
    const last = this.#parts.at(-1);
    const { jobs, next_cursor: next } = await this.#ask(last.cursor);
    const known = new Set(last.jobs.map((job) => job.id));
    merge(last, jobs);
    last.jobs.push(...jobs.filter((job) => !known.has(job.id)));
    this.#next = next;
    this.ended = !next;
  }

  /** Jobs that have ended do not move on their own: only parts with others are asked for again. */
  async #lookAtSeen(seen) {
    const ids = new Set(seen.filter((job) => !FINAL.has(job.state)).map((job) => job.id));
    const others = this.query.order === "oldest" ? this.#parts : this.#parts.slice(1);
    const part = others.find(({ jobs }) => jobs.some((job) => ids.has(job.id)));
    if (part) merge(part, (await this.#ask(part.cursor)).jobs);
  }

  #ask(cursor) {
    return api.get("/v1/jobs", { ...this.query, limit: PART, cursor }, { signal: this.signal });
  }
}

/** Takes the new state of jobs that are known, and leaves out those that the filter does not match any more. */
function merge(part, jobs) {
  const told = new Map(jobs.map((job) => [job.id, job]));
  const last = part.jobs.findLastIndex((job) => told.has(job.id));
  part.jobs = part.jobs.filter((job, index) => index > last || told.has(job.id)).map((job) => told.get(job.id) ?? job);
}
