// Requeueing and deleting: one job, those that are chosen, or all that match, in rounds that can be stopped.

import { fill, h, write } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { number } from "/ui/core/format.js";
import { progress } from "/ui/parts/chart.js";
import { action, confirm } from "/ui/parts/dialog.js";
import { icon } from "/ui/parts/icons.js";
import { complain, tell } from "/ui/parts/notice.js";
import { named } from "/ui/pages/dead-columns.js";

/** Jobs of one round: a round is soon over, so that stopping is, too. */
const ROUND = 500;

const WORDS = {
  retry: { verb: "Requeue", done: "requeued", text: "They begin again with a fresh budget of attempts." },
  delete: { verb: "Delete", done: "deleted", text: "Their images and results go with them. This cannot be undone.", danger: true },
};

/**
 * `filter()` is what the list shows, `total()` how many that are (null if unknown), `done()` is told of each change. Gives the
 * buttons `all`, the bar `element` for what is chosen and under way, `choose(ids)`, `one(what, job)` and `count()`.
 */
export function bulk({ filter, total, done, signal }) {
  let chosen = [];
  const [bar, under] = [h("div", { class: "card bar-of-chosen", hidden: true }), h("div", { class: "card", hidden: true, role: "status" })];
  const count = h("span");
  const buttons = ["retry", "delete"].map((what) => h("button", { class: WORDS[what].danger && "danger", onclick: () => all(what) },
    icon(what === "retry" ? "retry" : "trash"), `${WORDS[what].verb} all`, what === "retry" && count));

  async function one(what, job) {
    if (what === "delete" && !await confirm({ title: `Delete ${named(job)}`, text: "The image and its results go with it. This cannot be undone.", action: "Delete", danger: true })) return;
    if (what === "retry") await api.post(`/v1/jobs/${job.id}/retry`);
    else await api.delete(`/v1/jobs/${job.id}`);
    tell(`${named(job)} is ${WORDS[what].done}.`);
    done();
  }

  async function some(what) {
    const ids = chosen;
    if (what === "delete" && !await sure(what, ids.length)) return;
    const answer = await api.post("/v1/jobs/bulk", { action: what, ids }, { signal });
    say(what, answer);
    done();
  }

  async function all(what) {
    const most = total();
    if (!await sure(what, most)) return;
    const stop = new AbortController();
    const sum = { changed: 0, skipped: 0 };
    const told = () => drawUnder(under, { what, sum, most, stop });
    for (const button of buttons) button.disabled = true;
    told();
    try {
      await rounds({ what, filter: wireFilter(filter()), sum, told, signal: AbortSignal.any([signal, stop.signal]) });
      say(what, sum);
    } catch (problem) {
      if (problem.name === "AbortError" && !signal.aborted) tell(`Stopped: ${number(sum.changed)} ${WORDS[what].done}.`);
      else complain(problem);
    }
    under.hidden = true;
    for (const button of buttons) button.disabled = false;
    if (!signal.aborted) done();
  }

  return {
    all: h("div", { class: "actions" }, buttons),
    element: h("div", { class: "pile" }, under, bar),
    one,
    choose: (ids) => {
      chosen = ids;
      bar.hidden = ids.length === 0;
      if (ids.length) drawBar(bar, ids.length, some);
    },
    count: () => {
      const known = total();
      for (const button of buttons) button.hidden = known === 0;
      write(count, known ? ` ${number(known)}` : "");
    },
  };
}

/** Round after round until everything that matches was looked at, each once. What a round changes is added to `sum`. */
async function rounds({ what, filter, sum, told, signal }) {
  let cursor;
  do {
    const answer = await api.post("/v1/jobs/bulk", { action: what, filter, limit: ROUND, cursor }, { signal });
    sum.changed += answer.changed;
    sum.skipped += answer.skipped;
    told();
    cursor = answer.next_cursor;
  } while (cursor);
}

/** The filter of a listing without what only a listing has. */
function wireFilter({ order: _, ...filter }) {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== ""));
}

function sure(what, many) {
  const { verb, text, danger } = WORDS[what];
  const jobs = many === null ? "every job that matches" : many === 1 ? "1 job" : `${number(many)} jobs`;
  return confirm({ title: `${verb} ${jobs}?`, text, action: verb, danger });
}

function say(what, { changed, skipped }) {
  const rest = skipped ? ` ${number(skipped)} could not be: a run holds on to them, or they have moved on.` : "";
  tell(`${number(changed)} ${WORDS[what].done}.${rest}`);
}

function drawBar(bar, many, some) {
  if (bar.count) return write(bar.count, number(many));
  bar.count = h("strong", {}, number(many));
  fill(bar, h("span", {}, bar.count, " chosen"), h("span", { class: "spring" }),
    action([icon("retry"), "Requeue"], { class: "small" }, () => some("retry")),
    action([icon("trash"), "Delete"], { class: "small danger" }, () => some("delete")));
  return bar;
}

function drawUnder(under, { what, sum, most, stop }) {
  under.hidden = false;
  const { done, danger } = WORDS[what];
  const so = most ? `${number(sum.changed)} of ${number(most)} ${done}` : `${number(sum.changed)} ${done}`;
  if (!under.line || under.what !== what) {
    Object.assign(under, { what, line: h("span", {}), meter: h("div", {}) });
    fill(under, h("div", { class: "row" }, under.line, h("span", { class: "spring" }), h("button", { class: "small", onclick: () => under.stop.abort() }, "Stop")), under.meter);
  }
  under.stop = stop;
  write(under.line, so);
  fill(under.meter, most ? progress([{ name: done, value: sum.changed + sum.skipped, tone: danger ? "bad" : "busy" }], most) : null);
}
