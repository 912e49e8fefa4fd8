// One model as a card.

import { fill, h, write } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { bytes, marked, millis, number, sentence, words } from "/ui/core/format.js";
import { copyButton } from "/ui/parts/copy.js";
import { icon } from "/ui/parts/icons.js";
import { loading } from "/ui/parts/notice.js";

const STATES = { loaded: ["Loaded", "good"], unloaded: ["Not loaded", "quiet"], broken: ["Broken", "bad"] };

/** What the page to try things calls the work of a model, and the model in it, by the model's task. */
const TRIES = {
  classify: { op: "classify", as: "model" },
  digit: { op: "digit", as: "model" },
  detect_faces: { op: "faces", as: "model" },
  embed_face: { op: "faces", as: "faces.embedder" },
};

/** Characters of a digest that are shown: enough to tell any two apart. */
const SHORT = 12;

/** A card of a model, to be kept true by `drawModel`. */
export function makeModel(model) {
  const card = h("li", { class: "card model" });
  const [state, failure, use] = [h("span", {}), h("p", { class: "wrong failure" }), h("div", { class: "body" })];
  const details = model.digest && h("details", { class: "on-demand" }, h("summary", {}, "What it takes and gives"), h("div", { class: "body" }));
  details?.addEventListener("toggle", () => details.open && !details.lastChild.firstChild && drawDetails(details.lastChild, model));
  card.changing = { state, failure, use };
  fill(card,
    h("div", { class: "top-line" }, h("div", {}, h("h2", {}, model.name), h("p", { class: "quiet" }, `Version ${model.version}${model.task ? `, ${words(model.task)}` : ""}`)), state),
    failure, use, details, tryIt(model));
  drawModel(card, model);
  return card;
}

/** Writes what may change. */
export function drawModel(card, model) {
  const { state, failure, use } = card.changing;
  const [word, tone] = STATES[model.state] ?? [model.state, "quiet"];
  state.className = `badge ${tone}`;
  write(state, word);
  failure.hidden = !model.failure;
  const shown = JSON.stringify(model);
  if (card.shown === shown) return;
  card.shown = shown;
  fill(failure, marked(sentence(model.failure ?? "")));
  fill(use, h("dl", { class: "properties" }, properties(model).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])), quantiles(model.latency));
}

function properties(model) {
  return [
    model.licence && ["Licence", model.licence],
    model.labels > 0 && ["Labels", number(model.labels)],
    model.digest && ["Weights", h("code", { title: `SHA-256 ${model.digest}` }, model.digest.slice(0, SHORT))],
    model.size_bytes && ["Size", bytes(model.size_bytes)],
    model.memory_bytes && ["In memory", bytes(model.memory_bytes)],
    model.state !== "broken" && ["Asked", model.requests ? [number(model.requests), model.failures > 0 && h("span", { class: "wrong" }, `, ${number(model.failures)} failed`)] : "not yet"],
    model.waiting > 0 && ["Waiting", number(model.waiting)],
  ].filter(Boolean);
}

/** How long its answers took. */
function quantiles(latency) {
  if (!latency?.count) return null;
  const values = [["Half within", latency.p50_ms], ["95 %", latency.p95_ms], ["99 %", latency.p99_ms]];
  return h("dl", { class: "quantiles" }, values.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, millis(value)))));
}

function tryIt(model) {
  const { op, as } = TRIES[model.task] ?? { op: "model", as: "model" };
  if (model.state === "broken") return null;
  return h("div", { class: "actions" }, h("a", {
    class: "button small", href: `#/try?op=${op}&${as}=${encodeURIComponent(model.name)}`, "aria-label": `Try ${model.name}`,
  }, icon("try"), "Try"));
}

/** The inputs and outputs, asked for when somebody wants to see them. */
async function drawDetails(place, model) {
  fill(place, loading(3));
  try {
    const { inputs, outputs, platform } = await api.get(`/v2/models/${encodeURIComponent(model.name)}/versions/${encodeURIComponent(model.version)}`);
    fill(place, tensors("Takes", inputs), tensors("Gives", outputs), h("dl", { class: "properties" },
      h("dt", {}, "Runs on"), h("dd", {}, platform),
      model.source && [h("dt", {}, "Source"), h("dd", {}, model.source)],
      model.image && [h("dt", {}, "An image becomes"), h("dd", {}, `${model.image.name} ${shape(model.image.shape)}`)],
      h("dt", {}, "SHA-256"), h("dd", { class: "digest-line" }, h("code", {}, model.digest), copyButton(model.digest))));
  } catch (problem) {
    fill(place, h("p", { class: "wrong" }, problem.message));
  }
}

function tensors(title, list) {
  return h("div", {}, h("h3", {}, title), h("ul", { class: "tensor-list" }, list.map(({ name, datatype, shape: sides }) => h("li", {}, h("code", {}, name), ` ${datatype} ${shape(sides)}`))));
}

/** -1 is a side of any length. */
function shape(sides) {
  return `[${sides.map((side) => (Number(side) < 0 ? "any" : side)).join(", ")}]`;
}
