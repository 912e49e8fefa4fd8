// The inference log: every question to a model and what came of it.

import { fill, h } from "/ui/core/dom.js";
import { api, search } from "/ui/core/api.js";
import { keepAges } from "/ui/core/format.js";
import { action } from "/ui/parts/dialog.js";
import { icon } from "/ui/parts/icons.js";
import { loading, nothing, problemCard, tell } from "/ui/parts/notice.js";
import { pager } from "/ui/parts/pager.js";
import { download } from "/ui/parts/picture.js";
import { table } from "/ui/parts/table.js";
import { COLUMNS } from "/ui/pages/log-columns.js";
import { FIELDS, filterForm } from "/ui/pages/log-filter.js";

/** Entries on one page. */
const PAGE = 100;

export async function page({ query, signal, setQuery }) {
  const filter = Object.fromEntries(FIELDS.map((name) => [name, query[name] ?? ""]));
  const entries = table({ caption: "Inference log", store: "log", key: (entry) => entry.id, columns: COLUMNS, empty: () => emptiness(filter) });
  entries.element.classList.add("as-cards", "entries");
  const place = h("div", { class: "pile" }, loading());
  const pages = pager({ go: async (cursor, turned) => {
    const { predictions, next_cursor: next } = await api.get("/v1/predictions", { ...filter, limit: PAGE, cursor }, { signal: AbortSignal.any([signal, turned]) });
    entries.show(predictions);
    if (place.firstChild !== entries.element) fill(place, entries.element, pages.element);
    scrollTo({ top: 0 });
    return next ?? null;
  } });
  const start = () => pages.first().catch((problem) => signal.aborted || fill(place, problemCard(problem, start)));
  const narrow = (change) => {
    Object.assign(filter, change);
    setQuery(filter);
    start();
  };
  const form = await filterForm({ filter, narrow, signal });
  start();
  const root = h("div", { class: "page" },
    h("header", { class: "head" }, h("div", {}, h("h1", {}, "Inference log"), h("p", { class: "quiet" }, "Every question to a model and what came of it, newest first.")),
      h("div", { class: "actions" }, action([icon("retry"), "Refresh"], {}, start), save("jsonl", filter), save("csv", filter), entries.columnsButton())),
    form, place);
  keepAges(root, signal);
  return root;
}

/** A button that saves everything that the filter shows. */
function save(format, filter) {
  return action([icon("download"), format.toUpperCase()], { "aria-label": `Download as ${format.toUpperCase()}` }, async () => {
    await download(`/v1/predictions/export${search({ ...filter, format })}`, `predictions.${format}`);
    tell("The log is saved, as the filter shows it.");
  });
}

function emptiness(filter) {
  if (Object.values(filter).some(Boolean)) return nothing("No entry matches.", "The filter above narrows what is shown.");
  return nothing("No model has been asked yet.", h("a", { href: "#/try?op=classify" }, "Ask what is in an image"), ", and the answer is here.");
}
