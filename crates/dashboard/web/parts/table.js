// Tables whose rows live: sorted, with columns that can be put away, rows that can be chosen, and a narrow form.

import { h, fill, keyed } from "/ui/core/dom.js";
import { icon } from "/ui/parts/icons.js";

/**
 * A table. `columns`: `[{ name, title, cell(row) -> content, sort?(row) -> number or string, hidden?, class? }]`.
 * `key(row)` names a row. `href(row)` makes the row lead somewhere. `choose(keys)` gives each row a box and is told
 * what is chosen. `store` is the name under which hidden columns are remembered. Gives `{ element, show(rows), columnsButton,
 * chosen() , clear() }`; `show` keeps what did not change.
 */
export function table({ columns, key, href, choose, store, caption, empty }) {
  const hidden = new Set(remembered(store) ?? columns.filter((column) => column.hidden).map((column) => column.name));
  const chosen = new Set();
  let [rows, sorted, downward] = [[], null, false];
  const head = h("tr");
  const body = h("tbody");
  const none = h("div", { class: "none", hidden: true });
  const all = choose && h("input", { type: "checkbox", "aria-label": "Choose all rows that are shown", onchange: () => chooseAll(all.checked) });
  const shown = () => columns.filter((column) => !hidden.has(column.name));

  function drawHead() {
    fill(head, all && h("th", { class: "box", scope: "col" }, all), shown().map((column) => h("th", {
      scope: "col", class: column.class, "aria-sort": sorted === column ? (downward ? "descending" : "ascending") : undefined,
    }, column.sort ? h("button", { class: "plain", onclick: () => sortBy(column) }, column.title) : column.title)));
  }

  function sortBy(column) {
    [downward, sorted] = sorted === column ? [!downward, column] : [true, column];
    drawHead();
    draw();
  }

  function order() {
    if (!sorted) return rows;
    const value = (row) => sorted.sort(row) ?? -Infinity;
    const ascending = [...rows].sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0));
    return downward ? ascending.reverse() : ascending;
  }

  function draw() {
    keyed(body, order(), { key, make: makeRow, update: (element, row) => updateRow(element, row) });
    none.hidden = rows.length > 0;
    if (rows.length === 0) fill(none, empty?.() ?? "Nothing is here.");
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
    fill(element, choose && h("td", { class: "box" }, box(name)), shown().map((column, index) => h("td", {
      class: column.class, dataset: { title: column.title },
    }, index === 0 && href ? h("a", { href: href(row) }, column.cell(row)) : column.cell(row))));
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

  drawHead();
  const element = h("div", { class: "table" }, h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {}, h("caption", { class: "unseen" }, caption), h("thead", {}, head), body)), none);
  return {
    element,
    show: (next) => { rows = next; draw(); },
    chosen: () => [...chosen],
    clear: () => { chosen.clear(); draw(); tellChosen(); },
    columnsButton: () => columnsButton({ columns, hidden, store, draw: () => { drawHead(); draw(); } }),
  };
}

function columnsButton({ columns, hidden, store, draw }) {
  return h("details", { class: "dropdown" }, h("summary", { class: "button" }, icon("columns"), "Columns"),
    h("div", { class: "menu" }, columns.map((column) => h("label", {}, h("input", {
      type: "checkbox", checked: !hidden.has(column.name), onchange: (event) => {
        if (event.target.checked) hidden.delete(column.name); else hidden.add(column.name);
        if (store) localStorage.setItem(`darkroom.columns.${store}`, JSON.stringify([...hidden]));
        draw();
      },
    }), column.title))));
}

function remembered(store) {
  try {
    return JSON.parse(localStorage.getItem(`darkroom.columns.${store}`));
  } catch {
    return null;
  }
}
