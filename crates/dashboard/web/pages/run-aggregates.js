// What a run has gathered: means as strips of bars, labels as a histogram, folders one by one.

import { h, fill } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { number } from "/ui/core/format.js";
import { bars } from "/ui/parts/chart.js";
import { complain } from "/ui/parts/notice.js";
import { strip } from "/ui/parts/results.js";

/** Labels that are drawn until more are asked for. */
const LABELS = 20;

/** Groups asked for at once. */
const GROUPS = 24;

/** What is gathered is asked for at most this often, in milliseconds. */
const AT_MOST = 2000;

/** The card of aggregates; hidden where the run gathers nothing. */
export function aggregatesCard(address, signal) {
  const body = h("div", { class: "aggregates" });
  const element = h("section", { class: "card", hidden: true }, h("h2", {}, "Gathered"), body);
  let [told, timer, last, all] = ["", null, 0, false];
  const load = async () => {
    timer = null;
    last = Date.now();
    const { aggregates } = await api.get(`${address}/aggregate`, {}, { signal }).catch(() => ({ aggregates: null }));
    if (aggregates && !body.contains(document.activeElement)) fill(body, aggregates.map((one, which) => oneAggregate(one, { address, which, signal, all, showAll: () => { all = true; fill(body); load(); } })));
  };
  signal.addEventListener("abort", () => clearTimeout(timer));
  return {
    element,
    show(run) {
      element.hidden = run.aggregates.length === 0;
      const now = `${run.state} ${run.counts.succeeded}`;
      if (element.hidden || now === told) return;
      told = now;
      timer ??= setTimeout(load, Math.max(0, last + AT_MOST - Date.now()));
    },
  };
}

function oneAggregate(aggregate, place) {
  const { spec, count, missing, rejected, digest } = aggregate;
  const said = [`${number(count)} ${count === 1 ? "image" : "images"}`, missing > 0 && `${number(missing)} without a value`, rejected > 0 && `${number(rejected)} with a value of another kind`];
  return h("section", { class: "aggregate" }, h("header", {}, h("h3", {}, TITLES[spec.kind]), h("code", {}, spec.pointer), h("span", { class: "quiet" }, said.filter(Boolean).join(", "))),
    count === 0 ? h("p", { class: "quiet" }, "Nothing yet.") : DRAWN[spec.kind](aggregate, place),
    h("p", { class: "quiet fine" }, "Exact sum ", h("code", { title: "The same for any order, any number of workers, and after any crash" }, digest.slice(0, 16))));
}

const TITLES = { mean: "Mean", mean_by_folder: "Mean of the means of folders", counts: "How often each came" };

const DRAWN = { mean: meanView, mean_by_folder: folderView, counts: countsView };

function meanView({ mean, variance, norm }) {
  const spread = variance?.map((value) => Math.sqrt(Math.max(0, value)));
  return [strip(mean, { label: "Mean", spread, height: 90 }),
    h("p", { class: "quiet" }, `${number(mean.length)} numbers`, norm !== undefined && norm !== null && `, length ${norm.toFixed(4)}`, spread && ", each with its standard deviation")];
}

function folderView({ mean, groups }, { address, which, signal }) {
  const list = h("ul", { class: "groups" });
  const details = h("details", {}, h("summary", {}, `${number(groups)} ${groups === 1 ? "folder" : "folders"}, one by one`), list);
  let begun = false;
  const load = async (cursor) => {
    const { groups: some, next_cursor: next } = await api.get(`${address}/groups`, { which, limit: GROUPS, cursor }, { signal });
    list.lastElementChild?.classList.contains("more") && list.lastElementChild.remove();
    list.append(...some.map(({ group, count, mean: own }) => h("li", {}, h("span", { class: "cut", title: group }, group || "At the top"), h("span", { class: "quiet" }, number(count)), own && strip(own, { label: `Mean of ${group || "the top"}`, height: 30 }))));
    if (next) list.append(h("li", { class: "more" }, h("button", { class: "small", onclick: () => load(next).catch(complain) }, "More folders")));
  };
  details.addEventListener("toggle", () => { if (details.open && !begun) { begun = true; load().catch(complain); } });
  return [strip(mean, { label: "Mean of the means of folders", height: 90 }), details];
}

function countsView({ counts, groups }, { all, showAll }) {
  const numeric = counts.every(({ label }) => /^\d+$/.test(label)) && counts.length <= LABELS;
  const ordered = numeric ? [...counts].sort((a, b) => a.label - b.label) : counts;
  const shown = all ? ordered : ordered.slice(0, LABELS);
  const hidden = ordered.length - shown.length;
  return [h("div", { class: "histogram" }, bars(shown.map(({ label, count }) => ({ label, value: count })))),
    hidden > 0 && h("button", { class: "small", onclick: showAll }, `${number(hidden)} more`),
    h("p", { class: "quiet" }, `${number(groups)} different`, groups > counts.length && `, of which the ${number(counts.length)} most frequent are here`)];
}
