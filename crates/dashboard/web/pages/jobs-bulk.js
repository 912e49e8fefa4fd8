// What can be done to many of the listed jobs at once.

import { h, write } from "/ui/core/dom.js";
import { number } from "/ui/core/format.js";
import { action } from "/ui/parts/dialog.js";
import { dropdown } from "/ui/parts/dropdown.js";
import { icon } from "/ui/parts/icons.js";
import { complain } from "/ui/parts/notice.js";
import { VERBS, toAll, toChosen } from "/ui/pages/bulk.js";

const OFFERED = ["retry", "cancel", "delete"];

/**
 * The bar of bulk actions. `chosen()` gives ids, `filter()` the filter; `done(verb, ids?)` is called afterwards. Gives
 * `{ element, menu, show(count) }`.
 */
export function bulkBar({ chosen, filter, clear, done }) {
  const count = h("strong", {});
  const onChosen = async (verb) => { const ids = chosen(); if (await toChosen(verb, ids)) done(verb, ids); };
  const onAll = (verb) => toAll(verb, filter()).then((begun) => begun && done(verb), complain);
  const forChosen = h("div", { class: "row chosen", hidden: true }, count,
    OFFERED.map((verb) => action([icon(VERBS[verb].icon), VERBS[verb].title], { class: ["small", VERBS[verb].danger && "danger"] }, () => onChosen(verb))),
    h("button", { class: "small", onclick: clear }, "Choose none"));
  const menu = dropdown("Act on all", OFFERED.map((verb) => h("button", {
    class: ["plain", VERBS[verb].danger && "danger"], onclick: () => { menu.open = false; onAll(verb); },
  }, icon(VERBS[verb].icon), `${VERBS[verb].title} all that match…`)));
  return { element: forChosen, menu, show: (chosenCount) => { forChosen.hidden = chosenCount === 0; write(count, `${number(chosenCount)} chosen`); } };
}
