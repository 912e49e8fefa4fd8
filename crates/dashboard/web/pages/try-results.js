// What each operation gave, each in the way that shows it best.

import { h, fill } from "/ui/core/dom.js";
import { bytes, micros, millis, number, percent, words } from "/ui/core/format.js";
import { bars, progress } from "/ui/parts/chart.js";
import { icon } from "/ui/parts/icons.js";
import { download, picture } from "/ui/parts/picture.js";
import { complain } from "/ui/parts/notice.js";
import { sentence } from "/ui/pages/try-field.js";
import { faceList, strip } from "/ui/pages/try-faces.js";

/** Characters of a document that are shown; more would make the page slow. */
const MAX_TEXT = 200_000;

/** Bars of a strip, and labels of a list, at most. */
const [MAX_BARS, MAX_LABELS] = [512, 50];

const SHOWN = { thumbnail, classify, digit, faces, model };

/** Everything that a job gave. `original` is `{ width, height, bytes }` of the input as far as known; `point(index)` marks a face. */
export function results(job, { original, point }) {
  return job.results.map((result) => h("section", { class: "result", dataset: { operation: result.operation } },
    h("header", { class: "row" }, h("h3", {}, HEADS[result.operation]?.(result.document) ?? sentence(result.operation)), modelOf(result.document),
      result.cached && h("span", { class: "badge busy", title: "The same was asked before: the result was remembered, not worked out anew." }, "remembered")),
    (SHOWN[result.operation] ?? other)(result, { job, original, point }), files(result, job)));
}

const HEADS = {
  thumbnail: ({ format }) => `Thumbnail, ${String(format).toUpperCase()}`,
  classify: () => "Labels",
  digit: () => "Digit",
  faces: ({ count }) => (count === 0 ? "No face" : count === 1 ? "One face" : `${number(count)} faces`),
};

function modelOf({ model, version, embedder }) {
  return model && h("span", { class: "quiet" }, `${model} ${version ?? ""}${embedder ? `, ${embedder.model} ${embedder.version}` : ""}`);
}

function thumbnail({ document, artifacts }, { original }) {
  const file = artifacts.find(({ name }) => name === document.artifact) ?? artifacts[0];
  if (!file) return other({ document });
  const { width, height } = document;
  return h("figure", { class: "thumb" },
    h("div", { class: "checkered" }, picture(file.url, { alt: "The thumbnail", width, height })),
    h("figcaption", {}, `${number(width)} × ${number(height)} px, ${bytes(document.bytes)}`, document.frames > 1 && `, ${document.frames} frames`,
      original.bytes && h("span", { class: "quiet" }, ` · ${percent(document.bytes / original.bytes)} of the original's bytes`)));
}

function classify({ document }) {
  const labels = document.labels ?? [];
  if (labels.length === 0) return h("p", { class: "quiet" }, "No label reaches the least score.");
  return [bars(labels.slice(0, MAX_LABELS).map(({ label, score }) => ({ label: words(label), value: score })), { top: 1, format: percent }),
    labels.length > MAX_LABELS && h("p", { class: "quiet" }, `${number(labels.length - MAX_LABELS)} more are in the raw document.`)];
}

function digit({ document }) {
  const best = document.digit;
  return h("div", { class: "digit" }, h("span", { class: "figure" }, best),
    bars((document.scores ?? []).map((value, label) => ({ label, value, tone: label === best ? "accent" : "quiet" })), { top: 1, format: percent }));
}

function faces({ document, artifacts }, { point }) {
  if (document.count === 0) return h("p", { class: "quiet" }, "Nobody was found in this picture. A lower least score finds more.");
  return faceList(document.faces, { point, artifact: (name) => artifacts.find((file) => file.name === name) });
}

function model({ document }) {
  return (document.outputs ?? []).map(({ name, shape, datatype, data }) => h("div", { class: "tensor" },
    h("p", {}, h("code", {}, name), h("span", { class: "quiet" }, ` ${datatype ?? ""} [${(shape ?? []).join(", ")}]`)),
    Array.isArray(data) && data.length > 1 && stripOf(data.flat(Infinity), `Tensor ${name}`)));
}

function stripOf(values, title) {
  return strip(thinned(values), title, values.length);
}

/** At most so many numbers that the largest of each stretch are among them. */
function thinned(values) {
  const stretch = Math.ceil(values.length / MAX_BARS);
  if (stretch === 1) return values;
  return Array.from({ length: Math.ceil(values.length / stretch) }, (_, index) => values.slice(index * stretch, (index + 1) * stretch)
    .reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0));
}

function other({ document }) {
  return h("pre", {}, JSON.stringify(document, null, 2).slice(0, MAX_TEXT));
}

function files({ artifacts, operation }) {
  if (artifacts.length === 0 || operation === "faces") return null;
  return h("div", { class: "row files" }, artifacts.map(({ name, url, bytes: size }) => h("button", {
    class: "small", onclick: () => download(url, name).catch(complain),
  }, icon("download"), name, h("span", { class: "quiet" }, bytes(size)))));
}

/** Where the time of the last attempt went, as one bar and its parts in words. */
export function timings(job, took) {
  const last = job.attempts.at(-1);
  if (!last) return null;
  const { read_us: read, wait_us: wait, work_us: work, write_us: store, decode_us: decode, infer_us: infer, encode_us: encode } = last.timings;
  const known = [decode, infer, encode].filter(Number.isFinite);
  const rest = Math.max(0, work - known.reduce((sum, value) => sum + value, 0));
  const queued = Math.max(0, (Date.parse(last.started_at) - Date.parse(job.run_at)) * 1000);
  const parts = [["queue", queued, "quiet"], ["read", read, "held"], ["wait", wait, "waiting"], ["decode", decode, "busy"], ["infer", infer, "accent"],
    ["encode", encode, "good"], [known.length ? "other work" : "work", rest, known.length ? "quiet" : "accent"], ["store", store, "held"]]
    .filter(([, value]) => value > 0).map(([name, value, tone]) => ({ name, value, tone }));
  const total = parts.reduce((sum, { value }) => sum + value, 0);
  return h("div", { class: "timings" }, progress(parts, total),
    h("ul", { class: "legend" }, parts.map(({ name, value, tone }) => h("li", { class: tone }, `${name} ${micros(value)}`)),
      Number.isFinite(took) && h("li", { class: "all", title: "From sending to the answer, as this browser saw it" }, `answered in ${millis(took)}`)));
}

/** The whole job as JSON, written only once somebody looks. */
export function rawJson() {
  const text = h("code");
  const element = h("details", { class: "raw", hidden: true, ontoggle: () => draw() }, h("summary", {}, "Raw JSON"), h("pre", { tabindex: "0" }, text));
  let job = null;
  const draw = () => element.open && job && fill(text, JSON.stringify(job, null, 2).slice(0, MAX_TEXT));
  return { element, show: (next) => { job = next; element.hidden = false; draw(); } };
}
