// From page to page of a long list, where each page knows only what comes after it.

import { h, write } from "/ui/core/dom.js";

/**
 * Buttons to newer and older entries. `go(cursor)` loads the page at a cursor (null is the first) and resolves to the
 * cursor after it. Gives `{ element, first(), again(), isFirst() }`; `again` loads the same page once more.
 */
export function pager({ go, newer = "Newer", older = "Older" }) {
  let [cursors, next] = [[null], null];
  const back = h("button", { onclick: () => turn(cursors.slice(0, -1)) }, `← ${newer}`);
  const on = h("button", { onclick: () => turn([...cursors, next]) }, `${older} →`);
  const place = h("span", { class: "quiet", role: "status" });
  const element = h("div", { class: "pager", hidden: true }, back, place, on);

  async function turn(to) {
    back.disabled = on.disabled = true;
    try {
      next = await go(to.at(-1));
      cursors = to;
    } finally {
      back.disabled = cursors.length < 2;
      on.disabled = !next;
      element.hidden = cursors.length < 2 && !next;
      write(place, `Page ${cursors.length}`);
    }
  }

  return { element, first: () => turn([null]), again: () => turn(cursors), isFirst: () => cursors.length === 1 };
}
