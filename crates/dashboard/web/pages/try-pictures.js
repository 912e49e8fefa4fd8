// The tab for pictures: choose them, choose what is done, see at once what it gives.

import { h } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { complain, nothing } from "/ui/parts/notice.js";
import { card } from "/ui/pages/try-card.js";
import { codeCard } from "/ui/parts/code.js";
import { operations } from "/ui/parts/operations.js";
import { picker, sampleButtons, shownAt } from "/ui/pages/try-pick.js";
import { Sending, WAIT } from "/ui/pages/try-send.js";

/** Pictures on the page at once. More belong into a run. */
const MAX_PICTURES = 24;

/** How long the page waits for the next change before it asks, in milliseconds. */
const REST = 300;

/** The file that the code names while there is none. */
const SOME_FILE = "photo.jpg";

/** The tab. `keep(query)` writes its state into the address. */
export async function panel({ query, signal, active, keep }) {
  const [{ operations: catalogue }, models] = await Promise.all([api.get("/v1/operations", {}, { signal }), modelsHere(signal)]);
  const shown = [];
  const list = h("div", { class: "picture-list" });
  const empty = h("div", { class: "card fresh" }, nothing("No picture yet.", "Drop one anywhere on this page, paste one, or take one of these. Its results appear here."),
    h("div", { class: "gallery", role: "group", "aria-label": "Samples to begin with" }, sampleButtons(add, true)));
  const code = codeCard();
  const cache = h("input", { type: "checkbox", checked: true, onchange: () => later() });
  const choice = operations({ catalogue, models, query, more: h("label", { class: "check" }, cache, "Use remembered results"), changed: () => later() });
  let timer = 0;

  function later() {
    clearTimeout(timer);
    timer = setTimeout(askAll, REST);
    drawCode();
    keep(choice.query());
  }

  function askAll() {
    timer = 0;
    for (const { sending } of shown) ask(sending);
  }

  function ask(sending) {
    const wanted = choice.read();
    if (!wanted) return;
    sending.operations = wanted.map(({ op }) => op);
    if (wanted.length > 0) sending.ask({ operations: wanted, cache: cache.checked });
  }

  function add(sources) {
    for (const { file, url, operation } of sources) {
      if (shown.length >= MAX_PICTURES) {
        complain(`${MAX_PICTURES} pictures fit on this page. Many pictures are better worked through as a run.`);
        break;
      }
      if (operation && choice.choose(operation)) later();
      one({ file, url });
    }
    shownChanged();
  }

  function shownChanged() {
    empty.hidden = shown.length > 0;
    element.classList.toggle("none-yet", shown.length === 0);
    drawCode();
  }

  function one({ file, url }) {
    const own = new AbortController();
    const sending = new Sending({ file, url, name: file?.name ?? "", signal: AbortSignal.any([signal, own.signal]), changed: () => changed(sending, made) });
    if (file) sending.address = shownAt(file, sending.signal);
    const made = card(sending, { again: () => ask(sending), remove: () => {
      own.abort();
      shown.splice(shown.findIndex((entry) => entry.sending === sending), 1);
      made.element.remove();
      shownChanged();
    } });
    shown.unshift({ sending });
    list.prepend(made.element);
    made.element.scrollIntoView({ block: "nearest" });
    // Where a change of parameters rests, this picture is asked about with the others.
    if (!timer) ask(sending);
  }

  function changed(sending, made) {
    if (signal.aborted) return;
    made.draw();
    if (sending.phase === "done") choice.learn(sending.job.operations);
  }

  function drawCode() {
    const wanted = choice.read();
    if (wanted?.length) code.show(request(wanted, { cache: cache.checked, source: shown[0]?.sending }));
  }

  signal.addEventListener("abort", () => clearTimeout(timer));
  const element = h("div", { class: "try-columns" }, h("div", { class: "side" }, picker({ add, active, signal }), choice.element),
    h("div", { class: "main" }, empty, list, code.element));
  shownChanged();
  return { element, query: choice.query };
}

/** The models that the server has. */
async function modelsHere(signal) {
  const { models } = await api.get("/v1/models", {}, { signal });
  return models;
}

function request(wanted, { cache, source }) {
  const shared = { path: "/v1/jobs", headers: { Prefer: `wait=${WAIT}` } };
  if (source?.url) return { ...shared, json: { image: { url: source.url }, operations: wanted, ...(cache ? {} : { cache: false }) } };
  return { ...shared, fields: { operations: wanted, ...(cache ? {} : { cache: "false" }) }, files: { image: source?.name || SOME_FILE } };
}
