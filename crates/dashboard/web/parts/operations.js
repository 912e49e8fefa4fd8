// Which operations are done to the pictures, and with what parameters.

import { h, write } from "/ui/core/dom.js";
import { sentence } from "/ui/core/format.js";
import { chip } from "/ui/parts/choice.js";
import { arrange, field } from "/ui/parts/field.js";
import { missingModels } from "/ui/parts/missing.js";

const TITLES = { thumbnail: "Thumbnail", classify: "Labels", faces: "Faces", digit: "Digit", model: "Any model" };

/** Parameters that are shown at once, in this order; the others wait behind "More". */
const FIRST = {
  thumbnail: ["width", "height", "mode", "gravity", "format", "quality", "enlarge"],
  classify: ["model", "top", "threshold"],
  faces: ["which", "crops", "min_score", "embeddings"],
  digit: ["model"],
  model: ["model", "tensors"],
};

/** What they begin with where neither the address nor the server says anything. */
const BEGIN = { thumbnail: { width: 320, height: 320 }, faces: { crops: "jpeg" } };

/** From this width on the results stand beside the parameters, not below them. */
const ROOMY = "(min-width: 1001px)";

/**
 * Choices of operations. `catalogue` is the server's list, `query` the page's address; `changed()` is called after each
 * change; `more` is put at the end. Gives `{ element, read(), chosen(), choose(name), learn(operations), query() }`: `read` gives what to send (an operation without its
 * models is left out), or null where a parameter cannot be; `chosen` gives the titles of these; `choose` adds an operation and says whether it was not chosen before; `learn` shows the values that the server took.
 */
export function operations({ catalogue, models, query, changed, more }) {
  const asked = query.op?.split(",") ?? ["thumbnail", "classify"].filter((name) => !missingModels(name, models));
  const wrong = h("p", { class: "wrong", role: "alert", hidden: true });
  const parts = catalogue.map((operation) => part({ operation, models, query, changed, chosen: asked.includes(operation.name) }));
  const element = h("section", { class: "card choices", "aria-label": "Operations" },
    h("h2", {}, "What to do"), h("div", { class: "chips" }, parts.map(({ chip }) => chip)), parts.map(({ place }) => place), wrong, more);
  return {
    element,
    read: () => {
      try {
        const chosen = parts.filter((one) => one.chosen() && !one.lacking).map((one) => one.read());
        wrong.hidden = true;
        return chosen;
      } catch (problem) {
        wrong.hidden = false;
        write(wrong, problem.message);
        return null;
      }
    },
    choose: (name) => parts.find((one) => one.name === name)?.choose(),
    learn: (taken) => taken.forEach((one) => parts.find(({ name }) => name === one.op)?.learn(one)),
    chosen: () => parts.filter((one) => one.chosen() && !one.lacking).map(({ title }) => title),
    query: () => addressOf(parts.filter((one) => one.chosen())),
  };
}

function part({ operation, models, query, changed, chosen }) {
  const { name, description, parameters } = operation;
  const box = h("input", { type: "checkbox", checked: chosen, onchange: () => { draw(); changed(); } });
  const title = TITLES[name] ?? sentence(name);
  const lacking = missingModels(name, models);
  // Where there is little room the results matter more.
  const place = h("details", { class: "parameters", open: matchMedia(ROOMY).matches || lacking !== null }, h("summary", { title: description.split("\n")[0] }, title));
  let fields = null;

  function draw() {
    place.hidden = !box.checked;
    if (fields || !box.checked) return;
    fields = Object.entries(parameters.properties ?? {}).filter(([key]) => key !== "op")
      .map(([key, schema]) => field({ operation: name, name: key, schema, models, changed, value: begin(key) }));
    const front = (FIRST[name] ?? []).map((key) => fields.find((one) => one.name === key)).filter(Boolean);
    const rest = fields.filter((one) => !front.includes(one));
    fields = [...front, ...rest];
    place.append(lacking ?? arrange(h("div", { class: "controls" }), front, rest));
  }

  function begin(key) {
    const said = query[`${name}.${key}`] ?? (key === "model" && chosen ? query.model : undefined);
    if (said !== undefined) return said;
    if (name === "model" && key === "model") return models[0]?.name;
    return query[`${name}.width`] || query[`${name}.height`] ? undefined : BEGIN[name]?.[key];
  }

  function read() {
    const values = fields.map((one) => [one.name, one.read()]).filter(([, value]) => value !== undefined);
    if (name === "model" && !values.some(([key]) => key === "model")) throw new RangeError("Choose a model.");
    return { op: name, ...Object.fromEntries(values) };
  }

  draw();
  return {
    name, title, place, read, lacking: lacking !== null,
    chip: chip(box, title),
    chosen: () => box.checked,
    choose: () => {
      if (box.checked || lacking) return false;
      box.checked = true;
      draw();
      return true;
    },
    learn: (taken) => fields?.forEach((one) => one.hint(taken[one.name])),
  };
}

/** The choices as the page's address has them: `op=a,b&a.width=320`. */
function addressOf(parts) {
  const query = { op: parts.map(({ name }) => name).join(",") };
  for (const one of parts) {
    try {
      const { op, ...values } = one.read();
      for (const [key, value] of Object.entries(values)) query[`${op}.${key}`] = value;
    } catch {
      // What cannot be sent is not kept either.
    }
  }
  return query;
}
