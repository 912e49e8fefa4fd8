// Dead letters: jobs that failed for good, by reason. They stay until somebody requeues or deletes them.

import { fill, h } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { live } from "/ui/core/live.js";
import { keepAges, words } from "/ui/core/format.js";
import { icon } from "/ui/parts/icons.js";
import { complain, loading, nothing, problemCard } from "/ui/parts/notice.js";
import { pager } from "/ui/parts/pager.js";
import { table } from "/ui/parts/table.js";
import { bulk } from "/ui/pages/dead-bulk.js";
import { columns } from "/ui/pages/dead-columns.js";
import { reasons } from "/ui/pages/dead-reasons.js";

/** Jobs on one page. */
const PAGE = 50;

/** How often the list is asked for at most while failures come and go, in milliseconds. */
const FLOOR = 2000;

/** How long after the last key the search begins, in milliseconds. */
const TYPING = 250;

export async function page({ query, signal, setQuery }) {
  const filter = { failure: query.failure ?? "", q: query.q ?? "", order: query.order ?? "" };
  const asked = () => ({ state: "failed", ...filter });
  let known = null;

  const actions = bulk({ signal, filter: asked, total: () => count(known, filter), done: () => { jobs.clear(); pages.first().catch(complain); } });
  const jobs = table({
    caption: "Dead letters", store: "dead", key: (job) => job.id, href: (job) => `#/jobs/${job.id}`,
    columns: columns(actions.one), choose: actions.choose, empty: () => emptiness(filter),
  });
  jobs.element.classList.add("as-cards");
  const place = h("div", { class: "pile" }, loading());
  const pages = pager({ go: async (cursor, turned) => {
    const { jobs: list, next_cursor: next } = await api.get("/v1/jobs", { ...asked(), limit: PAGE, cursor }, { signal: AbortSignal.any([signal, turned]) });
    if (place.firstChild !== jobs.element) fill(place, jobs.element, pages.element);
    jobs.show(list);
    by.seen(list.map((job) => job.failure?.kind));
    return next ?? null;
  } });
  const start = () => pages.first().catch((problem) => signal.aborted || fill(place, problemCard(problem, start)));

  const narrow = (change) => {
    Object.assign(filter, change);
    setQuery(filter);
    jobs.clear();
    by.chosen(filter.failure);
    actions.count();
    start();
  };
  const by = reasons({ chosen: filter.failure, choose: (failure) => narrow({ failure }) });
  followStats({ signal, changed: () => pages.again(), show: (stats) => {
    known = stats;
    by.show(stats);
    actions.count();
  }, filter });

  start();
  const root = h("div", { class: "page" },
    h("header", { class: "head" }, h("div", {}, h("h1", {}, "Dead letters"), h("p", { class: "quiet" }, "Jobs that failed for good. They stay here until they are requeued or deleted.")), actions.all),
    by.element, h("div", { class: "head narrowing" }, search(filter, narrow), h("div", { class: "row" }, order(filter, narrow), jobs.columnsButton())),
    actions.element, place);
  keepAges(root, signal);
  return root;
}

/** How many failed jobs the filter shows; null where only the server could count them. */
function count(stats, { failure, q }) {
  if (!stats?.failures || q) return null;
  return stats.failures.filter(({ kind }) => !failure || kind === failure).reduce((sum, one) => sum + one.count, 0);
}

/** Shows the counts as they change, and looks at the list again when what it shows has changed. */
function followStats({ signal, filter, show, changed }) {
  let [timer, last] = [null, null];
  live.listen((stats) => {
    show(stats);
    const now = count(stats, { ...filter, q: "" });
    if (last !== null && now !== last) timer ??= setTimeout(() => { timer = null; if (!signal.aborted) changed().catch(() => {}); }, FLOOR);
    last = now;
  }, signal);
  signal.addEventListener("abort", () => clearTimeout(timer));
}

function search(filter, narrow) {
  let timer;
  return h("label", { class: "search" }, icon("search"), h("span", { class: "unseen" }, "Search file names"), h("input", {
    type: "search", placeholder: "Search file names", value: filter.q,
    oninput: (event) => {
      clearTimeout(timer);
      timer = setTimeout(() => narrow({ q: event.target.value.trim() }), TYPING);
    },
  }));
}

function order(filter, narrow) {
  return h("select", { "aria-label": "Order", onchange: (event) => narrow({ order: event.target.value }) },
    h("option", { value: "" }, "Newest first"), h("option", { value: "oldest", selected: filter.order === "oldest" }, "Oldest first"));
}

function emptiness({ failure, q }) {
  if (q) return nothing("No failed job has such a file name.");
  if (failure) return nothing(`No job is here because of “${words(failure)}”.`);
  return nothing("No job has failed.", "Jobs come here when every attempt has failed, or when another one cannot help: a broken image, for example.");
}
