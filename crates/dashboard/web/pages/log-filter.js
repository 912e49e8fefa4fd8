// The filter of the inference log.

import { h } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { session } from "/ui/core/session.js";

/** What the log is narrowed by, as the server calls it. */
export const FIELDS = ["model", "version", "surface", "outcome", "label", "owner", "since", "until"];

/** How long after the last key the log is asked for, in milliseconds. */
const TYPING = 350;

/** Where the filter has room above the log. */
const WIDE = "(min-width: 761px)";

const SURFACES = [["job", "jobs"], ["predict", "/predict"], ["digit", "/mnist/"], ["compare", "comparing faces"], ["infer", "/v2"]];

const OUTCOMES = [["answered", "answered"], ["failed", "failed"]];

/** The form; `narrow(change)` is told what changes. */
export async function filterForm({ filter, narrow, signal }) {
  const models = await api.get("/v1/models", {}, { signal }).then(({ models: list }) => list.map(({ name }) => name), () => []);
  const names = [...new Set([...models, ...(filter.model ? [filter.model] : [])])];
  // A narrow page shows the log first, and the filter when somebody wants it.
  const open = matchMedia(WIDE).matches || Object.values(filter).some(Boolean);
  const form = h("form", { "aria-label": "Filter", onsubmit: (event) => event.preventDefault() }, h("div", { class: "filter-fields" },
    choice("Model", "model", names.map((name) => [name, name])),
    typed("Version", "version"),
    choice("Asked through", "surface", SURFACES), choice("Outcome", "outcome", OUTCOMES), typed("Label", "label"),
    session.may("operator") && typed("Who asked", "owner"), time("From", "since"), time("Until", "until")));
  return h("details", { class: "card filter-card", open }, h("summary", {}, "Filter"), form);

  function choice(title, name, options) {
    return h("label", {}, title, h("select", { onchange: (event) => narrow({ [name]: event.target.value }) },
      h("option", { value: "" }, "any"), options.map(([value, text]) => h("option", { value, selected: value === filter[name] }, text))));
  }

  function typed(title, name) {
    let timer;
    return h("label", {}, title, h("input", { value: filter[name], autocomplete: "off", spellcheck: "false", oninput: (event) => {
      clearTimeout(timer);
      timer = setTimeout(() => signal.aborted || narrow({ [name]: event.target.value.trim() }), TYPING);
    } }));
  }

  function time(title, name) {
    return h("label", {}, title, h("input", { type: "datetime-local", value: local(filter[name]), onchange: (event) => narrow({ [name]: event.target.value ? new Date(event.target.value).toISOString() : "" }) }));
  }
}

/** A time as the field takes it, in this computer's zone; empty where it is none. */
function local(time) {
  const date = new Date(time);
  if (!time || Number.isNaN(date.getTime())) return "";
  return new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
