// What a job gave and where its time went, for the card of its picture.

import { h, fill } from "/ui/core/dom.js";
import { micros, millis } from "/ui/core/format.js";
import { resultView } from "/ui/parts/results.js";
import { segments } from "/ui/parts/segments.js";
import { steps } from "/ui/pages/job-attempts.js";

/** Everything that a job gave. `layer` draws its faces on the picture that the card shows. */
export function results(job, layer) {
  return job.results.map((result) => resultView(job.id, result, { layer }));
}

/** The faces of a job, over all of its results. */
export function facesOf(job) {
  return job?.results.find(({ operation }) => operation === "faces")?.document.faces ?? [];
}

/** Where the time of the last attempt went, and how long this browser waited for it. */
export function timings(job, took) {
  const last = job.attempts.at(-1);
  if (!last) return null;
  const queued = Math.max(0, Date.parse(last.started_at) - Date.parse(job.run_at)) * 1000;
  const bar = segments({ label: "Time by step", format: micros });
  bar.show([{ name: "Queue", value: queued, tone: "waiting" }, ...steps(last.timings)]);
  const answered = Number.isFinite(took) && h("p", { class: "quiet answered", title: "From sending to the answer, as this browser saw it" }, `Answered in ${millis(took)}`);
  return fill(h("div", { class: "timings" }), bar.element, answered);
}
