// The queues: what waits in each, and holding them.

import { fill, h } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { live } from "/ui/core/live.js";
import { ago, keepAges, number } from "/ui/core/format.js";
import { badge } from "/ui/parts/badge.js";
import { progress } from "/ui/parts/chart.js";
import { action, confirm } from "/ui/parts/dialog.js";
import { icon } from "/ui/parts/icons.js";
import { nothing, tell } from "/ui/parts/notice.js";
import { table } from "/ui/parts/table.js";

/** The states of a queue's jobs in the order in which they pass through them. */
const STATES = [
  { state: "scheduled", title: "Scheduled", tone: "quiet" },
  { state: "queued", title: "Waiting", tone: "waiting" },
  { state: "held", title: "Held", tone: "held" },
  { state: "running", title: "Running", tone: "busy" },
  { state: "succeeded", title: "Succeeded", tone: "good" },
  { state: "failed", title: "Failed", tone: "bad" },
  { state: "cancelled", title: "Cancelled", tone: "quiet" },
];

/** Those with a column of their own, beside those that wait. */
const COUNTED = ["scheduled", "running", "succeeded", "failed"];

export async function page({ signal }) {
  const place = h("div", {});
  const summary = h("p", { class: "quiet" });
  let queues = null;
  const show = (list, oldest) => {
    const limited = list.some((queue) => queue.max_running !== undefined && queue.max_running !== null);
    if (queues?.limited !== limited) {
      queues = { ...made(limited, ask), limited };
      fill(place, queues.element);
    }
    queues.show(list);
    summarize(summary, list, oldest);
  };
  // The stream tells the same, but only after a pause of a second.
  async function ask() {
    show((await api.get("/v1/queues", {}, { signal })).queues, live.stats?.oldest_queued);
  }
  await ask();
  live.listen((stats) => show(stats.queues, stats.oldest_queued), signal);
  const root = h("div", { class: "page" },
    h("header", { class: "head" }, h("div", {}, h("h1", {}, "Queues"), summary)), place,
    h("p", { class: "quiet" }, "While a queue is paused its jobs are held and new ones are still taken; those that run go on to their end."));
  keepAges(root, signal);
  return root;
}

function summarize(element, list, oldest) {
  const paused = list.filter((queue) => queue.paused).length;
  const state = JSON.stringify([list.length, paused, oldest]);
  if (element.state === state) return;
  element.state = state;
  fill(element, `${number(list.length)} ${list.length === 1 ? "queue" : "queues"}${paused ? `, ${number(paused)} paused` : ""}. `,
    oldest ? ["The oldest waiting job: ", h("a", { href: "#/jobs?state=queued&order=oldest" }, ago(oldest)), "."] : "Nothing waits.");
}

function made(limited, changed) {
  const queues = table({
    caption: "Queues", store: "queues", key: (queue) => queue.name, columns: columns(limited, changed),
    href: (queue) => `#/jobs?queue=${encodeURIComponent(queue.name)}`,
    empty: () => nothing("No queue has been used yet.", "A queue comes to be with its first job: ", h("code", {}, "queue=name"), " where it is submitted, ", h("code", {}, "default"), " if nothing is said."),
  });
  queues.element.classList.add("as-cards");
  return queues;
}

function columns(limited, changed) {
  return [
    { name: "name", title: "Queue", class: "file short", cell: (queue) => h("span", { class: "clamp", title: queue.name }, queue.name), sort: (queue) => queue.name },
    { name: "state", title: "State", cell: (queue) => badge(queue.paused ? "paused" : "open") },
    { name: "share", title: "Jobs", class: "share", cell: (queue) => share(queue), sort: total },
    countOf("Waiting", ({ queued, held }) => queued + held),
    ...STATES.filter(({ state }) => COUNTED.includes(state)).map(({ state, title }) => countOf(title, (jobs) => jobs[state])),
    limited && { name: "limit", title: "At a time", class: "number nowrap", cell: (queue) => (queue.max_running ? number(queue.max_running) : "any"), sort: (queue) => queue.max_running },
    { name: "do", title: "Actions", class: "do", cell: (queue) => h("span", { class: "row" }, queue.paused ? resume(queue, changed) : pause(queue, changed)) },
  ].filter(Boolean);
}

function countOf(title, of) {
  return {
    name: title, title, class: "number nowrap", sort: (queue) => of(queue.jobs),
    cell: (queue) => (of(queue.jobs) ? number(of(queue.jobs)) : h("span", { class: "quiet" }, "0")),
  };
}

function share(queue) {
  const parts = STATES.map(({ state, title, tone }) => ({ name: title, value: queue.jobs[state], tone }));
  return progress(parts, total(queue));
}

function total({ jobs }) {
  return STATES.reduce((sum, { state }) => sum + jobs[state], 0);
}

function pause(queue, changed) {
  return action([icon("pause"), "Pause"], { class: "small", "aria-label": `Pause ${queue.name}` }, async () => {
    const waiting = queue.jobs.queued;
    const text = `${waiting ? `${number(waiting)} waiting ${waiting === 1 ? "job is" : "jobs are"} held` : "New jobs are held"} until the queue is resumed.`;
    if (!await confirm({ title: `Pause the queue ${queue.name}?`, text, action: "Pause" })) return;
    await api.post(`/v1/queues/${encodeURIComponent(queue.name)}/pause`);
    tell(`The queue ${queue.name} is paused.`);
    await changed();
  });
}

function resume(queue, changed) {
  return action([icon("play"), "Resume"], { class: "small primary", "aria-label": `Resume ${queue.name}` }, async () => {
    await api.post(`/v1/queues/${encodeURIComponent(queue.name)}/resume`);
    tell(`The queue ${queue.name} goes on.`);
    await changed();
  });
}
