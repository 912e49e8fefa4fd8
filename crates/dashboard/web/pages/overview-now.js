// Cards beside the charts: why jobs fail, who works, what the machine has left.

import { fill, h } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { live } from "/ui/core/live.js";
import { ago, bytes, number, words } from "/ui/core/format.js";
import { bars, progress } from "/ui/parts/chart.js";

/** How often workers are asked for at most, in milliseconds: they beat every few seconds. */
const FLOOR = 5000;

/** A disk with a smaller share left than this is nearly full. */
const SCARCE = 0.1;

export function now({ signal }) {
  const [failures, workers, operations, machine] = ["Failures by reason", "Workers", "Operations", "Machine"].map(card);
  followWorkers(workers, signal);
  return {
    element: h("div", { class: "pairs" }, failures.element, workers.element, operations.element, machine.element),
    show: ({ failures: reasons, operations: done, system }, { untouched }) => {
      failures.element.hidden = operations.element.hidden = untouched;
      failures.show(reasons ?? [], () => reasonBars(reasons ?? []));
      operations.show(done, () => operationBars(done));
      machine.element.hidden = !system;
      if (system) machine.show(system, () => machineFigures(system));
    },
  };
}

/** A card whose content is drawn anew where its data differ. A link that has the focus keeps it. */
function card(title) {
  const body = h("div", { class: "body" });
  let shown;
  return {
    element: h("section", { class: "card", "aria-label": title }, h("h2", {}, title), body),
    show: (data, draw) => {
      const state = JSON.stringify(data);
      if (state === shown) return;
      shown = state;
      const focused = body.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      fill(body, draw());
      if (focused) [...body.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus({ preventScroll: true });
    },
  };
}

function reasonBars(reasons) {
  if (reasons.length === 0) return h("p", { class: "quiet" }, "No failed job is kept.");
  const sorted = [...reasons].sort((a, b) => b.count - a.count);
  return bars(sorted.map(({ kind, count }) => ({ label: words(kind), value: count, tone: "bad", href: `#/dead?failure=${encodeURIComponent(kind)}` })));
}

function operationBars(done) {
  if (done.length === 0) return h("p", { class: "quiet" }, "None has been done yet.");
  const items = done.map(({ operation, succeeded, failed }) => ({ label: operation, value: succeeded + failed, href: `#/jobs?op=${encodeURIComponent(operation)}` }));
  return [bars(items), h("p", { class: "quiet" }, "Jobs with each, since the store was made.")];
}

function followWorkers(workers, signal) {
  let asked = -Infinity;
  const ask = async () => {
    if (document.hidden || performance.now() - asked < FLOOR) return;
    asked = performance.now();
    try {
      const { workers: list } = await api.get("/v1/workers", {}, { signal });
      workers.show(list.map(({ slots, running, rate_per_minute: rate }) => [slots, running, rate.toFixed(1)]), () => workerFigures(list));
    } catch (problem) {
      if (problem.status) workers.show(problem.message, () => h("p", { class: "quiet" }, problem.message));
    }
  };
  ask();
  const timer = setInterval(ask, FLOOR);
  signal.addEventListener("abort", () => clearInterval(timer));
  live.addEventListener("stats", ask, { signal });
}

function workerFigures(list) {
  if (list.length === 0) return h("p", { class: "wrong" }, "No worker lives: jobs wait until one comes.");
  const sum = (of) => list.reduce((total, worker) => total + worker[of], 0);
  const [slots, held, rate] = [sum("slots"), sum("running"), sum("rate_per_minute")];
  // A worker takes the next jobs before a slot is free.
  const running = list.reduce((total, worker) => total + Math.min(worker.running, worker.slots), 0);
  return [
    meter("Slots at work", `${number(running)} of ${number(slots)}`, progress([{ name: "At work", value: running, tone: "busy" }], slots)),
    facts([
      held > running && ["Taken ahead", number(held - running)],
      ["Alive", h("a", { href: "#/workers" }, list.length === 1 ? "1 worker" : `${number(list.length)} workers`)],
      ["Attempts a minute", number(Number(rate.toFixed(rate < 10 ? 1 : 0)))],
    ]),
  ];
}

function machineFigures({ disk_free_bytes: free, disk_total_bytes: total, blob_bytes: blobs, memory_bytes: memory, model_bytes: models, processors, started_at: started }) {
  const known = total > 0 && free !== null;
  return [
    known && meter("Disk left", h("span", { class: free / total < SCARCE && "wrong" }, `${bytes(free)} of ${bytes(total)}`),
      progress([{ name: "Used", value: total - free, tone: free / total < SCARCE ? "bad" : "quiet" }], total)),
    known && free / total < SCARCE && h("p", { class: "wrong" }, "The disk is nearly full. Once it is, uploads are refused, and runs pause until there is room."),
    facts([
      blobs !== null && blobs !== undefined && ["Images and artifacts", bytes(blobs)], ["Memory of the server", bytes(memory)], ["Models in memory", bytes(models)],
      ["Processors", number(processors)], ["Started", ago(started)],
    ]),
  ];
}

/** A figure with the bar that shows it. */
function meter(name, value, bar) {
  return h("div", { class: "measure" }, facts([[name, value]]), bar);
}

function facts(entries) {
  return h("dl", { class: "properties" }, entries.filter(Boolean).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}
