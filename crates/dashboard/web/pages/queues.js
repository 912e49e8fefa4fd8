// The queues: what waits in each and for how long, holding them, and how much of each may run.

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
import { askLimit } from "/ui/pages/queues-limit.js";

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

/** Those with a column of their own, beside those that wait and run. */
const COUNTED = ["scheduled", "succeeded", "failed"];

/** Those of them that are not shown unless asked for. */
const HIDDEN = ["scheduled", "succeeded"];

export async function page({ signal }) {
  const summary = h("p", { class: "quiet" });
  const queues = made(() => ask());
  const show = (list) => {
    queues.show(list);
    summarize(summary, list);
  };
  // The stream tells the same, but only after a pause of a second.
  async function ask() {
    show((await api.get("/v1/queues", {}, { signal })).queues);
  }
  await ask();
  live.listen((stats) => show(stats.queues), signal);
  const root = h("div", { class: "page" },
    h("header", { class: "head" }, h("div", {}, h("h1", {}, "Queues"), summary), queues.columnsButton()), queues.element,
    h("p", { class: "quiet" }, "While a queue is paused its jobs are held and new ones are still taken; those that run go on to their end. Jobs of a run that is paused or was stopped are held, too. A limit keeps jobs of a queue waiting while as many of them run, whichever workers are free."));
  keepAges(root, signal);
  return root;
}

function summarize(element, list) {
  const paused = list.filter((queue) => queue.paused).length;
  const oldest = list.filter((queue) => !queue.paused && queue.oldest_queued).map((queue) => queue.oldest_queued).sort()[0];
  const held = list.some(({ jobs }) => jobs.held);
  const state = JSON.stringify([list.length, paused, oldest, held]);
  if (element.state === state) return;
  element.state = state;
  fill(element, `${number(list.length)} ${list.length === 1 ? "queue" : "queues"}${paused ? `, ${number(paused)} paused` : ""}. `,
    oldest ? ["The oldest waiting job: ", h("a", { href: "#/jobs?state=queued&order=oldest" }, ago(oldest)), "."] : held ? "What waits is held." : "Nothing waits.");
}

function made(changed) {
  const queues = table({
    caption: "Queues", store: "queues", key: (queue) => queue.name, columns: columns(changed),
    href: (queue) => `#/jobs?queue=${encodeURIComponent(queue.name)}`,
    empty: () => nothing("No queue has been used yet.", "A queue comes to be with its first job: ", h("code", {}, "queue=name"), " where it is submitted, ", h("code", {}, "default"), " if nothing is said."),
  });
  queues.element.classList.add("as-cards");
  return queues;
}

function columns(changed) {
  return [
    { name: "name", title: "Queue", class: "file short", cell: (queue) => h("span", { class: "clamp", title: queue.name }, queue.name), sort: (queue) => queue.name },
    { name: "state", title: "State", cell: (queue) => badge(queue.paused ? "paused" : "open") },
    { name: "share", title: "Jobs", class: "share", cell: (queue) => share(queue), sort: total },
    countOf("Waiting", ({ queued }) => queued),
    countOf("Held", ({ held }) => held),
    { name: "oldest", title: "Oldest", class: "nowrap", cell: oldestOf, sort: (queue) => queue.oldest_queued },
    { name: "running", title: "Running", class: "number nowrap", cell: running, sort: (queue) => queue.jobs.running },
    ...STATES.filter(({ state }) => COUNTED.includes(state)).map(({ state, title }) => ({ ...countOf(title, (jobs) => jobs[state]), hidden: HIDDEN.includes(state) })),
    { name: "do", title: "Actions", class: "do", cell: (queue) => h("span", { class: "row" }, limit(queue, changed), queue.paused ? resume(queue, changed) : pause(queue, changed)) },
  ];
}

function oldestOf({ name, oldest_queued: oldest, paused }) {
  if (!oldest) return h("span", { class: "quiet" }, "–");
  return h("a", { href: `#/jobs?queue=${encodeURIComponent(name)}&state=${paused ? "held" : "queued"}&order=oldest` }, ago(oldest));
}

/** How many run, and of how many that may. */
function running({ jobs, max_running: max }) {
  if (!max) return jobs.running ? number(jobs.running) : h("span", { class: "quiet" }, "0");
  const full = jobs.running >= max;
  return h("span", { class: full && "full", title: full ? "No more may run: the others wait" : undefined }, `${number(jobs.running)} of ${number(max)}`);
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

function limit(queue, changed) {
  return h("button", { class: "small", "aria-label": `Limit ${queue.name}`, onclick: () => askLimit(queue, async (max) => {
    await api.post(`/v1/queues/${encodeURIComponent(queue.name)}/limit`, { max_running: max });
    tell(max ? `At most ${number(max)} ${max === 1 ? "job" : "jobs"} of the queue ${queue.name} at a time.` : `The queue ${queue.name} has no limit.`);
    await changed();
  }) }, icon("limit"), "Limit");
}
