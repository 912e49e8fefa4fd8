// The past as charts: what ended, how long it took, what waited. The history survives restarts of the server.

import { fill, h, write } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { ago, duration, millis, number } from "/ui/core/format.js";
import { timeChart } from "/ui/parts/chart.js";
import { segmented } from "/ui/parts/choice.js";

/** How often the history is asked for while jobs come and go, and while nothing happens, in milliseconds. */
const [FLOOR, IDLE] = [10_000, 60_000];

const SPANS = [
  { value: "hour", text: "1 h", step: "Each point is a minute." },
  { value: "day", text: "24 h", step: "Each point is 15 minutes." },
  { value: "week", text: "7 d", step: "Each point is 2 hours." },
];

const CHARTS = [
  {
    title: "Jobs that ended", kind: "columns",
    series: [{ name: "Succeeded", tone: "good", of: "succeeded" }, { name: "Failed", tone: "bad", of: "failed" }, { name: "Cancelled", tone: "quiet", of: "cancelled" }],
  },
  {
    title: "From submission to the end", unit: "milliseconds", format: millis,
    series: [{ name: "Half of them", tone: "accent", of: "latency_p50_ms" }, { name: "95 %", tone: "waiting", of: "latency_p95_ms" }, { name: "99 %", tone: "bad", of: "latency_p99_ms" }],
  },
  {
    title: "Waiting and running", note: "Waiting is what can run: held jobs are left out.",
    series: [{ name: "Waiting", tone: "waiting", of: "queued" }, { name: "Running", tone: "busy", of: "running" }],
  },
  { title: "Age of the oldest waiting job", note: "Held jobs are left out here, too.", unit: "seconds", format: duration, series: [{ name: "Oldest", tone: "held", of: "oldest_wait_seconds" }] },
];

export function past({ span: first, setQuery, signal }) {
  let span = SPANS.find(({ value }) => value === first) ?? SPANS[0];
  let [asked, moved] = [0, false];
  const charts = CHARTS.map((chart) => ({ ...timeChart(chart), series: chart.series }));
  const [sums, step, later] = [h("dl", { class: "figures" }), h("p", { class: "quiet" }), sinceStart()];

  async function ask() {
    [asked, moved] = [performance.now(), false];
    write(step, span.step);
    const wanted = span;
    try {
      const { points } = await api.get("/v1/history", { span: span.value }, { signal });
      if (wanted !== span) return;
      const at = points.map((point) => Date.parse(point.at));
      for (const { show, series } of charts) show({ at, values: series.map(({ of }) => points.map((point) => point[of])) });
      figures(sums, ["submitted", "succeeded", "failed", "cancelled"].map((key) => [key, points.reduce((sum, point) => sum + point[key], 0)]));
    } catch (problem) {
      // A lost line is told at the top of the page; the charts keep what they have.
      if (problem.status) write(step, problem.status === 404 ? "This server keeps no history." : problem.message);
    }
  }

  const look = () => {
    if (document.hidden) return;
    const age = performance.now() - asked;
    if (age > IDLE || (moved && age > FLOOR)) ask();
  };
  const timer = setInterval(look, FLOOR / 2);
  document.addEventListener("visibilitychange", look, { signal });
  signal.addEventListener("abort", () => clearInterval(timer));
  ask();

  const choice = segmented({ label: "How much of the past", options: SPANS, value: span.value, change: (value) => {
    span = SPANS.find((one) => one.value === value);
    setQuery({ span: value === "hour" ? "" : value });
    ask();
  } });
  const element = h("section", { class: "card", "aria-label": "The past" },
    h("div", { class: "head" }, h("div", {}, h("h2", {}, "The past"), step), choice), sums,
    h("div", { class: "charts" }, charts.map((chart) => chart.element)),
    later.element);
  return {
    element,
    show: (stats, { untouched }) => {
      moved = true;
      element.hidden = untouched;
      later.show(stats);
    },
  };
}

/** What this process has seen, and how long jobs took of late. */
function sinceStart() {
  const [when, ended, took] = [h("span", { class: "quiet" }), h("dl", { class: "figures" }), h("dl", { class: "figures" })];
  const lately = h("div", {}, h("h3", {}, "Submission to end, last five minutes"), took);
  const element = h("div", { class: "since" }, h("div", {}, h("h3", {}, "Since the start ", when), ended), lately);
  let at = null;
  return {
    element,
    show: ({ since_start: start, latency }) => {
      element.hidden = !start;
      if (!start) return;
      if (at !== start.at) fill(when, "(", ago(start.at), ")");
      at = start.at;
      figures(ended, ["succeeded", "failed", "cancelled"].map((key) => [key, start[key]]));
      lately.hidden = !latency?.count;
      if (latency?.count) figures(took, [["half of them", millis(latency.p50_ms)], ["95 %", millis(latency.p95_ms)], ["99 %", millis(latency.p99_ms)]]);
    },
  };
}

/** Names and numbers beside each other; what stays is left alone. */
function figures(list, entries) {
  const state = JSON.stringify(entries);
  if (list.state === state) return;
  list.state = state;
  fill(list, entries.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, typeof value === "number" ? number(value) : value))));
}
