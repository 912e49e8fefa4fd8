// What an operation gave, drawn: thumbnails with sizes, labels with score bars, faces as boxes, digits, tensors.

import { h, fill } from "/ui/core/dom.js";
import { bytes, number, percent, words } from "/ui/core/format.js";
import { facesOn } from "/ui/parts/faces.js";
import { bars } from "/ui/parts/chart.js";
import { icon } from "/ui/parts/icons.js";
import { download, picture } from "/ui/parts/picture.js";

/** Labels, scores or numbers that are drawn; the rest is counted. */
const MAX_SHOWN = 20;

/** Files of one result that are listed at once; more are folded away. */
const MAX_FILES = 4;

/** Numbers of a tensor that are drawn as a strip. */
const MAX_STRIP = 512;

/**
 * One result of a job, as `/v1/jobs/{id}` has it: `{ operation, document, artifacts, cached }`. `original` is the address of
 * the upright input, a path of this server or a `blob:` address; the job's own original unless told. Where the page shows the
 * input itself, `layer` is what draws faces on it (`facesLayer`).
 */
export function resultView(jobId, result, { original = `/v1/jobs/${jobId}/artifacts/original`, layer } = {}) {
  const { operation, document, artifacts = [], cached } = result;
  const draw = VIEWS[operation] ?? documentView;
  return h("article", { class: "outcome" },
    h("header", {}, h("h3", {}, operation), modelName(document), cached && h("span", { class: "badge quiet", title: "The same operation on the same image was done before." }, "remembered")),
    draw(document, { artifacts, original, layer }),
    artifacts.length > 0 && files(artifacts));
}

function files(artifacts) {
  if (artifacts.length <= MAX_FILES) return artifactList(artifacts);
  return h("details", { class: "files" }, h("summary", {}, `${number(artifacts.length)} files`), artifactList(artifacts));
}

const VIEWS = { thumbnail: thumbnailView, classify: classifyView, digit: digitView, faces: facesView, model: modelView };

function modelName({ model, version, embedder }) {
  if (!model) return null;
  const name = ({ model, name, version }) => `${model ?? name}${version ? ` ${version}` : ""}`;
  const also = embedder?.model ?? embedder?.name;
  return h("span", { class: "quiet" }, name({ model, version }), also && `, ${name(embedder)}`);
}

function thumbnailView(document, { artifacts }) {
  const artifact = artifacts.find((one) => one.name === document.artifact) ?? artifacts[0];
  const size = `${number(document.width)} × ${number(document.height)}`;
  const words = [size, String(document.format ?? "").toUpperCase(), bytes(document.bytes), document.frames > 1 && `${number(document.frames)} frames`];
  return h("figure", { class: "thumbnail" },
    artifact && picture(artifact.url, { alt: `Thumbnail, ${size} pixels`, class: "checker" }),
    h("figcaption", { class: "quiet" }, words.filter(Boolean).join(" · ")));
}

function classifyView({ labels = [] }) {
  if (labels.length === 0) return h("p", { class: "quiet" }, "No label reaches the threshold.");
  return [scoreBars(labels.map(({ label, class_id: id, score }) => ({ label: label ? words(label) : `Class ${id}`, value: score }))), rest(labels.length)];
}

/** Labels with their scores as bars of the width that 1 fills: `[{ label, value, tone? }]`. */
export function scoreBars(items) {
  return bars(items.slice(0, MAX_SHOWN), { format: (score) => percent(score), top: 1 });
}

function rest(count) {
  return count > MAX_SHOWN && h("p", { class: "quiet" }, `${number(count - MAX_SHOWN)} more are in the raw document.`);
}

function digitView({ digit, score, scores = [] }) {
  return h("div", { class: "outcome-digit" },
    h("p", { class: "outcome-figure" }, h("strong", {}, digit), h("span", { class: "quiet" }, percent(score))),
    scoreBars(scores.map((value, label) => ({ label, value, tone: label === digit ? "accent" : "quiet" }))));
}

function facesView({ faces = [] }, { artifacts, original, layer }) {
  if (faces.length === 0) return [h("p", { class: "quiet" }, "No face was found."), !layer && picture(original, { alt: "The input", class: "whole-picture" })];
  const drawn = layer ?? facesOn(original, faces);
  const crop = (face) => artifacts.find((one) => one.name === face.crop?.artifact);
  const line = (face, index) => h("li", { tabindex: "0", onpointerenter: () => drawn.light(index), onpointerleave: () => drawn.light(null), onfocus: () => drawn.light(index), onblur: () => drawn.light(null) },
    crop(face) && picture(crop(face).url, { alt: `Face ${index + 1}`, width: 56, height: 56 }),
    h("span", {}, h("strong", {}, `Face ${index + 1}`), h("span", { class: "quiet" }, ` ${Math.round(face.box.width)} × ${Math.round(face.box.height)}${face.clipped ? ", cut by the edge" : ""}`)),
    h("span", { class: "value" }, percent(face.score)),
    face.embedding && strip(face.embedding, { label: `Embedding of face ${index + 1}` }));
  return h("div", { class: "outcome-faces" }, !layer && drawn.element, h("ol", { class: "face-list" }, faces.slice(0, MAX_SHOWN).map(line)), rest(faces.length));
}

function modelView({ outputs = [] }) {
  return h("ul", { class: "tensors" }, outputs.map(({ name, datatype, shape = [], data, artifact, bytes: size }) => h("li", {},
    h("p", {}, h("strong", {}, name), " ", h("code", {}, `${datatype} [${shape.join(", ")}]`)),
    data ? tensorValues(data, name) : h("p", { class: "quiet" }, `In ${artifact ?? "an artifact"}, ${bytes(size)}`))));
}

function tensorValues(data, name) {
  const flat = data.flat(Infinity);
  const numeric = flat.every((value) => typeof value === "number");
  const text = flat.slice(0, MAX_SHOWN).map((value) => (numeric ? Number(value.toPrecision(5)) : value)).join(", ");
  return [numeric && flat.length > 1 && strip(flat, { label: `Values of ${name}` }),
    h("p", { class: "quiet values" }, h("code", {}, text), flat.length > MAX_SHOWN && ` and ${number(flat.length - MAX_SHOWN)} more`)];
}

/**
 * Numbers as thin bars up and down from zero. `spread`, as many numbers, is drawn as a range around each, such as a standard
 * deviation.
 */
export function strip(values, { label, spread, height = 40 } = {}) {
  const shown = values.slice(0, MAX_STRIP);
  const reach = Math.max(1e-12, ...shown.map((value, index) => Math.abs(value) + (spread?.[index] ?? 0)));
  const y = (value) => height / 2 - (value / reach) * (height / 2 - 1);
  const bar = (value, index) => h("rect", { class: value < 0 ? "below" : "above", x: index + 0.1, width: 0.8, y: Math.min(y(0), y(value)), height: Math.max(0.3, Math.abs(y(value) - y(0))) },
    h("title", {}, `${index + 1}: ${Number(value.toPrecision(4))}${spread ? ` ± ${Number(spread[index].toPrecision(3))}` : ""}`));
  const range = (value, index) => h("rect", { class: "spread", x: index + 0.4, width: 0.2, y: y(value + spread[index]), height: Math.max(0.3, y(value - spread[index]) - y(value + spread[index])) });
  return h("svg", { class: "number-strip", role: "img", "aria-label": `${label}: ${number(values.length)} numbers from ${least(values)} to ${most(values)}`, viewBox: `0 0 ${shown.length} ${height}`, preserveAspectRatio: "none", height },
    shown.map(bar), spread && shown.map(range));
}

const least = (values) => Number(values.reduce((a, b) => Math.min(a, b)).toPrecision(3));
const most = (values) => Number(values.reduce((a, b) => Math.max(a, b)).toPrecision(3));

/** Whatever operations there may be later: the document as it is. */
function documentView(document) {
  return h("pre", { class: "raw-text", tabindex: "0" }, JSON.stringify(document, null, 2));
}

/** The files of a job as buttons that save them: `[{ name, url, bytes, media_type }]`. */
export function artifactList(artifacts) {
  return h("ul", { class: "artifacts" }, artifacts.map(({ name, url, bytes: size }) => h("li", {},
    h("button", { class: "small", onclick: (event) => save(event.currentTarget, url, name), title: name }, icon("download"), h("span", { class: "cut" }, name), h("span", { class: "quiet" }, bytes(size))))));
}

async function save(button, url, name) {
  button.disabled = true;
  try {
    await download(url, name);
  } catch (problem) {
    const { complain } = await import("/ui/parts/notice.js");
    complain(problem);
  } finally {
    button.disabled = false;
  }
}

/** A document as text that can be folded out and copied. */
export function rawJson(value, { title = "Raw JSON" } = {}) {
  const text = () => JSON.stringify(value(), null, 2);
  const place = h("pre", { class: "raw-text", tabindex: "0", "aria-label": title });
  const copy = h("button", { class: "small", onclick: async () => {
    await navigator.clipboard.writeText(text()).then(() => fill(copy, icon("check"), "Copied"), () => fill(copy, icon("copy"), "Select and copy it by hand"));
    setTimeout(() => fill(copy, icon("copy"), "Copy"), 2000);
  } }, icon("copy"), "Copy");
  const details = h("details", { class: "card raw-json" }, h("summary", {}, title), h("div", { class: "actions" }, copy), place);
  details.addEventListener("toggle", () => details.open && fill(place, text()));
  return { element: details, show: () => details.open && fill(place, text()) };
}
