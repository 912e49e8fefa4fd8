// The reasons why jobs have failed, with their counts, to choose one.

import { fill, h } from "/ui/core/dom.js";
import { number, words } from "/ui/core/format.js";

/** What a reason means, for those who point at it. */
const MEANINGS = {
  undecodable: "The input is no image, or a damaged one.",
  unsupported: "An image of a kind that is not supported.",
  limit_exceeded: "A named limit is exceeded: bytes, pixels, frames.",
  timed_out: "The work took too long.",
  input_missing: "The input is gone.",
  input_changed: "The file was changed after the run had read it.",
  unencodable: "The result could not be written: its format, or the parameters.",
  storage_unavailable: "Images could not be read or written just then. Requeueing helps.",
  model_missing: "The model is not installed. Requeue once it is.",
  model_failed: "The model could not be loaded, or did not answer as its manifest says.",
  crashed: "The job crashed its worker, or the worker vanished.",
  internal: "A fault of the server. Its log says more.",
};

/** Gives `{ element, show(stats), seen(kinds), chosen(kind) }`; `seen` is for those whom the server tells no counts. */
export function reasons({ chosen, choose }) {
  const element = h("div", { class: "chips", role: "group", "aria-label": "Reason" });
  let counts = new Map();
  const draw = () => {
    const kinds = [...new Set([...counts.keys(), ...(chosen ? [chosen] : [])])];
    const state = JSON.stringify([chosen, [...counts]]);
    if (element.state === state) return;
    element.state = state;
    const focused = document.activeElement?.closest?.(".chips button")?.dataset.kind;
    const all = [...counts.values()].reduce((sum, count) => sum + (count ?? 0), 0);
    element.hidden = kinds.length === 0;
    fill(element, pill("", "All", all || null), kinds.map((kind) => pill(kind, words(kind), counts.get(kind))));
    if (focused !== undefined) element.querySelector(`[data-kind="${focused}"]`)?.focus();
  };
  const pill = (kind, text, count) => h("button", {
    class: "chip", "aria-pressed": String(kind === chosen), title: MEANINGS[kind], dataset: { kind }, onclick: () => choose(kind),
  }, text, count !== null && count !== undefined && h("span", { class: "count" }, number(count)));
  draw();
  return {
    element,
    show: ({ failures }) => {
      if (!failures) return;
      counts = new Map([...failures].sort((a, b) => b.count - a.count || (a.kind < b.kind ? -1 : 1)).map(({ kind, count }) => [kind, count]));
      draw();
    },
    seen: (kinds) => {
      for (const kind of kinds) if (kind && !counts.has(kind)) counts.set(kind, null);
      draw();
    },
    chosen: (kind) => {
      chosen = kind;
      draw();
    },
  };
}
