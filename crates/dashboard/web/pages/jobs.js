// All jobs, live: filtered, searched, sorted, chosen.

import { h, fill, write } from "/ui/core/dom.js";
import { whenChanged } from "/ui/core/changes.js";
import { keepAges, number } from "/ui/core/format.js";
import { loading, nothing, problemCard } from "/ui/parts/notice.js";
import { table } from "/ui/parts/table.js";
import { bulkBar } from "/ui/pages/jobs-bulk.js";
import { COLUMNS, ROW } from "/ui/pages/jobs-columns.js";
import { filterForm, pick } from "/ui/pages/jobs-filter.js";
import { JobList, MAX_KEPT } from "/ui/pages/jobs-list.js";

/** Rows from the end at which the next part is asked for. */
const AHEAD = 60;

/** Scrolled less than this, in pixels, is at the top: new jobs appear there by themselves. */
const AT_TOP = 120;

export async function page({ query, signal, setQuery }) {
  let [filter, view] = [pick(query), { sort: query.sort, hide: query.hide?.split(",") }];
  let [list, stop, before, inSight] = [null, null, [], [0, 0]];
  const summary = h("p", { class: "quiet", role: "status" });
  const fresh = h("button", { class: "fresh primary", hidden: true, onclick: () => { clear(); scrollTo({ top: 0 }); refresh(); } });
  const place = h("div", { class: "rows" });
  const jobs = table({
    caption: "Jobs", store: "jobs", columns: COLUMNS, key: (job) => job.id, href: (job) => `#/jobs/${job.id}`, view,
    viewed: (next) => { view = next; keep(); }, choose: (ids) => bulk.show(ids.length), empty: () => emptyWords(filter),
    virtual: { height: ROW, signal, seen: (from, to) => { inSight = [from, to]; if (list && to > list.rows.length - AHEAD) more(); } },
  });
  const clear = () => jobs.clear();
  const bulk = bulkBar({ chosen: () => jobs.chosen(), filter: () => filter, clear, done: (verb, ids) => { clear(); if (verb === "delete" && ids) list.drop(ids); else begin(); } });
  const keep = () => setQuery({ ...filter, sort: view.sort, hide: view.hide?.join(",") });

  const show = () => {
    const { rows, ended, full, unseen } = list;
    const moved = scrollY > AT_TOP && !view.sort ? shift(before, rows, inSight[0]) : 0;
    before = rows;
    jobs.show(rows);
    if (moved) scrollBy(0, moved * ROW);
    write(summary, `${number(rows.length)}${ended ? "" : " or more"} ${rows.length === 1 && ended ? "job" : "jobs"}${full ? `; the first ${number(MAX_KEPT)} are listed, narrow the filter for others` : ""}`);
    fresh.hidden = unseen === 0;
    write(fresh, unseen === Infinity ? "Many new jobs" : `${number(unseen)} new ${unseen === 1 ? "job" : "jobs"}`);
    if (place.firstChild !== jobs.element) fill(place, jobs.element);
  };
  const failed = (problem) => {
    if (problem.name === "AbortError") return;
    if (list.rows.length === 0) fill(place, problemCard(problem, begin));
    else write(summary, `Not up to date: ${problem.message}`);
  };
  const more = () => list.more().catch(failed);
  const begin = () => {
    stop?.abort();
    stop = new AbortController();
    before = [];
    list = new JobList({ query: filter, signal: stop.signal, changed: show });
    fill(place, loading(10));
    return more();
  };
  const refresh = () => {
    if (document.hidden || !list) return;
    const steady = scrollY > AT_TOP || jobs.chosen().length > 0;
    return list.refresh({ steady, whole: Boolean(view.sort), seen: list.rows.slice(...inSight) }).catch(failed);
  };
  signal.addEventListener("abort", () => stop?.abort());
  whenChanged(refresh, signal);
  const root = h("div", { class: "page jobs" },
    h("header", { class: "head" }, h("div", {}, h("h1", {}, "Jobs"), summary), h("div", { class: "actions" }, bulk.menu, jobs.columnsButton())),
    filterForm(filter, (next) => { filter = next; keep(); clear(); begin(); }), h("div", { class: "above" }, bulk.element, fresh), place);
  keepAges(root, signal);
  await begin();
  return root;
}

/** By how many places the rows in sight have moved: what is read stays where it is while others come and go above. */
function shift(before, after, index) {
  const id = before[index]?.id;
  const now = id ? after.findIndex((job) => job.id === id) : -1;
  return now < 0 ? 0 : now - index;
}

function emptyWords({ order, ...filter }) {
  if (Object.keys(filter).length > 0) return nothing("No job matches.", h("a", { href: "#/jobs?" }, "Show all jobs"));
  return nothing("There are no jobs yet.", h("a", { href: "#/try" }, "Try it"), " with an image of yours, or ", h("a", { href: "#/runs/new" }, "start a run"), " over a whole folder.");
}
