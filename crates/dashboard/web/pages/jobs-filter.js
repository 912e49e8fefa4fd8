// The filter of the list of jobs: what the reader chooses, and what of it goes to the server.

import { h } from "/ui/core/dom.js";
import { session } from "/ui/core/session.js";
import { sentence, words } from "/ui/core/format.js";

const STATES = ["queued", "running", "scheduled", "held", "succeeded", "failed", "cancelled"];

const OPERATIONS = ["thumbnail", "classify", "digit", "faces", "model"];

const FAILURES = ["undecodable", "unsupported", "limit_exceeded", "timed_out", "input_missing", "input_changed", "unencodable",
  "storage_unavailable", "model_missing", "model_failed", "crashed", "internal"];

const TITLES = { newest: "Newest first", oldest: "Oldest first" };

/** What of the address is the filter. */
const NAMES = ["q", "state", "op", "failure", "owner", "run", "queue", "since", "until", "order"];

/** How long after the last key the list is asked for, in milliseconds. */
const TYPING = 300;

/** The filter's form. `changed(filter)` is told each new filter. Gives the element. */
export function filterForm(filter, changed) {
  let current = pick(filter);
  let timer;
  const take = (name, value, wait = 0) => {
    current = { ...current, [name]: value || undefined };
    clearTimeout(timer);
    timer = setTimeout(() => changed(current), wait);
  };
  const select = (name, label, values, any) => h("label", { class: "field" }, h("span", {}, label), h("select", { onchange: (event) => take(name, event.target.value) },
    any && h("option", { value: "" }, any), values.map((value) => h("option", { value, selected: current[name] === value }, TITLES[value] ?? sentence(words(value))))));
  const text = (name, label, placeholder, type = "text") => h("label", { class: "field" }, h("span", {}, label), h("input", {
    type, placeholder, value: current[name] ?? "", autocomplete: "off", spellcheck: "false", oninput: (event) => take(name, event.target.value.trim(), TYPING),
  }));
  const time = (name, label) => h("label", { class: "field" }, h("span", {}, label), h("input", {
    type: "datetime-local", value: local(current[name]), onchange: (event) => take(name, event.target.value && new Date(event.target.value).toISOString()),
  }));
  const rare = ["failure", "owner", "run", "queue", "since", "until"].filter((name) => current[name]);
  return h("form", { class: "filter", role: "search", onsubmit: (event) => event.preventDefault() },
    h("div", { class: "fields" }, text("q", "File name", "Part of a name", "search"), select("state", "State", STATES, "Any state"),
      select("op", "Operation", OPERATIONS, "Any operation"), select("order", "Order", ["newest", "oldest"])),
    h("details", { open: rare.length > 0 }, h("summary", {}, "More filters"), h("div", { class: "fields" },
      select("failure", "Failed because", FAILURES, "Any reason"), session.may("operator") && text("owner", "Owner", "A user's name"), text("run", "Run", "The id of a run"),
      text("queue", "Queue", "A queue's name"), time("since", "Submitted from"), time("until", "Submitted before"))));
}

/** What of `query` is the filter, without what is empty. */
export function pick(query) {
  return Object.fromEntries(NAMES.filter((name) => query[name]).map((name) => [name, query[name]]));
}

/** A filter as the bulk actions take it: the order is none of it, nor is what is empty. */
export function asBulk({ order: _, ...filter }) {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value));
}

/** A time as the field of the browser has it: in this computer's zone, to the minute. */
function local(time) {
  if (!time) return "";
  const date = new Date(time);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** A filter in words, for questions. */
export function described(filter) {
  const parts = Object.entries(asBulk(filter)).map(([name, value]) => `${NAMED[name] ?? name} ${name === "since" || name === "until" ? new Date(value).toLocaleString("en-GB") : words(value)}`);
  return parts.length ? parts.join(", ") : "no filter: every job";
}

const NAMED = { q: "name with", op: "operation", failure: "failed because", since: "from", until: "before" };
