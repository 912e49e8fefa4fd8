// Tables whose rows live: sorted, with columns that can be put away, rows that can be chosen, and a narrow form.

import { h, fill, keyed } from "/ui/core/dom.js";
import { dropdown } from "/ui/parts/dropdown.js";
import { icon } from "/ui/parts/icons.js";

/** Rows that are drawn above and below those in sight, where a table is virtual. */
const MARGIN = 12;

/** The least width of a column without one of its own, in the type's size. */
const FREE = 14;

/**
 * A table. `columns`: `[{ name, title, cell(row) -> content, sort?(row) -> number or string, hidden?, class?, leads?, width? }]`.
 * `key(row)` names a row. `href(row)` makes the row lead somewhere, by a link in the column that `leads` or in the first one.
 * `choose(keys)` gives each row a box and is told what is chosen. `store` is the name under which hidden columns are
 * remembered. `view` is `{ sort, hide }` as `viewed(view)` was told it: a column's name, `-` before it where downward, and names
 * of hidden columns. `virtual`: `{ height, signal, seen?(first, last) }` draws only the rows in sight, each of that height in
 * pixels, and says which they are; columns have a `width` there, in the type's size. Gives `{ element, show(rows), columnsButton, chosen(), clear() }`; `show` keeps what did
 * not change.
 */
export function table({ columns, key, href, choose, store, caption, empty, view = {}, viewed, virtual }) {
  const hidden = new Set(view.hide ?? remembered(store) ?? columns.filter((column) => column.hidden).map((column) => column.name));
  const chosen = new Set();
  let rows = [];
  let sorted = columns.find((column) => column.sort && column.name === view.sort?.replace(/^-/, "")) ?? null;
  let downward = view.sort?.startsWith("-") ?? false;
  let ordered = [];
  const [above, below] = [spacer(), spacer()];
  const head = h("tr");
  const body = h("tbody");
  const none = h("div", { class: "none", hidden: true });
  const all = choose && h("input", { type: "checkbox", "aria-label": "Choose all rows that are shown", onchange: () => chooseAll(all.checked) });
  const shown = () => columns.filter((column) => !hidden.has(column.name));

  function drawHead() {
    fill(head, all && h("th", { class: "box", scope: "col" }, all), shown().map((column) => h("th", {
      scope: "col", class: column.class, style: virtual ? { width: column.width ? `${column.width}rem` : "auto" } : {}, "aria-sort": sorted === column ? (downward ? "descending" : "ascending") : undefined,
    }, column.sort ? h("button", { class: "plain", onclick: () => sortBy(column) }, column.title) : column.title)));
    // With columns of known widths the browser lays out only what is new, and nothing jumps while rows go by.
    if (virtual) head.parentElement?.parentElement?.style.setProperty("min-width", `${shown().reduce((sum, column) => sum + (column.width ?? FREE), 0)}rem`);
  }

  function sortBy(column) {
    [downward, sorted] = sorted === column ? [!downward, column] : [true, column];
    drawHead();
    arrange();
    tellView();
  }

  function tellView() {
    viewed?.({ sort: sorted ? `${downward ? "-" : ""}${sorted.name}` : undefined, hide: [...hidden] });
  }

  function order() {
    if (!sorted) return rows;
    const value = (row) => sorted.sort(row) ?? -Infinity;
    const ascending = [...rows].sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0));
    return downward ? ascending.reverse() : ascending;
  }

  function arrange() {
    ordered = order();
    draw();
  }

  function draw() {
    const [from, to] = virtual ? sight() : [0, ordered.length];
    keyed(body, ordered.slice(from, to), { key, make: makeRow, update: (element, row) => updateRow(element, row) });
    if (virtual) {
      above.firstChild.style.height = `${from * virtual.height}px`;
      below.firstChild.style.height = `${(ordered.length - to) * virtual.height}px`;
      virtual.seen?.(from, to);
    }
    none.hidden = rows.length > 0;
    if (rows.length === 0) fill(none, empty?.() ?? "Nothing is here.");
  }

  function sight() {
    const top = element.isConnected ? body.parentElement.getBoundingClientRect().top : 0;
    const first = Math.floor(-top / virtual.height) - MARGIN;
    const from = Math.max(0, Math.min(first, ordered.length - 1));
    return [from, Math.min(ordered.length, Math.max(first, 0) + Math.ceil(innerHeight / virtual.height) + 2 * MARGIN)];
  }

  function makeRow(row) {
    const element = h("tr", { onclick: (event) => follow(event, element) });
    updateRow(element, row);
    return element;
  }

  // Rows that read the same are left alone: pointing at and selecting in a live table works.
  function updateRow(element, row) {
    const name = String(key(row));
    const state = JSON.stringify([row, [...hidden], chosen.has(name)]);
    if (element.shownState === state) return;
    Object.assign(element, { shownState: state, target: href?.(row) });
    element.classList.toggle("leads", Boolean(href));
    fill(element, choose && h("td", { class: "box" }, box(name)), shown().map((column, _, all) => h("td", {
      class: column.class, dataset: { title: column.title },
    }, href && column === (all.find((one) => one.leads) ?? all[0]) ? h("a", { href: href(row) }, column.cell(row)) : column.cell(row))));
  }

  function box(name) {
    return h("input", { type: "checkbox", "aria-label": "Choose this row", checked: chosen.has(name), onchange: (event) => {
      if (event.target.checked) chosen.add(name); else chosen.delete(name);
      tellChosen();
    } });
  }

  function chooseAll(on) {
    chosen.clear();
    if (on) for (const row of rows) chosen.add(String(key(row)));
    draw();
    tellChosen();
  }

  function tellChosen() {
    all.checked = rows.length > 0 && chosen.size >= rows.length;
    all.indeterminate = chosen.size > 0 && !all.checked;
    choose([...chosen]);
  }

  function follow(event, element) {
    if (!element.target || event.target.closest("a, button, input, label, summary") || String(getSelection())) return;
    if (event.metaKey || event.ctrlKey) open(element.target); else location.hash = element.target;
  }

  const element = h("div", { class: ["table", virtual && "virtual"], style: virtual ? { "--row": `${virtual.height}px` } : {} }, h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", { "aria-rowcount": virtual ? -1 : undefined }, h("caption", { class: "unseen" }, caption), h("thead", {}, head), virtual && above, body, virtual && below)), none);
  drawHead();
  if (virtual) whenMoved(draw, virtual.signal);
  return {
    element,
    show: (next) => { rows = next; arrange(); },
    chosen: () => [...chosen],
    clear: () => { chosen.clear(); draw(); tellChosen(); },
    columnsButton: () => columnsButton({ columns, hidden, store, draw: () => { drawHead(); draw(); tellView(); } }),
  };
}

/** Stands where rows are that are not drawn. */
function spacer() {
  return h("tbody", { "aria-hidden": "true", class: "spacer" }, h("tr"));
}

/** Calls `draw` when the page is scrolled or resized, once a frame at most. */
function whenMoved(draw, signal) {
  let asked = false;
  const ask = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; if (!signal.aborted) draw(); });
  };
  addEventListener("scroll", ask, { signal, passive: true });
  addEventListener("resize", ask, { signal });
}

function columnsButton({ columns, hidden, store, draw }) {
  return dropdown([icon("columns"), "Columns"], columns.map((column) => h("label", {}, h("input", {
    type: "checkbox", checked: !hidden.has(column.name), onchange: (event) => {
      if (event.target.checked) hidden.delete(column.name); else hidden.add(column.name);
      if (store) localStorage.setItem(`darkroom.columns.${store}`, JSON.stringify([...hidden]));
      draw();
    },
  }), column.title)));
}

function remembered(store) {
  try {
    return JSON.parse(localStorage.getItem(`darkroom.columns.${store}`));
  } catch {
    return null;
  }
}
