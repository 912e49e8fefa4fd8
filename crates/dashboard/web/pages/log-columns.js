// What the table of the inference log shows of an entry.

import { h } from "/ui/core/dom.js";
import { ago, micros, percent, words } from "/ui/core/format.js";
import { progress } from "/ui/parts/chart.js";

const SURFACES = { job: "by a job", predict: "through /predict", digit: "through /mnist/", compare: "comparing faces", infer: "through /v2" };

export const COLUMNS = [
  { name: "at", title: "When", class: "nowrap when", cell: (entry) => ago(entry.at) },
  { name: "answer", title: "Answer", class: "answer", cell: answer },
  { name: "model", title: "Model", class: "nowrap model", cell: model },
  { name: "file", title: "File", class: "nowrap file-name", cell: file },
  { name: "owner", title: "Who", class: "nowrap minor", cell: (entry) => [line(entry.owner), h("small", {}, SURFACES[entry.surface] ?? words(entry.surface))] },
  { name: "took", title: "Took", class: "number nowrap took", cell: took },
  { name: "input", title: "Input", hidden: true, cell: (entry) => (entry.input ? h("code", { title: `SHA-256 ${entry.input}` }, entry.input.slice(0, 12)) : "–") },
  { name: "id", title: "Number", hidden: true, class: "number", cell: (entry) => String(entry.id) },
];

/** The likeliest label with its score, or why there is none. */
function answer({ outcome, message, code, label, class_id: number, score }) {
  if (outcome === "failed") return h("span", { class: "wrong clamp", title: message ?? "" }, message ?? words(code ?? "failed"));
  const text = label ?? (number === null || number === undefined ? null : String(number));
  if (text === null) return h("span", { class: "quiet" }, "answered");
  const scored = score !== null && score !== undefined;
  return [h("strong", { class: "clamp", title: text }, text),
    scored && h("span", { class: "score" }, progress([{ name: "Score", value: score, tone: "accent" }], 1), percent(score))];
}

function model({ model: name, version, digest, operation }) {
  const text = name ? `${name}${version ? `@${version}` : ""}` : "none";
  return [line(text, digest ? `${text}, SHA-256 ${digest}` : text), h("small", {}, operation)];
}

/** The image's name, which leads to the job that asked, if one did. */
function file({ file_name: name, job }) {
  const text = line(name ?? (job ? "unnamed" : "–"));
  return job ? h("a", { href: `#/jobs/${job}` }, text) : text;
}

/** From the question to the answer, and the part of it that the model had. */
function took({ took_us: time, model_us: inside, cached }) {
  if (cached) return [micros(time), h("small", { title: "The answer was remembered, not computed." }, "remembered")];
  return [micros(time), inside !== null && inside !== undefined && h("small", {}, `${micros(inside)} in the model`)];
}

function line(text, title = text) {
  return h("span", { class: "one-line", title }, text);
}
