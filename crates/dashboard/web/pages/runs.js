// Every run: where it stands, how fast it goes, what came of it.

import { h, fill, write } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { whenChanged } from "/ui/core/changes.js";
import { ago, duration, keepAges, number, sentence, words } from "/ui/core/format.js";
import { badge } from "/ui/parts/badge.js";
import { progress } from "/ui/parts/chart.js";
import { icon } from "/ui/parts/icons.js";
import { complain, loading, nothing, problemCard } from "/ui/parts/notice.js";
import { table } from "/ui/parts/table.js";

/** Runs asked for at once. */
const PART = 100;

const STATES = ["enumerating", "running", "paused", "succeeded", "failed", "cancelled"];

export async function page({ query, signal, setQuery }) {
  let [filter, view, runs, next] = [{ state: query.state, owner: query.owner }, { sort: query.sort, hide: query.hide?.split(",") }, [], undefined];
  const keep = () => setQuery({ ...filter, sort: view.sort, hide: view.hide?.join(",") });
  const summary = h("p", { class: "quiet", role: "status" });
  const list = table({
    caption: "Runs", store: "runs", columns: COLUMNS, key: (run) => run.id, href: (run) => `#/runs/${run.id}`, view, viewed: (now) => { view = now; keep(); },
    empty: () => (filter.state || filter.owner ? nothing("No run matches.", h("a", { href: "#/runs?" }, "Show all runs"))
      : nothing("There are no runs yet.", "A run works through a whole folder or archive of images. ", h("a", { class: "button primary", href: "#/runs/new" }, "Start the first run"))),
  });
  list.element.classList.add("as-cards");
  const more = h("button", { hidden: true, onclick: () => ask(next).catch(complain) }, "Older runs");
  const place = h("div", {}, loading());
  const ask = async (cursor) => {
    const answer = await api.get("/v1/runs", { ...filter, limit: PART, cursor }, { signal });
    const told = new Set(answer.runs.map((run) => run.id));
    // The newest part is looked at again and again; the older ones stay as they were.
    const others = runs.filter((run) => !told.has(run.id));
    if (cursor || runs.length === 0) next = answer.next_cursor;
    runs = cursor ? [...others, ...answer.runs] : [...answer.runs, ...(answer.next_cursor ? others : [])];
    list.show(runs);
    more.hidden = !next;
    write(summary, summaryOf(runs, next));
    if (place.firstChild !== list.element) fill(place, list.element);
  };
  const begin = () => {
    runs = [];
    return ask().catch((problem) => problem.name !== "AbortError" && fill(place, problemCard(problem, begin)));
  };
  const states = h("select", { onchange: (event) => { filter = { ...filter, state: event.target.value || undefined }; keep(); begin(); } },
    h("option", { value: "" }, "Any state"), STATES.map((state) => h("option", { value: state, selected: filter.state === state }, sentence(words(state)))));
  await begin();
  whenChanged(() => ask().catch((problem) => problem.name !== "AbortError" && write(summary, `Not up to date: ${problem.message}`)), signal);
  const root = h("div", { class: "page runs" },
    h("header", { class: "head" }, h("div", {}, h("h1", {}, "Runs"), summary),
      h("div", { class: "actions" }, h("label", {}, h("span", { class: "unseen" }, "State"), states), list.columnsButton(), h("a", { class: "button primary", href: "#/runs/new" }, icon("play"), "Start a run"))),
    place, h("div", { class: "row" }, more));
  keepAges(root, signal);
  return root;
}

function summaryOf(runs, next) {
  const going = runs.filter((run) => run.state === "running" || run.state === "enumerating").length;
  return `${number(runs.length)}${next ? " or more" : ""} ${runs.length === 1 ? "run" : "runs"}${going ? `, ${number(going)} at work` : ""}`;
}

const operations = (run) => run.operations.map(({ op }) => op).join(", ");

const finished = ({ counts }) => counts.succeeded + counts.failed + counts.cancelled;

const COLUMNS = [
  { name: "name", title: "Name", class: "file short", cell: (run) => h("span", { class: "clamp", title: run.name }, run.name), sort: (run) => run.name },
  { name: "state", title: "State", cell: (run) => badge(run.state), sort: (run) => run.state },
  {
    name: "progress", title: "Progress", class: "share", sort: (run) => finished(run) / Math.max(1, run.total),
    cell: (run) => h("span", { class: "meter" }, progress([
      { name: "Succeeded", value: run.counts.succeeded, tone: "good" }, { name: "Failed", value: run.counts.failed, tone: "bad" },
      { name: "Cancelled", value: run.counts.cancelled, tone: "quiet" },
    ], run.total), `${number(finished(run))} of ${number(run.total)}${run.complete || run.finished_at ? "" : " so far"}`),
  },
  { name: "failed", title: "Failed", class: "number", cell: (run) => h("span", { class: run.counts.failed ? "wrong" : "" }, number(run.counts.failed)), sort: (run) => run.counts.failed },
  { name: "rate", title: "Images/s", class: "number", cell: (run) => rate(run), sort: (run) => run.rate ?? 0 },
  { name: "left", title: "Time left", class: "number", cell: (run) => (run.time_left === undefined || run.time_left === null ? "–" : duration(Math.ceil(run.time_left))), sort: (run) => run.time_left ?? -1 },
  { name: "operations", title: "Operations", hidden: true, cell: (run) => h("span", { class: "cut", title: operations(run) }, operations(run)), sort: (run) => run.operations[0]?.op },
  { name: "owner", title: "Owner", hidden: true, cell: (run) => h("span", { class: "cut" }, run.owner), sort: (run) => run.owner },
  { name: "queue", title: "Queue", hidden: true, cell: (run) => run.queue, sort: (run) => run.queue },
  { name: "made", title: "Started", cell: (run) => ago(run.created_at), sort: (run) => run.created_at },
];

/** Images a second, of a run that is not paused: that one's time goes on while nothing is done. */
function rate(run) {
  return run.rate === undefined || run.rate === null || run.state === "paused" ? "–" : number(Number(run.rate < 10 ? run.rate.toPrecision(2) : run.rate.toFixed(0)));
}
