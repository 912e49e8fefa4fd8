// Doing one thing to many jobs: to those that are chosen, and to all that the filter matches.

import { h, write } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { number } from "/ui/core/format.js";
import { action, confirm, open } from "/ui/parts/dialog.js";
import { dropdown } from "/ui/parts/dropdown.js";
import { icon } from "/ui/parts/icons.js";
import { complain, tell } from "/ui/parts/notice.js";
import { asBulk, described } from "/ui/pages/jobs-filter.js";

/** Jobs that one request may name. */
const MAX_NAMED = 1000;

/** Jobs that one round may touch, so that progress is seen and a stop is soon. */
const ROUND = 1000;

/** Jobs that are counted before a question is asked; more are "more than". */
const MAX_COUNTED = 20_000;

/** Jobs asked for at once while they are counted. */
const COUNTED_AT_ONCE = 1000;

const VERBS = {
  retry: { title: "Retry", icon: "retry", asks: "Retry", does: "are queued again with a fresh budget of attempts; those that have not failed or been cancelled stay as they are" },
  cancel: { title: "Cancel", icon: "close", asks: "Cancel", does: "are cancelled; those that have ended stay as they are" },
  delete: { title: "Delete", icon: "trash", asks: "Delete", does: "go with their images and results, which cannot be undone; running ones and images of runs stay", danger: true },
};

/**
 * The bar of bulk actions. `chosen()` gives ids, `filter()` the filter; `done(action, ids?)` is called afterwards. Gives
 * `{ element, menu, show(count) }`.
 */
export function bulkBar({ chosen, filter, clear, done }) {
  const count = h("strong", {});
  const forChosen = h("div", { class: "row chosen", hidden: true }, count,
    Object.keys(VERBS).map((verb) => action([icon(VERBS[verb].icon), VERBS[verb].title], { class: ["small", VERBS[verb].danger && "danger"] }, () => onChosen(verb, chosen(), done))),
    h("button", { class: "small", onclick: clear }, "Choose none"));
  const menu = dropdown("All that match", Object.keys(VERBS).map((verb) => h("button", {
    class: ["plain", VERBS[verb].danger && "danger"], onclick: () => { menu.open = false; onFilter(verb, filter(), done); },
  }, icon(VERBS[verb].icon), `${VERBS[verb].title} all that match…`)));
  return { element: forChosen, menu, show: (chosenCount) => { forChosen.hidden = chosenCount === 0; write(count, `${number(chosenCount)} chosen`); } };
}

async function onChosen(verb, ids, done) {
  const { asks, does, danger } = VERBS[verb];
  const noun = ids.length === 1 ? "job" : "jobs";
  if (!(await confirm({ title: `${asks} ${number(ids.length)} ${noun}?`, text: `The chosen jobs ${does}.`, action: `${asks} ${number(ids.length)} ${noun}`, danger }))) return;
  const rounds = Array.from({ length: Math.ceil(ids.length / MAX_NAMED) }, (_, round) => ids.slice(round * MAX_NAMED, (round + 1) * MAX_NAMED));
  let index = 0;
  await inRounds(verb, ids.length, async (signal) => {
    const part = await api.post("/v1/jobs/bulk", { action: verb, ids: rounds[index] }, { signal });
    index += 1;
    return { ...part, more: index < rounds.length };
  });
  done(verb, ids);
}

async function onFilter(verb, filter, done) {
  try {
    const { asks, does, danger } = VERBS[verb];
    const { count, more } = await counted(filter);
    if (count === 0) return tell("No job matches.");
    const many = `${more ? "more than " : ""}${number(count)} ${count === 1 ? "job" : "jobs"}`;
    if (!(await confirm({ title: `${asks} ${many}?`, text: `Matched by ${described(filter)}. They ${does}.`, action: `${asks} ${many}`, danger }))) return;
    await inRounds(verb, more ? null : count, (signal, cursor) => api.post("/v1/jobs/bulk", { action: verb, filter: asBulk(filter), limit: ROUND, cursor }, { signal }));
    done(verb);
  } catch (problem) {
    complain(problem);
  }
}

/** How many jobs a filter matches, with a dialog that can be left while it counts. */
async function counted(filter) {
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

/** Asks `round(signal, cursor)` again while there is more, with progress and a way to stop; says what came of it. */
async function inRounds(verb, total, round) {
  const ended = new AbortController();
  const bar = h("progress", { "aria-label": "Progress", max: total ?? 1 });
  const line = h("p", { role: "status" }, "Begun…");
  const stop = h("button", { onclick: () => ended.abort() }, "Stop");
  const dialog = open(`${VERBS[verb].title} jobs`, [bar, line, h("div", { class: "actions" }, stop)]);
  dialog.addEventListener("cancel", () => ended.abort());
  let [matched, changed, skipped, cursor] = [0, 0, 0, undefined];
  try {
    for (let more = true; more && !ended.signal.aborted;) {
      const part = await round(ended.signal, cursor);
      matched += part.matched;
      changed += part.changed;
      skipped += part.skipped;
      more = part.more;
      cursor = part.next_cursor;
      if (total) bar.value = Math.min(total, matched);
      write(line, `${number(changed)} done, ${number(skipped)} left as they are`);
    }
    tell(summary(verb, changed, skipped, ended.signal.aborted));
  } catch (problem) {
    if (problem.name === "AbortError") tell(summary(verb, changed, skipped, true));
    else complain(problem);
  } finally {
    dialog.close();
  }
}

function summary(verb, changed, skipped, stopped) {
  const done = { retry: "queued again", cancel: "cancelled", delete: "deleted" }[verb];
  return `${stopped ? "Stopped. " : ""}${number(changed)} ${changed === 1 ? "job is" : "jobs are"} ${done}${skipped ? `, ${number(skipped)} left as they are` : ""}.`;
}
