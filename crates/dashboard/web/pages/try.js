// Try it: see what the server does with a picture, a drawn digit, two faces.

import { h, fill } from "/ui/core/dom.js";
import { load } from "/ui/core/load.js";
import { loading, problemCard } from "/ui/parts/notice.js";

const TABS = [
  { name: "pictures", title: "Pictures", load: () => import("/ui/pages/try-pictures.js") },
  { name: "draw", title: "Draw a digit", load: () => import("/ui/pages/try-draw.js") },
  { name: "compare", title: "Compare two faces", load: () => import("/ui/pages/try-compare.js") },
];

/** The page. Its address names the tab, the operations and their parameters: `#/try?op=classify&model=resnet50`. */
export async function page({ query, signal, setQuery, setTitle }) {
  const panels = new Map(TABS.map((tab) => [tab.name, h("div", { role: "tabpanel", id: `try-${tab.name}`, "aria-labelledby": `tab-${tab.name}`, hidden: true })]));
  const opened = new Map();
  let shown = "";

  const buttons = TABS.map((tab) => h("button", {
    role: "tab", id: `tab-${tab.name}`, "aria-controls": `try-${tab.name}`, class: "tab",
    onclick: () => show(tab.name), onkeydown: (event) => step(event, tab),
  }, tab.title));

  function step(event, tab) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const next = (TABS.indexOf(tab) + by + TABS.length) % TABS.length;
    event.preventDefault();
    show(TABS[next].name);
    buttons[next].focus();
  }

  // What a tab holds stays while another one is shown.
  async function show(name) {
    shown = name;
    for (const [index, tab] of TABS.entries()) {
      const here = tab.name === name;
      panels.get(tab.name).hidden = !here;
      buttons[index].setAttribute("aria-selected", here);
      buttons[index].tabIndex = here ? 0 : -1;
    }
    setTitle(`${TABS.find((tab) => tab.name === name).title} · Try it`);
    if (!opened.has(name)) opened.set(name, open(name));
    const panel = await opened.get(name);
    if (shown === name && !signal.aborted) setQuery({ tab: name === "pictures" ? "" : name, ...panel?.query?.() });
  }

  async function open(name) {
    const place = panels.get(name);
    fill(place, h("div", { class: "card" }, loading()));
    try {
      const { panel } = await load(TABS.find((tab) => tab.name === name).load);
      const made = await panel({
        query, signal, active: () => shown === name,
        keep: (kept) => shown === name && !signal.aborted && setQuery({ tab: name === "pictures" ? "" : name, ...kept }),
      });
      fill(place, made.element);
      return made;
    } catch (problem) {
      opened.delete(name);
      if (!signal.aborted) fill(place, problemCard(problem, problem.again ?? (() => show(name))));
      return null;
    }
  }

  await show(TABS.some((tab) => tab.name === query.tab) ? query.tab : "pictures");
  return h("div", { class: "page try" },
    h("header", { class: "head" }, h("div", {}, h("h1", {}, "Try it"),
      h("p", { class: "quiet" }, "See what this server does with pictures. They stay on it."))),
    h("div", { class: "tabs", role: "tablist", "aria-label": "What to try" }, buttons), [...panels.values()]);
}
