// The card of one picture: the original with what was found on it, beside what became of it.

import { h, fill, write } from "/ui/core/dom.js";
import { bytes, number, percent } from "/ui/core/format.js";
import { badge, setBadge } from "/ui/parts/badge.js";
import { progress } from "/ui/parts/chart.js";
import { facesLayer } from "/ui/parts/faces.js";
import { icon } from "/ui/parts/icons.js";
import { problemCard } from "/ui/parts/notice.js";
import { load } from "/ui/parts/picture.js";
import { rawJson } from "/ui/parts/results.js";
import { missingFor } from "/ui/parts/missing.js";
import { facesOf, results, timings } from "/ui/pages/try-results.js";

/** The box that the server's preview is asked in where the browser itself cannot show the picture. */
const PREVIEW = 1024;

const WORDS = { waiting: "Waits for its turn", working: "The server works" };
const WAITING = { held: "Its queue is paused. It starts when the queue goes on.", queued: "Waits in the queue", scheduled: "Waits for another attempt" };

/** A card for a `Sending`. `again()` asks anew, `remove()` takes the card away. Gives `{ element, draw() }`; `draw` after each change. */
export function card(sending, { again, remove }) {
  const image = h("img", { alt: `The original: ${sending.name || sending.url}`, draggable: "false" });
  const layer = facesLayer();
  const size = h("figcaption");
  const status = h("div", { class: "status", role: "status" });
  const state = badge("");
  const link = h("a", { hidden: true, "aria-label": "Open the job", title: "Open the job" }, "Open");
  const body = h("div", { class: "outputs" });
  const time = h("div");
  const raw = rawJson(() => sending.job);
  raw.element.hidden = true;
  const original = h("figure", { class: "original faces-on" }, h("div", { class: "stack" }, image, layer.element), size);
  const view = { image, original, layer, size, status, state, link, body, time, raw, again, drawn: null, ways: waysTo(sending) };
  const element = h("article", { class: "card picture-card", "aria-label": sending.name || sending.url },
    h("header", { class: "row" }, h("h2", { class: "name", title: sending.name }, sending.name || sending.url), state, h("span", { class: "spring" }), link,
      h("button", { class: "plain close", "aria-label": "Remove this picture", title: "Remove", onclick: () => { sending.stop(); remove(); } }, icon("close"))),
    status, h("div", { class: "beside" }, original, body), time, raw.element);
  show(sending, view);
  return { element, draw: () => draw(sending, view, element) };
}

/** Where the server has the picture, as the ends of addresses below the job's. */
function waysTo({ url }) {
  return [...(url ? ["artifacts/original"] : []), `preview?size=${PREVIEW}`];
}

function show(sending, view) {
  const { image } = view;
  image.addEventListener("load", () => { drawMarks(sending, view); drawSize(sending, view); });
  image.addEventListener("error", () => byServer(sending, view));
  if (sending.address) image.src = sending.address;
}

/** What this page did not see (by address) is asked for; what this browser cannot show (TIFF, …) is shown as the server sees it. */
async function byServer(sending, view) {
  const way = sending.job && view.ways.shift();
  if (!way) return;
  view.preview = way.startsWith("preview");
  try {
    view.image.src = await load(`/v1/jobs/${sending.job.id}/${way}`);
  } catch {
    view.image.classList.add("missing");
  }
}

function draw(sending, view, element) {
  const { phase, job } = sending;
  element.setAttribute("aria-busy", ["waiting", "sending", "working"].includes(phase));
  drawStatus(sending, view);
  view.original.hidden = phase === "refused" && view.image.naturalWidth === 0;
  if (!job) return;
  view.link.hidden = false;
  view.link.href = `#/jobs/${job.id}`;
  setBadge(view.state, job.state);
  if (!view.image.src || (view.image.complete && view.image.naturalWidth === 0)) byServer(sending, view);
  if (view.drawn === job || phase !== "done") return;
  view.drawn = job;
  const found = job.failure && (missingFor(job.failure, job.operations.map(({ op }) => op))
    ?? problemCard({ title: "The job has failed", message: job.failure.message }, view.again));
  fill(view.body, found, results(job, view.layer));
  fill(view.time, timings(job, sending.took));
  view.raw.element.hidden = false;
  view.raw.show();
  drawMarks(sending, view);
  drawSize(sending, view);
}

function drawStatus(sending, view) {
  const { phase, sent, total, problem } = sending;
  if (phase === "sending" && total > 0) {
    const stop = h("button", { class: "small", onclick: () => sending.stop() }, "Cancel");
    if (!view.bar) fill(view.status, view.bar = h("div", { class: "upload" }, h("span"), h("div", { class: "grow" }), stop));
    write(view.bar.firstChild, `Uploading, ${bytes(sent)} of ${bytes(total)}, ${percent(sent / total, 0)}`);
    fill(view.bar.children[1], progress([{ name: "Sent", value: sent, tone: "busy" }], total));
    return;
  }
  view.bar = null;
  if (phase === "refused") {
    fill(view.body);
    fill(view.time);
    view.layer.show([], view.image);
    setBadge(view.state, problem.status ? "refused" : "not answered");
    fill(view.status, missingFor(problem, sending.operations ?? []) ?? problemCard(problem, view.again));
  } else if (phase === "stopped") {
    fill(view.status, h("div", { class: "row" }, h("span", {}, "Stopped."), h("button", { class: "small", onclick: view.again }, "Send it")));
  } else {
    const text = (phase === "working" && WAITING[sending.job?.state]) || WORDS[phase];
    fill(view.status, text && h("span", { class: "quiet" }, text));
  }
}

function originalOf(sending, { image, preview }) {
  const known = !preview && image.naturalWidth > 0;
  return { width: known ? image.naturalWidth : null, height: known ? image.naturalHeight : null, bytes: sending.job?.input.bytes ?? sending.file?.size };
}

function drawSize(sending, view) {
  const { width, height, bytes: size } = originalOf(sending, view);
  write(view.size, [width && `${number(width)} × ${number(height)} px`, size && bytes(size)].filter(Boolean).join(", "));
}

/** Places refer to the upright picture. A preview that fills its box may have been made smaller: then the scale is not known. */
function drawMarks({ job }, { image, layer, preview }) {
  const scaled = preview && Math.max(image.naturalWidth, image.naturalHeight) >= PREVIEW;
  layer.show(scaled || !image.naturalWidth ? [] : facesOf(job), image);
}
