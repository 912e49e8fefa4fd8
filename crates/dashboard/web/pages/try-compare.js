// The tab for two faces: whether two pictures show one person, and how sure that is.

import { h, fill, write } from "/ui/core/dom.js";
import { api, json, upload } from "/ui/core/api.js";
import { bytes, millis } from "/ui/core/format.js";
import { facesLayer } from "/ui/parts/faces.js";
import { loading, problemCard } from "/ui/parts/notice.js";
import { codeCard } from "/ui/parts/code.js";
import { missingFor, missingModels } from "/ui/parts/missing.js";
import { catchAll, dropZone, shownAt } from "/ui/pages/try-pick.js";
import { pair } from "/ui/pages/try-samples.js";

/** How long the page waits for the next change before it asks, in milliseconds. */
const REST = 250;

/** The threshold that the slider begins with until the server has told its own. */
const SLIDER = { min: 0, max: 1, step: 0.001 };

const WHICH = [["first", "First face"], ["second", "Second face"]];

/** The tab. `threshold` in the address is the caller's own. */
export async function panel({ query, signal, active, keep }) {
  const { models } = await api.get("/v1/models", {}, { signal });
  const answer = h("section", { class: "card verdict-card", "aria-label": "Verdict", "aria-live": "polite" });
  const threshold = thresholdField(query.threshold, () => { keep(address()); later(); });
  const places = WHICH.map(([name, title]) => place({ name, title, signal, changed: later }));
  const code = codeCard();
  let [timer, asked] = [0, null];
  const address = () => ({ threshold: threshold.own() ?? "" });

  function later() {
    clearTimeout(timer);
    timer = setTimeout(ask, REST);
    drawCode();
  }

  async function ask() {
    asked?.abort();
    if (places.some(({ file }) => !file())) return fill(answer, start(put));
    asked = new AbortController();
    const mine = AbortSignal.any([signal, asked.signal]);
    const form = new FormData();
    for (const one of places) form.set(one.name, one.file());
    if (threshold.own() !== undefined) form.set("threshold", threshold.own());
    answer.setAttribute("aria-busy", "true");
    if (!answer.querySelector(".verdict")) fill(answer, loading(3));
    const began = performance.now();
    try {
      const said = await upload("/v1/faces/compare", form, { signal: mine });
      places.forEach((one) => one.mark(said[one.name]));
      threshold.learn(said.threshold);
      fill(answer, verdict(said, performance.now() - began), threshold.element, rates(signal));
    } catch (problem) {
      if (mine.aborted) return;
      places.forEach((one) => one.mark(null));
      fill(answer, missingFor(problem, ["faces"]) ?? problemCard(problem, ask));
    }
    answer.removeAttribute("aria-busy");
  }

  function drawCode() {
    const [one, other] = places.map((each, index) => each.file()?.name || `${["one", "other"][index]}.jpg`);
    const own = threshold.own();
    code.show({ path: "/v1/faces/compare", ...(own === undefined ? {} : { fields: { threshold: String(own) } }), files: { first: one, second: other } });
  }

  // What is pasted, or dropped beside a field, goes to the first that is empty.
  const add = (sources) => sources.forEach(({ file }) => file && (places.find((one) => !one.file()) ?? places[1]).put(file));
  catchAll({ add, active, signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
  const put = (files) => files.forEach((file, index) => places[index].put(file));
  fill(answer, missingModels("faces", models) ?? start(put));
  drawCode();
  keep(address());
  return { query: address, element: h("div", { class: "main" }, h("div", { class: "split pair" }, places.map(({ element }) => element)), answer, code.element) };
}

function start(put) {
  return [h("p", { class: "quiet" }, "Give two pictures with a face on each. Of each the largest face counts."),
    h("div", { class: "row" }, h("span", { class: "quiet" }, "Or try a sample:"),
      h("button", { class: "small", onclick: async () => put(await pair()) }, "One drawn person twice"))];
}

/** One of the two pictures: a field for a file, then the picture with the box of its face. */
function place({ name, title, signal, changed }) {
  let [file, own, found] = [null, null, null];
  const image = h("img", { alt: `${title} picture`, draggable: "false" });
  const layer = facesLayer();
  const about = h("figcaption");
  const zone = dropZone({ words: "Drop or paste a picture", label: `${title} picture`, add: ([source]) => source?.file && put(source.file) });
  const shown = h("figure", { class: "original faces-on", hidden: true }, h("div", { class: "stack" }, image, layer.element), about);
  const other = h("button", { class: "small", hidden: true, onclick: () => put(null) }, "Change");
  image.addEventListener("load", draw);
  image.addEventListener("error", () => { if (image.getAttribute("src")) write(about, `${file?.name}: this browser cannot show it; the server may still read it.`); });

  function put(next) {
    own?.abort();
    own = new AbortController();
    [file, found] = [next, null];
    layer.show([], image);
    zone.hidden = Boolean(next);
    shown.hidden = other.hidden = !next;
    if (next) image.src = shownAt(next, AbortSignal.any([signal, own.signal]));
    else image.removeAttribute("src");
    write(about, next ? `${next.name || "pasted"}, ${bytes(next.size)}` : "");
    changed();
  }

  function draw() {
    layer.show(found && image.naturalWidth ? [found] : [], image);
  }

  return {
    name, put, file: () => file,
    mark: (face) => { found = face; draw(); },
    element: h("section", { class: "card", "aria-label": title }, h("div", { class: "row" }, h("h2", {}, title), h("span", { class: "spring" }), other), zone, shown),
  };
}

function verdict({ same, cosine, threshold, embedder, first, second }, took) {
  return h("div", { class: ["verdict", same ? "good" : "bad"] },
    h("p", { class: "word" }, same ? "The same person" : "Different people"),
    scale({ cosine, threshold, same }),
    h("p", { class: "quiet" }, `Cosine ${cosine.toFixed(3)}, threshold ${threshold.toFixed(3)}. Faces found with scores ${first.score.toFixed(3)} and ${second.score.toFixed(3)}. `
      + `${embedder.model} ${embedder.version}, answered in ${millis(took)}.`));
}

/** The cosine from 0 to 1 (strangers are about 0, and less than that is no more different) with the threshold on it. */
function scale({ cosine, threshold, same }) {
  const part = (value) => `${Math.min(100, Math.max(0, value * 100))}%`;
  return h("div", { class: "scale", role: "img", "aria-label": `Cosine ${cosine.toFixed(3)} of 1, threshold ${threshold.toFixed(3)}` },
    h("span", { class: ["reach", same ? "good" : "bad"], style: { width: part(cosine) } }),
    h("span", { class: "limit", style: { left: part(threshold) } }));
}

function thresholdField(begin, changed) {
  let own = begin && Number.isFinite(Number(begin)) ? Number(begin) : undefined;
  const output = h("output");
  const input = h("input", { type: "range", ...SLIDER, "aria-label": "Threshold", oninput: () => { own = Number(input.value); draw(); changed(); } });
  const usual = h("button", { class: "small", onclick: () => { own = undefined; changed(); } }, "The usual one");
  const draw = () => { write(output, Number(input.value).toFixed(3)); usual.hidden = own === undefined; };
  if (own !== undefined) input.value = own;
  return {
    element: h("div", { class: "row threshold" }, h("span", {}, "Threshold"), input, output, usual),
    own: () => own,
    learn: (taken) => { if (document.activeElement !== input || own === undefined) input.value = taken; draw(); },
  };
}

/** How often it errs, in the words of the API's own description. */
function rates(signal) {
  const text = h("p", { class: "quiet" });
  const element = h("details", { class: "more", ontoggle: async () => {
    if (!element.open || text.textContent) return;
    try {
      const { components } = await json("/openapi.json", { signal });
      write(text, components.schemas.Comparison.description.split("\n\n").slice(1).join(" ").replaceAll("\n", " "));
    } catch (problem) {
      if (!signal.aborted) write(text, problem.message);
    }
  } }, h("summary", {}, "How often it errs"), text);
  element.open = true;
  return element;
}
