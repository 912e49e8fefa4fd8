// From page to page of a long list, where each page knows only what comes after it.

import { h, write } from "/ui/core/dom.js";
import { complain } from "/ui/parts/notice.js";

/**
 * Buttons to newer and older entries. `go(cursor, signal)` loads and shows the page at a cursor (null is the first) and
 * resolves to the cursor after it; its signal aborts once another page is wanted. Gives `{ element, first(), again() }`:
 * `again` loads the same page once more.
 */
export function pager({ go, newer = "Newer", older = "Older" }) {
  let [cursors, next, turning] = [[null], null, new AbortController()];
  const back = h("button", { onclick: () => turn(cursors.slice(0, -1)).catch(complain) }, `← ${newer}`);
  const on = h("button", { onclick: () => turn([...cursors, next]).catch(complain) }, `${older} →`);
  const place = h("span", { class: "quiet", role: "status" });
  const element = h("div", { class: "pager", hidden: true }, back, place, on);

  async function turn(to) {
    turning.abort();
    const mine = turning = new AbortController();
    back.disabled = on.disabled = true;
    try {
      const after = await go(to.at(-1), mine.signal);
      if (mine === turning) [next, cursors] = [after, to];
    } catch (problem) {
      if (mine === turning) throw problem;
    } finally {
      if (mine === turning) draw();
    }
  }

  function draw() {
    back.disabled = cursors.length < 2;
    on.disabled = !next;
    element.hidden = cursors.length < 2 && !next;
    write(place, `Page ${cursors.length}`);
  }

  return { element, first: () => turn([null]), again: () => turn(cursors) };
}
