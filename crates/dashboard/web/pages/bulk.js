// Doing one thing to many jobs: to those that are chosen, or to all that a filter matches, in rounds that can be stopped.

import { h, write } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { number } from "/ui/core/format.js";
import { confirm, open } from "/ui/parts/dialog.js";
import { tell } from "/ui/parts/notice.js";
import { asBulk, described } from "/ui/pages/jobs-filter.js";

/** Jobs that one round may touch or name, so that progress is seen and a stop is soon. */
const ROUND = 500;

/** Jobs that are counted before a question is asked; more are "more than". */
const MAX_COUNTED = 20_000;

/** Jobs asked for at once while they are counted. */
const COUNTED_AT_ONCE = 1000;

const BEGIN_AGAIN = "are queued again with a fresh budget of attempts";

/** What can be done: how it is called, what it does to jobs, how these are said to be afterwards, and what the server calls it. */
export const VERBS = {
  retry: { title: "Retry", icon: "retry", does: `${BEGIN_AGAIN}; those that have not failed or been cancelled stay as they are`, done: "queued again", action: "retry" },
  requeue: { title: "Requeue", icon: "retry", does: BEGIN_AGAIN, done: "queued again", action: "retry" },
  cancel: { title: "Cancel", icon: "close", does: "are cancelled; those that have ended stay as they are", done: "cancelled", action: "cancel" },
  delete: { title: "Delete", icon: "trash", does: "go with their images and results, which cannot be undone; running ones and images of runs stay", done: "deleted", action: "delete", danger: true },
};

/** Asks, and does it to the jobs of these ids. Gives whether it was begun; throws a Problem. */
export async function toChosen(verb, ids, signal) {
  if (!await sure(verb, { many: counted(ids.length), which: "The chosen jobs" })) return false;
  let index = 0;
  await inRounds(verb, { total: ids.length, signal }, async (options) => {
    const part = await api.post("/v1/jobs/bulk", { action: VERBS[verb].action, ids: ids.slice(index, index + ROUND) }, options);
    index += ROUND;
    return { ...part, next_cursor: index < ids.length ? index : null };
  });
  return true;
}

/** Asks, and does it to all that a filter matches. `known` is how many these are, where somebody knows it already. */
export async function toAll(verb, filter, { signal, known } = {}) {
  const { count, more } = known ? { count: known, more: false } : await countAll(filter);
  if (count === 0) { tell("No job matches."); return false; }
  if (!await sure(verb, { many: `${more ? "more than " : ""}${counted(count)}`, which: `Matched by ${described(filter)}. They` })) return false;
  await inRounds(verb, { total: more ? null : count, signal }, (options, cursor) =>
    api.post("/v1/jobs/bulk", { action: VERBS[verb].action, filter: asBulk(filter), limit: ROUND, cursor }, options));
  return true;
}

function sure(verb, { many, which }) {
  const { title, does, danger } = VERBS[verb];
  return confirm({ title: `${title} ${many}?`, text: `${which} ${does}.`, action: `${title} ${many}`, danger });
}

function counted(count) {
  return `${number(count)} ${count === 1 ? "job" : "jobs"}`;
}

/** How many jobs a filter matches, with a dialog that can be left while it counts. */
async function countAll(filter) {
  const ended = new AbortController();
  const line = h("p", { role: "status" }, "Counting the jobs…");
  const dialog = open("One moment", [line, h("div", { class: "actions" }, h("button", { onclick: () => dialog.close() }, "Not now"))]);
  dialog.addEventListener("close", () => ended.abort());
  let [count, cursor] = [0, undefined];
  try {
    do {
      const part = await api.get("/v1/jobs", { ...filter, limit: COUNTED_AT_ONCE, cursor }, { signal: ended.signal });
      count += part.jobs.length;
      cursor = part.next_cursor;
      write(line, `Counting the jobs: ${number(count)}`);
    } while (cursor && count < MAX_COUNTED);
  } finally {
    dialog.close();
  }
  return { count, more: Boolean(cursor) };
}

/** Asks `round({ signal }, cursor)` again while there is more, with progress and a way to stop; says what came of it. */
async function inRounds(verb, { total, signal }, round) {
  const ended = new AbortController();
  const bar = h("progress", { "aria-label": "Progress", max: total ?? 1 });
  const line = h("p", { role: "status" }, "Begun…");
  const dialog = open(`${VERBS[verb].title} jobs`, [bar, line, h("div", { class: "actions" }, h("button", { onclick: () => ended.abort() }, "Stop"))]);
  dialog.addEventListener("cancel", () => ended.abort());
  const either = { signal: AbortSignal.any([ended.signal, ...(signal ? [signal] : [])]) };
  let [matched, changed, skipped, cursor] = [0, 0, 0, undefined];
  try {
    do {
      const part = await round(either, cursor);
      matched += part.matched;
      changed += part.changed;
      skipped += part.skipped;
      cursor = part.next_cursor;
      if (total) bar.value = Math.min(total, matched);
      write(line, `${number(changed)} done, ${number(skipped)} left as they are`);
    } while (cursor && !ended.signal.aborted);
  } catch (problem) {
    if (problem.name !== "AbortError") throw problem;
  } finally {
    dialog.close();
  }
  tell(summary(verb, { changed, skipped, stopped: ended.signal.aborted }));
}

function summary(verb, { changed, skipped, stopped }) {
  return `${stopped ? "Stopped. " : ""}${number(changed)} ${changed === 1 ? "job is" : "jobs are"} ${VERBS[verb].done}${skipped ? `, ${number(skipped)} left as they are` : ""}.`;
}
