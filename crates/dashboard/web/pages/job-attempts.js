// The attempts of a job in time: how each ended, on which worker, and where its time went.

import { h } from "/ui/core/dom.js";
import { ago, exact, marked, micros, millis, sentence, words } from "/ui/core/format.js";
import { badge } from "/ui/parts/badge.js";
import { nothing } from "/ui/parts/notice.js";
import { segments } from "/ui/parts/segments.js";

/** What a page about a job says of its attempts, the newest first. */
export function attemptsView(job) {
  const waited = job.attempts[0] ? Date.parse(job.attempts[0].started_at) - Date.parse(job.created_at) : null;
  return [h("h2", {}, "Attempts"),
    h("ol", { class: "timeline" },
      job.state === "running" && h("li", { class: "busy" }, h("header", {}, h("strong", {}, `Attempt ${job.attempts.length + 1}`), badge("running"), h("span", { class: "quiet" }, "begun ", ago(job.started_at)))),
      [...job.attempts].reverse().map(attempt),
      h("li", { class: "quiet" }, h("header", {}, h("strong", {}, "Submitted"), h("span", { class: "quiet", title: exact(job.created_at) }, ago(job.created_at)),
        waited !== null && h("span", { class: "quiet" }, `waited ${millis(Math.max(0, waited))} in the queue`)))),
    job.attempts.length === 0 && job.state !== "running" && nothing("No attempt yet.", "Each one is kept here, with its worker, its end and its error.")];
}

const TONES = { succeeded: "good", failed: "bad", failed_transiently: "bad", lost: "bad" };

function attempt({ number, worker, started_at: started, ended_at: ended, end, failure, timings }) {
  const took = Date.parse(ended) - Date.parse(started);
  return h("li", { class: TONES[end] ?? "quiet" },
    h("header", {}, h("strong", {}, `Attempt ${number}`), badge(end), h("span", { class: "quiet" }, ago(ended)), h("span", { class: "quiet" }, `took ${millis(took)} on ${worker}`)),
    failure && h("p", { class: "wrong" }, h("strong", {}, sentence(words(failure.kind))), ": ", marked(failure.message)),
    timeBar(timings));
}

function timeBar(timings) {
  const parts = steps(timings);
  if (parts.every((part) => part.value === 0)) return h("p", { class: "quiet" }, "No time was measured.");
  const bar = segments({ label: "Time by step", format: micros });
  bar.show(parts);
  return bar.element;
}

/** Where an attempt's time went, in the order of the work. What of the work is no named step is `Other`. */
export function steps({ read_us: read, wait_us: wait, work_us: work, write_us: write, decode_us: decode = 0, infer_us: infer = 0, encode_us: encode = 0 }) {
  const named = decode + infer + encode;
  return [
    { name: "Read", value: read, tone: "quiet" }, { name: "Wait", value: wait, tone: "waiting" },
    { name: "Decode", value: decode, tone: "busy" }, { name: "Infer", value: infer, tone: "accent" },
    { name: "Encode", value: encode, tone: "held" }, { name: named ? "Other work" : "Work", value: Math.max(0, work - named), tone: named ? "rest" : "busy" },
    { name: "Store", value: write, tone: "good" },
  ];
}
