// What the table of dead letters shows of a job.

import { h } from "/ui/core/dom.js";
import { ago, bytes, number, words } from "/ui/core/format.js";
import { action } from "/ui/parts/dialog.js";
import { icon } from "/ui/parts/icons.js";
import { preview } from "/ui/parts/picture.js";

/** The box of the previews that are asked for, and their side as they are shown, in pixels: sharp on dense screens. */
const [BOX, SIDE] = [80, 40];

/** The columns; `one(what, job)` requeues or deletes one job. */
export function columns(one) {
  return [
    { name: "name", title: "File", class: "file", cell: file },
    { name: "reason", title: "Reason", class: "nowrap", cell: (job) => h("span", { class: "wrong" }, words(job.failure?.kind ?? "unknown")) },
    { name: "message", title: "Message", class: "message", cell: (job) => h("span", { class: "clamp", title: job.failure?.message }, job.failure?.message ?? "–") },
    { name: "attempts", title: "Attempts", class: "number", cell: (job) => number(job.attempts_made) },
    { name: "operations", title: "Operations", hidden: true, cell: (job) => job.operations.map(({ op }) => op).join(", ") },
    { name: "owner", title: "Owner", hidden: true, cell: (job) => job.owner },
    { name: "queue", title: "Queue", hidden: true, cell: (job) => job.queue },
    { name: "size", title: "Size", hidden: true, class: "number", cell: (job) => bytes(job.input.bytes) },
    { name: "at", title: "Failed", class: "nowrap", cell: (job) => ago(job.finished_at) },
    { name: "do", title: "Actions", class: "do", cell: (job) => h("span", { class: "row" },
      action(icon("retry"), { class: "small", title: "Requeue", "aria-label": `Requeue ${named(job)}` }, () => one("requeue", job)),
      action(icon("trash"), { class: "small", title: "Delete", "aria-label": `Delete ${named(job)}` }, () => one("delete", job))) },
  ];
}

/** A small picture of the original and the name of its file. */
export function file(job) {
  return h("span", { class: "with-picture" }, preview(job, { size: BOX, width: SIDE, height: SIDE, alt: "" }),
    h("span", { class: "clamp", title: named(job) }, named(job)));
}

export function named(job) {
  return job.name ?? "unnamed";
}
