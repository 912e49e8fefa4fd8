// What a new run gathers, what failed images mean to it, and where it waits.

import { h } from "/ui/core/dom.js";
import { labelled } from "/ui/parts/field.js";

const GATHER = [["", "What suits the operations"], ["nothing", "Nothing"], ["own", "What I say, in JSON"]];

const RULES = [["continue", "Count them and go on"], ["stop_after", "Stop after so many"], ["stop_at_percent", "Stop at a share, in percent"]];

const EXAMPLE = '[{ "operation": 0, "pointer": "/labels/0/label", "kind": "counts" }]';

/** The form. Gives `{ fields, more, read() }`: `read` gives that part of the request, or throws a sentence. */
export function rulesForm(changed) {
  const gather = select(GATHER, () => { own.hidden = gather.value !== "own"; changed(); });
  const json = h("textarea", { rows: 3, spellcheck: "false", placeholder: EXAMPLE, oninput: changed });
  const own = labelled("What to sum up", json, "A list of aggregates, at most four.");
  own.hidden = true;
  const rule = select(RULES, () => { limit.hidden = rule.value === "continue"; changed(); });
  const limit = h("input", { type: "number", min: 0, step: 1, value: 10, "aria-label": "How many, or what share", oninput: changed, hidden: true });
  const queue = h("input", { type: "text", placeholder: "default", spellcheck: "false", oninput: changed });
  const water = h("input", { type: "number", min: 1, max: 10_000, step: 1, placeholder: "as the server likes", oninput: changed });
  const remembered = h("input", { type: "checkbox", checked: true, onchange: changed });
  return {
    fields: [labelled("Sum up", gather), own, h("div", { class: "field" }, labelled("When images fail", rule), limit)],
    more: h("details", {}, h("summary", {}, "More"), h("div", { class: "fields" }, labelled("Queue", queue), labelled("Images that wait at a time", water, "More wait in the source."),
      h("label", { class: "check" }, remembered, "Take results that are remembered from earlier work"))),
    read: () => ({
      aggregates: gathered(gather.value, json.value), on_error: onError(rule.value, limit), queue: queue.value.trim() || undefined,
      high_water: water.value ? whole(water, "Images that wait are 1 to 10,000.") : undefined, cache: remembered.checked ? undefined : false,
    }),
  };
}

function gathered(choice, text) {
  if (choice === "") return undefined;
  if (choice === "nothing") return [];
  try {
    const list = JSON.parse(text);
    if (Array.isArray(list)) return list;
  } catch {
    // Falls through to the same sentence.
  }
  throw new RangeError(`What to sum up is a list in JSON, such as ${EXAMPLE}`);
}

function onError(rule, limit) {
  if (rule === "continue") return undefined;
  if (rule === "stop_after") return { stop_after: whole(limit, "Say after how many failures the run stops.") };
  const share = whole(limit, "A share is 1 to 100 percent.");
  if (share < 1 || share > 100) throw new RangeError("A share is 1 to 100 percent.");
  return { stop_at_percent: share };
}

function whole(input, sentence) {
  if (input.value === "" || !input.validity.valid) throw new RangeError(sentence);
  return Number(input.value);
}

function select(options, onchange) {
  return h("select", { onchange }, options.map(([value, title]) => h("option", { value }, title)));
}
