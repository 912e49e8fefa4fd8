// The worker processes that live.

import { h, fill, write } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { live } from "/ui/core/live.js";
import { ago, keepAges, number } from "/ui/core/format.js";
import { progress } from "/ui/parts/chart.js";
import { icon } from "/ui/parts/icons.js";
import { nothing, problemCard } from "/ui/parts/notice.js";
import { table } from "/ui/parts/table.js";

/** How often the list is asked for at least while nothing else changes, in milliseconds: heartbeats age. */
const FLOOR = 5000;

/** Between two questions at least, in milliseconds: a thousand workers are many to tell, and each beats every 5 s. */
const PACE = 2500;

/** Rows are this high, in pixels. */
const ROW = 44;

/** From so many workers on there is a field to find some of them. */
const MANY = 12;

export async function page({ signal }) {
  const summary = h("p", { class: "quiet" });
  let list = [];
  const sought = h("input", { type: "search", placeholder: "Host or process", "aria-label": "Find workers by host or process", oninput: () => draw() });
  const search = h("label", { class: "search", hidden: true }, icon("search"), sought);
  const workers = table({
    caption: "Workers", store: "workers", key: (worker) => worker.session, columns: COLUMNS, view: { sort: "host" }, virtual: { height: ROW, signal },
    empty: () => (list.length ? nothing("No worker is called that.", "Look for a part of the name of a host, or the number of a process.")
      : nothing("No worker lives.", "Jobs wait until one comes: the server runs workers of its own unless ", h("code", {}, "worker.slots"), " is 0.")),
  });
  const content = [h("header", { class: "head" }, h("div", {}, h("h1", {}, "Workers"), summary), h("div", { class: "row" }, search, workers.columnsButton())), workers.element];
  const root = h("div", { class: "page workers" }, content);
  const draw = () => {
    const text = sought.value.trim().toLowerCase();
    workers.show(list.filter(({ host, pid }) => `${host}:${pid}`.toLowerCase().includes(text)));
    search.hidden = list.length < MANY && !text;
    const sum = (of) => list.reduce((total, worker) => total + worker[of], 0);
    write(summary, `${number(list.length)} alive, ${number(sum("running"))} of ${number(sum("slots"))} slots at work`);
  };
  let asked = -Infinity;
  const show = async () => {
    if (document.hidden || performance.now() - asked < PACE) return;
    asked = performance.now();
    try {
      list = (await api.get("/v1/workers", {}, { signal })).workers;
      if (!root.contains(workers.element)) fill(root, content);
      draw();
    } catch (problem) {
      if (!signal.aborted && problem.status) fill(root, problemCard(problem));
    }
  };
  await show();
  const timer = setInterval(show, FLOOR);
  signal.addEventListener("abort", () => clearInterval(timer));
  live.addEventListener("stats", show, { signal });
  document.addEventListener("visibilitychange", show, { signal });
  keepAges(root, signal);
  return root;
}

/** Digits of the longest number of a process: those of one host are sorted as numbers. */
const PID_DIGITS = 10;

const COLUMNS = [
  { name: "host", width: 12, grow: 1, title: "Host", cell: (worker) => h("span", { class: "cut", title: worker.host }, worker.host), sort: (worker) => `${worker.host} ${String(worker.pid).padStart(PID_DIGITS)}` },
  {
    name: "busy", width: 10.2, title: "At work", sort: (worker) => worker.running / worker.slots,
    cell: (worker) => h("span", { class: "meter" }, progress([{ name: "At work", value: worker.running, tone: "busy" }], worker.slots), `${worker.running} of ${worker.slots}`),
  },
  { name: "pid", width: 5.5, title: "Process", class: "number", cell: (worker) => worker.pid, sort: (worker) => worker.pid },
  { name: "done", width: 5.2, title: "Done", class: "number", cell: (worker) => number(worker.done), sort: (worker) => worker.done },
  { name: "failed", width: 5, title: "Failed", class: "number", cell: (worker) => number(worker.failed), sort: (worker) => worker.failed },
  { name: "rate", width: 5.8, title: "A minute", class: "number", cell: (worker) => number(Number(worker.rate_per_minute.toFixed(1))), sort: (worker) => worker.rate_per_minute },
  { name: "load", width: 4.3, title: "Load", class: "number", cell: (worker) => worker.load.toFixed(2), sort: (worker) => worker.load },
  { name: "beat", width: 7.3, title: "Heartbeat", cell: (worker) => ago(worker.last_heartbeat), sort: (worker) => worker.last_heartbeat },
  { name: "since", width: 7.5, title: "Started", cell: (worker) => ago(worker.since), sort: (worker) => worker.since },
  { name: "version", width: 7, title: "Version", hidden: true, cell: (worker) => worker.version, sort: (worker) => worker.version },
];
