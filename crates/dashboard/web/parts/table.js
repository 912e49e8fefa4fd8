// Tables whose rows live: sorted, with columns that can be put away, rows that can be chosen, and a narrow form.

import { h, fill, keyed } from "/ui/core/dom.js";
import { dropdown } from "/ui/parts/dropdown.js";
import { icon } from "/ui/parts/icons.js";

/** Rows that are drawn above and below those in sight where a table is virtual, and rows that come and go together. */
const [MARGIN, STRIDE] = [12, 4];

/** The least width of a column without one of its own, and the width of that with boxes, in the type's size. */
const [FREE, BOX] = [14, 2.2];

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
  let [ordered, drawn] = [[], [0, 0]];
  const head = h("tr", { role: virtual && "row" });
  const body = h("tbody", { role: virtual && "rowgroup" });
  const none = h("div", { class: "none", hidden: true });
  const all = choose && h("input", { type: "checkbox", "aria-label": "Choose all rows that are shown", onchange: () => chooseAll(all.checked) });
  const shown = () => columns.filter((column) => !hidden.has(column.name));

  function drawHead() {
    fill(head, all && h("th", { class: "box", scope: "col", role: virtual && "columnheader" }, all), shown().map((column) => h("th", {
      scope: "col", role: virtual && "columnheader", class: column.class, "aria-sort": sorted === column ? (downward ? "descending" : "ascending") : undefined,
    }, column.sort ? h("button", { class: "plain", onclick: () => sortBy(column) }, column.title) : column.title)));
    // With columns of known widths the browser lays out only what is new, and nothing jumps while rows go by.
    if (virtual) element.style.setProperty("--columns", [choose ? `${BOX}rem` : "", ...shown().map(({ width, grow }) => (width && !grow ? `${width}rem` : `minmax(${width ?? FREE}rem, ${grow ?? 1}fr)`))].join(" "));
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

  /** Draws what has come into sight. */
  function look() {
    const now = sight();
    if (now[0] !== drawn[0] || now[1] !== drawn[1]) draw();
  }

  function draw() {
    const [from, to] = drawn = virtual ? sight() : [0, ordered.length];
    keyed(body, ordered.slice(from, to), { key, make: makeRow, update: (element, row) => updateRow(element, row) });
    if (virtual) {
      place(body, { from, count: ordered.length, height: virtual.height });
      virtual.seen?.(from, to);
    }
    none.hidden = rows.length > 0;
    if (rows.length === 0) fill(none, empty?.() ?? "Nothing is here.");
  }

  function sight() {
    const top = element.isConnected ? body.getBoundingClientRect().top : 0;
    // In strides: most frames of scrolling draw nothing, and the next one draws some rows together.
    const first = Math.floor(-top / virtual.height / STRIDE) * STRIDE - MARGIN;
    const from = Math.max(0, Math.min(first, ordered.length - 1));
    return [from, Math.min(ordered.length, Math.max(first, 0) + Math.ceil(innerHeight / virtual.height) + STRIDE + 2 * MARGIN)];
  }

  function makeRow(row) {
    const element = h("tr", { role: virtual && "row", onclick: (event) => follow(event, element) });
    updateRow(element, row);
    return element;
  }

  // Rows that read the same are left alone: pointing at and selecting in a live table works.
  function updateRow(element, row) {
    const name = String(key(row));
    const look = `${chosen.has(name)} ${[...hidden]}`;
    if (element.shownRow === row && element.shownLook === look) return;
    const state = JSON.stringify([row, look]);
    const same = element.shownState === state;
    Object.assign(element, { shownRow: row, shownLook: look, shownState: state, target: href?.(row) });
    if (same) return;
    element.classList.toggle("leads", Boolean(href));
    fill(element, choose && h("td", { class: "box", role: virtual && "cell" }, box(name)), shown().map((column, _, all) => h("td", {
      role: virtual && "cell", class: column.class, dataset: { title: column.title },
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
    h("table", { role: virtual && "table", "aria-rowcount": virtual ? -1 : undefined }, h("caption", { class: "unseen" }, caption), h("thead", { role: virtual && "rowgroup" }, head), body)), none);
  drawHead();
  if (virtual) whenMoved(look, virtual.signal);
  return {
    element,
    show: (next) => { rows = next; arrange(); },
    chosen: () => [...chosen],
    clear: () => { chosen.clear(); draw(); tellChosen(); },
    columnsButton: () => columnsButton({ columns, hidden, store, draw: () => { drawHead(); draw(); tellView(); } }),
  };
}

/**
 * Puts the rows that are drawn where they belong among all of them. Each stands by itself, so that a row that comes or goes costs
 * the layout of one row. (The names of the roles are said anew above, because browsers forget them with another `display`.)
 */
function place(body, { from, count, height }) {
  setStyle(body, "height", `${count * height}px`);
  for (const [index, row] of [...body.children].entries()) setStyle(row, "top", `${(from + index) * height}px`);
}

function setStyle(element, name, value) {
  if (element.style.getPropertyValue(name) !== value) element.style.setProperty(name, value);
}

/** Calls `look` when the page is scrolled or resized, once a frame at most. */
function whenMoved(look, signal) {
  let asked = false;
  const ask = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; if (!signal.aborted) look(); });
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
