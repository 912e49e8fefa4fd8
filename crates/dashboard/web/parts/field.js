// Fields of forms: with a name and a word about them, and made from the JSON Schema that the server gives for a parameter.

import { h, fill, write } from "/ui/core/dom.js";
import { sentence, words } from "/ui/core/format.js";

/** Numbers of a span up to this get a slider beside the field. */
const SLIDER_SPAN = 100;

/** What parameters are called where their own name says too little. */
const TITLES = {
  min_score: "Least score", min_size: "Least size", threshold: "Least score", top: "How many", gravity: "Keep in view", which: "Which faces",
  crops: "Cut faces out as", dpr: "Pixel ratio", max: "At most", side: "Search at", reduce: "Decode", light: "Averaged in",
};

/** What stands where nothing was chosen and the server has not told yet what it takes then. */
const UNSET = "default";

/** What tasks a model has that this parameter of this operation names. */
const TASKS = { "classify.model": "classify", "digit.model": "digit", "faces.model": "detect_faces", "faces.embedder": "embed_face" };

/**
 * A control. `schema` is the parameter's, `models` those of the server, `value` what it begins with; `changed()` is called
 * after each change. Gives `{ element, read(), hint(value) }`: `read` gives undefined where nothing was chosen and throws a
 * sentence where the value cannot be; `hint` shows what the server takes where nothing was chosen.
 */
export function field({ operation, name, schema, models, value, changed }) {
  const plain = withoutNull(schema);
  const title = TITLES[name] ?? sentence(words(name));
  const control = make({ operation, name, schema: plain, models, value, changed });
  const about = plain.description ?? schema.description;
  const element = control.box
    ? h("label", { class: "check", title: about }, control.element, title)
    : h("label", { class: "field", title: about }, h("span", {}, title), control.element);
  const read = () => {
    try {
      return control.read();
    } catch (problem) {
      throw new RangeError(`${title}: ${problem.message}`);
    }
  };
  return { ...control, read, element, name };
}

function withoutNull(schema) {
  const inner = (schema.oneOf ?? schema.anyOf)?.find((one) => one.type !== "null");
  const merged = { ...schema, ...inner };
  return { ...merged, type: [merged.type].flat().find((type) => type !== "null") };
}

function make({ operation, name, schema, models, value, changed }) {
  if (isModel(schema)) return choice(modelsFor(operation, name, models), value, changed);
  if (schema.enum) return choice(schema.enum, value, changed);
  if (schema.type === "boolean") return check(schema.default === true, value, changed);
  if (schema.type === "integer" || schema.type === "number") return count(schema, value, changed);
  if (schema.pattern?.startsWith("^#")) return colour(schema, value, changed);
  return text(schema, value, changed);
}

function isModel(schema) {
  return schema.type === "string" && schema.pattern?.includes("(@");
}

function modelsFor(operation, name, models) {
  const task = TASKS[`${operation}.${name}`];
  return models.filter((model) => !task || model.task === task).map((model) => model.name);
}

function choice(options, value, changed) {
  const unset = h("option", { value: "" }, UNSET);
  const known = [...new Set(value && !options.includes(value) ? [...options, value] : options)];
  const rest = known.map((option) => h("option", { value: option }, option));
  const element = h("select", { onchange: changed }, unset, rest);
  element.value = value ?? "";
  const hint = (taken) => {
    if (!taken || element.value) return;
    write(unset, taken);
    for (const option of rest) option.hidden = option.value === taken;
  };
  return { element, hint, read: () => element.value || undefined };
}

function check(unless, value, changed) {
  const element = h("input", { type: "checkbox", checked: value === undefined ? unless : String(value) === "true", onchange: changed });
  return { element, box: true, read: () => (element.checked === unless ? undefined : element.checked), hint() {} };
}

function count(schema, value, changed) {
  const { minimum, maximum, type } = schema;
  const slides = minimum !== undefined && maximum !== undefined && maximum - minimum <= SLIDER_SPAN;
  const step = type === "integer" ? 1 : maximum - minimum > 1 ? 0.1 : 0.01;
  const input = h("input", { type: "number", min: minimum, max: maximum, step: type === "integer" ? 1 : "any", value: value ?? "", inputmode: "decimal", placeholder: UNSET });
  const slider = slides && h("input", { type: "range", min: minimum, max: maximum, step, "aria-hidden": "true", tabindex: "-1" });
  const follow = () => {
    if (!slider) return;
    slider.classList.toggle("unset", input.value === "");
    if (input.value !== "") slider.value = input.value;
  };
  input.addEventListener("input", () => { follow(); changed(); });
  if (slider) slider.addEventListener("input", () => { input.value = slider.value; follow(); changed(); });
  follow();
  return {
    element: h("span", { class: "count-field" }, slider, input),
    read: () => number(input),
    hint: (taken) => {
      if (typeof taken !== "number") return;
      input.placeholder = String(Number(taken.toFixed(3)));
      if (slider && input.value === "") slider.value = taken;
    },
  };
}

function number(input) {
  input.removeAttribute("aria-invalid");
  if (input.validity.valid) return input.value === "" ? undefined : Number(input.value);
  input.setAttribute("aria-invalid", "true");
  throw new RangeError(input.validationMessage);
}

function colour(schema, value, changed) {
  const input = h("input", { type: "text", value: value ?? "", pattern: schema.pattern.replace(/^\^|\$$/g, ""), placeholder: schema.example ?? "#ffffff", spellcheck: "false" });
  const well = h("input", { type: "color", value: value ?? "#ffffff", "aria-label": "Pick a colour", class: "well" });
  input.addEventListener("input", () => { if (input.value.length === 7 && input.validity.valid) well.value = input.value; changed(); });
  well.addEventListener("input", () => { input.value = well.value; changed(); });
  return { element: h("span", { class: "count-field" }, well, input), read: () => written(input), hint() {} };
}

function text(schema, value, changed) {
  const input = h("input", { type: "text", value: value ?? "", minlength: schema.minLength, maxlength: schema.maxLength, oninput: changed, spellcheck: "false" });
  return { element: input, read: () => written(input), hint(taken) { if (typeof taken === "string") input.placeholder = taken; } };
}

function written(input) {
  input.removeAttribute("aria-invalid");
  if (input.validity.valid) return input.value || undefined;
  input.setAttribute("aria-invalid", "true");
  throw new RangeError(input.validationMessage);
}

let made = 0;

/** A field with its name above and a word beneath, which screen readers say after the name. */
export function labelled(name, control, about) {
  const id = `about-${made += 1}`;
  if (about) control.setAttribute("aria-describedby", id);
  return h("div", { class: "field" }, h("label", { class: "field" }, h("span", {}, name), control), about && h("span", { class: "quiet fine", id }, about));
}

/** Fills `place` with controls: the `front` ones, the `rest` behind a word. */
export function arrange(place, front, rest) {
  return fill(place, h("div", { class: "fields" }, front.map((one) => one.element)),
    rest.length > 0 && h("details", { class: "more" }, h("summary", {}, "More"), h("div", { class: "fields" }, rest.map((one) => one.element))));
}
