// The configuration in force: every setting by group, where its value comes from, and what it would be otherwise.

import { fill, h, write } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { marked, number, sentence } from "/ui/core/format.js";
import { icon } from "/ui/parts/icons.js";
import { nothing, problemCard } from "/ui/parts/notice.js";

/** Where a value comes from, as a badge: its words and its colour. */
const ORIGINS = {
  default: ["default", "quiet"],
  file: ["file", "busy"],
  environment: ["environment", "waiting"],
  argument: ["command line", "accent"],
};

export async function page({ query, signal, setQuery }) {
  const filter = { q: query.q ?? "", changed: query.changed ?? "" };
  const [list, summary] = [h("div", { class: "pile" }), h("p", { class: "quiet", role: "status" })];
  const root = (...content) => h("div", { class: "page" }, h("header", { class: "head" }, h("div", {}, h("h1", {}, "Settings"), summary)), content);
  let settings;
  try {
    ({ settings } = await api.get("/v1/settings", {}, { signal }));
  } catch (problem) {
    if (problem.status !== 404) throw problem;
    return root(problemCard({ title: "This server does not tell its settings", message: "A newer one does. Until then, “darkroom config show” prints them." }));
  }
  const draw = () => {
    const shown = settings.filter((setting) => matches(setting, filter));
    write(summary, counted(settings, shown));
    fill(list, shown.length === 0 && h("div", { class: "card" }, nothing("No setting matches.")), grouped(shown).map(group));
  };
  const narrow = (change) => {
    Object.assign(filter, change);
    setQuery(filter);
    draw();
  };
  draw();
  return root(h("div", { class: "head" },
    h("label", { class: "search" }, icon("search"), h("span", { class: "unseen" }, "Search settings"), h("input", {
      type: "search", placeholder: "Search settings", value: filter.q, oninput: (event) => narrow({ q: event.target.value.trim() }),
    })),
    h("label", { class: "row" }, h("input", { type: "checkbox", checked: filter.changed !== "", onchange: (event) => narrow({ changed: event.target.checked ? "1" : "" }) }), "Only those that are set")), list);
}

function matches({ key, value, help, from }, { q, changed }) {
  if (changed && from === "default") return false;
  const text = `${key} ${value ?? ""} ${help}`.toLowerCase();
  return q.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function counted(all, shown) {
  const set = all.filter(({ from }) => from !== "default").length;
  const which = shown.length === all.length ? `${number(all.length)} settings` : `${number(shown.length)} of ${number(all.length)} settings`;
  return `${which}, ${number(set)} set. They are read when the server starts.`;
}

/** Settings by what stands before the dot of their names, in the order in which they come. */
function grouped(settings) {
  return [...Map.groupBy(settings, ({ key }) => (key.includes(".") ? key.slice(0, key.indexOf(".")) : ""))];
}

function group([name, settings]) {
  return h("section", { class: "card", "aria-label": name || "General" }, h("h2", {}, sentence(name || "general")), h("ul", { class: "settings-list" }, settings.map(row)));
}

function row({ key, value, default: usual, help, from, secret }) {
  const [word, tone] = ORIGINS[from] ?? [from, "quiet"];
  return h("li", {},
    h("span", { class: "key" }, key),
    h("span", { class: "value" }, secret ? h("span", { class: "quiet" }, "hidden") : text(value),
      !secret && value !== usual && h("span", { class: "quiet" }, " instead of ", text(usual))),
    from === "default" ? h("span") : h("span", { class: ["badge", tone] }, word),
    h("span", { class: "help" }, marked(help)));
}

/** A value; where there is none, a word instead of nothing. */
function text(value) {
  return value === null || value === undefined || value === "" ? h("span", { class: "quiet" }, "nothing") : h("code", {}, value);
}
