// The worker processes that live.

import { h, fill, write } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { live } from "/ui/core/live.js";
import { ago, keepAges, number } from "/ui/core/format.js";
import { progress } from "/ui/parts/chart.js";
import { nothing, problemCard } from "/ui/parts/notice.js";
import { table } from "/ui/parts/table.js";

/** How often the list is asked for at least while nothing else changes, in milliseconds: heartbeats age. */
const FLOOR = 5000;

export async function page({ signal }) {
  const summary = h("p", { class: "quiet" });
  const workers = table({
    caption: "Workers", store: "workers", key: (worker) => worker.session, columns: COLUMNS,
    empty: () => nothing("No worker lives.", "Jobs wait until one comes: the server runs workers of its own unless ", h("code", {}, "worker.slots"), " is 0."),
  });
  const root = h("div", { class: "page" },
    h("header", { class: "head" }, h("div", {}, h("h1", {}, "Workers"), summary), workers.columnsButton()), workers.element);
  const show = async () => {
    try {
      const { workers: list } = await api.get("/v1/workers", {}, { signal });
      workers.show(list);
      const slots = list.reduce((sum, worker) => sum + worker.slots, 0);
      const running = list.reduce((sum, worker) => sum + worker.running, 0);
      write(summary, `${number(list.length)} alive, ${number(running)} of ${number(slots)} slots at work`);
    } catch (problem) {
      if (!signal.aborted && problem.status) fill(root, problemCard(problem));
    }
  };
  await show();
  const timer = setInterval(show, FLOOR);
  signal.addEventListener("abort", () => clearInterval(timer));
  live.addEventListener("stats", show, { signal });
  keepAges(root, signal);
  return root;
}

const COLUMNS = [
  { name: "host", title: "Host", cell: (worker) => worker.host, sort: (worker) => worker.host },
  { name: "pid", title: "Process", class: "number", cell: (worker) => worker.pid, sort: (worker) => worker.pid },
  {
    name: "busy", title: "At work", sort: (worker) => worker.running / worker.slots,
    cell: (worker) => h("span", { class: "meter" }, progress([{ name: "At work", value: worker.running, tone: "busy" }], worker.slots), `${worker.running} of ${worker.slots}`),
  },
  { name: "done", title: "Done", class: "number", cell: (worker) => number(worker.done), sort: (worker) => worker.done },
  { name: "failed", title: "Failed", class: "number", cell: (worker) => number(worker.failed), sort: (worker) => worker.failed },
  { name: "rate", title: "A minute", class: "number", cell: (worker) => number(Number(worker.rate_per_minute.toFixed(1))), sort: (worker) => worker.rate_per_minute },
  { name: "load", title: "Load", class: "number", cell: (worker) => worker.load.toFixed(2), sort: (worker) => worker.load },
  { name: "beat", title: "Heartbeat", cell: (worker) => ago(worker.last_heartbeat), sort: (worker) => worker.last_heartbeat },
  { name: "since", title: "Started", cell: (worker) => ago(worker.since), sort: (worker) => worker.since },
  { name: "version", title: "Version", hidden: true, cell: (worker) => worker.version, sort: (worker) => worker.version },
];
