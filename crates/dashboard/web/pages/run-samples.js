// Some images of a run, with what came of them.

import { h, fill, write } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { number } from "/ui/core/format.js";
import { FINAL, badge } from "/ui/parts/badge.js";
import { segmented } from "/ui/parts/choice.js";
import { nothing, problemCard } from "/ui/parts/notice.js";
import { picture, preview } from "/ui/parts/picture.js";

/** Images asked for at once. */
const PART = 24;

/** The box of a sample, in pixels. */
const BOX = 160;

const KINDS = [["succeeded", "Succeeded"], ["failed", "Failed"], ["", "All"]];

/** The card of samples: a part at a time, the newest first. */
export function samplesCard(id, signal) {
  let [state, cursor, asked, ended] = ["succeeded", undefined, false, false];
  const grid = h("ul", { class: "samples" });
  const more = h("button", { hidden: true, onclick: () => load(cursor) }, "More");
  const line = h("p", { class: "quiet", role: "status" });
  const picks = segmented({ label: "Which images", options: KINDS.map(([value, text]) => ({ value, text })), value: state, change: (value) => { state = value; load(); } });
  const load = async (from) => {
    asked = true;
    more.disabled = true;
    try {
      const { jobs, next_cursor: next } = await api.get("/v1/jobs", { run: id, state, limit: PART, cursor: from }, { signal });
      if (!from) fill(grid);
      grid.append(...jobs.map((job) => sample(job, signal)));
      const any = grid.childElementCount > 0;
      cursor = next;
      more.hidden = !next;
      write(line, any ? `${number(grid.childElementCount)} shown` : "");
      if (!any) fill(grid, h("li", { class: "whole" }, nothing(...emptyWords(state, ended))));
    } catch (problem) {
      if (problem.name !== "AbortError") fill(grid, h("li", { class: "whole" }, problemCard(problem, () => load())));
    } finally {
      more.disabled = false;
    }
  };
  return {
    element: h("section", { class: "card" }, h("header", { class: "head" }, h("h2", {}, "Samples"), picks), grid, h("div", { class: "row" }, more, line)),
    // The first part fills up while images come in; once it is full, whoever looks at it is not disturbed.
    show(run) {
      ended = FINAL.has(run.state);
      const done = Math.min(PART, run.counts.succeeded);
      if (!asked || (state === "succeeded" && !more.disabled && grid.querySelectorAll("a").length < done)) load();
    },
  };
}

function emptyWords(state, ended) {
  if (state === "failed") return ["No image has failed."];
  if (ended) return [state ? "No image succeeded." : "The run has no image."];
  return ["No image yet.", "They appear here once the first has been done."];
}

/** One image; what came of it is asked for when it has been drawn, and shown beneath. */
function sample(job, signal) {
  const what = h("span", { class: "quiet cut" });
  const box = h("span", { class: "box" }, preview(job, { size: BOX, alt: "" }));
  if (job.state === "succeeded") outcome(job, { what, box, signal });
  return h("li", {}, h("a", { href: `#/jobs/${job.id}` }, box, h("span", { class: "cut", title: job.name ?? job.id }, job.name ?? job.id)),
    job.state === "succeeded" ? what : badge(job.state));
}

async function outcome(job, { what, box, signal }) {
  const { results } = await api.get(`/v1/jobs/${job.id}`, {}, { signal }).catch(() => ({ results: [] }));
  write(what, results.map(inWords).filter(Boolean).join(", "));
  what.title = what.textContent;
  const thumbnail = results.find(({ operation, artifacts }) => operation === "thumbnail" && artifacts.length > 0);
  if (thumbnail && box.querySelector(".missing")) fill(box, picture(thumbnail.artifacts[0].url, { alt: "", class: "preview", width: BOX, height: BOX }));
}

function inWords({ operation, document }) {
  if (operation === "classify") return document.labels?.[0]?.label;
  if (operation === "digit") return `digit ${document.digit}`;
  if (operation === "faces") return document.count === 0 ? "no face" : document.count === 1 ? "1 face" : `${number(document.count)} faces`;
  if (operation === "thumbnail") return `${document.width} × ${document.height}`;
  return operation;
}
