// Requeueing and deleting dead letters: one, those that are chosen, or all that match.

import { h, write } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { number } from "/ui/core/format.js";
import { action, confirm } from "/ui/parts/dialog.js";
import { icon } from "/ui/parts/icons.js";
import { tell } from "/ui/parts/notice.js";
import { VERBS, toAll, toChosen } from "/ui/pages/bulk.js";
import { named } from "/ui/pages/dead-columns.js";

const OFFERED = ["requeue", "delete"];

/**
 * `filter()` is what the list shows, `total()` how many that are (null if unknown), `done()` is told of each change. Gives the
 * buttons `all`, the bar `element` for what is chosen, `choose(ids)`, `one(verb, job)` and `count()`.
 */
export function bulk({ filter, total, done, signal }) {
  let chosen = [];
  const many = h("strong");
  const offer = (work, label, small) => OFFERED.map((verb) => action([icon(VERBS[verb].icon), label(verb)], { class: [small && "small", VERBS[verb].danger && "danger"] }, () => work(verb)));
  const some = async (verb) => { if (await toChosen(verb, chosen, signal)) done(); };
  const every = async (verb) => { if (await toAll(verb, filter(), { signal, known: total() })) done(); };
  const bar = h("div", { class: "card bar-of-chosen", hidden: true }, h("span", {}, many, " chosen"), h("span", { class: "spring" }), offer(some, (verb) => VERBS[verb].title, true));
  const all = h("div", { class: "actions" }, offer(every, (verb) => `${VERBS[verb].title} all`));

  async function one(verb, job) {
    if (verb === "delete" && !await confirm({ title: `Delete ${named(job)}?`, text: "The image and its results go with it. This cannot be undone.", action: "Delete", danger: true })) return;
    if (verb === "delete") await api.delete(`/v1/jobs/${job.id}`);
    else await api.post(`/v1/jobs/${job.id}/retry`);
    tell(`${named(job)} is ${VERBS[verb].done}.`);
    done();
  }

  return {
    all, element: bar, one,
    choose: (ids) => {
      chosen = ids;
      bar.hidden = ids.length === 0;
      write(many, number(ids.length));
    },
    count: () => { all.hidden = total() === 0; },
  };
}
