// Which operations are done to the pictures, and with what parameters.

import { h, fill, write } from "/ui/core/dom.js";
import { arrange, field, sentence } from "/ui/pages/try-field.js";
import { missingModels } from "/ui/pages/try-missing.js";

const TITLES = { thumbnail: "Thumbnail", classify: "Labels", faces: "Faces", digit: "Digit", model: "Any model" };

/** Parameters that are shown at once, in this order; the others wait behind "More". */
const FIRST = {
  thumbnail: ["width", "height", "mode", "gravity", "format", "quality"],
  classify: ["model", "top", "threshold"],
  faces: ["which", "min_score", "crops", "embeddings"],
  digit: ["model"],
  model: ["model", "tensors"],
};

/** What they begin with where neither the address nor the server says anything. */
const BEGIN = { thumbnail: { width: 320, height: 320 }, faces: { crops: "jpeg" } };

/**
 * Choices of operations. `catalogue` is the server's list, `query` the page's address; `changed()` is called after each
 * change. Gives `{ element, read(), learn(operations), query() }`: `read` gives what to send, or throws a sentence where a
 * parameter cannot be; `learn` shows the values that the server took.
 */
export function operations({ catalogue, models, query, changed }) {
  const asked = (query.op || "thumbnail,classify").split(",");
  const wrong = h("p", { class: "wrong", role: "alert", hidden: true });
  const parts = catalogue.map((operation) => part({ operation, models, query, changed, chosen: asked.includes(operation.name) }));
  const element = h("section", { class: "card operations", "aria-label": "Operations" },
    h("h2", {}, "What to do"), h("div", { class: "chips" }, parts.map(({ chip }) => chip)), parts.map(({ place }) => place), wrong);
  return {
    element,
    read: () => {
      try {
        const chosen = parts.filter((one) => one.chosen()).map((one) => one.read());
        wrong.hidden = true;
        return chosen;
      } catch (problem) {
        wrong.hidden = false;
        write(wrong, problem.message);
        return null;
      }
    },
    learn: (taken) => taken.forEach((one) => parts.find(({ name }) => name === one.op)?.learn(one)),
    query: () => addressOf(parts.filter((one) => one.chosen())),
  };
}

function part({ operation, models, query, changed, chosen }) {
  const { name, description, parameters } = operation;
  const box = h("input", { type: "checkbox", checked: chosen, onchange: () => { draw(); changed(); } });
  const place = h("fieldset", { class: "parameters" });
  const title = TITLES[name] ?? sentence(name);
  let fields = null;

  function draw() {
    place.hidden = !box.checked;
    if (fields || !box.checked) return;
    fields = Object.entries(parameters.properties ?? {}).filter(([key]) => key !== "op")
      .map(([key, schema]) => field({ operation: name, name: key, schema, models, changed, value: begin(key) }));
    const controls = h("div", { class: "controls" });
    arrange(controls, fields, FIRST[name] ?? []);
    fill(place, h("legend", { title: description.split("\n")[0] }, title), missingModels(name, models), controls);
  }

  function begin(key) {
    const said = query[`${name}.${key}`] ?? (key === "model" ? query.model : undefined);
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
    name, place, read,
    chip: h("label", { class: "chip" }, box, title),
    chosen: () => box.checked,
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
