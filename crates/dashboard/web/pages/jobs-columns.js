// The columns of the list of jobs.

import { h } from "/ui/core/dom.js";
import { ago, bytes, millis, number, words } from "/ui/core/format.js";
import { badge } from "/ui/parts/badge.js";
import { preview } from "/ui/parts/picture.js";

/** Rows are this high, in pixels, and thumbnails fit in them. */
export const ROW = 52;

/** The box of the previews that are asked for, in pixels: sharp on dense screens. */
const BOX = 80;

/** The side of the thumbnails as they are shown, in pixels. */
const SIDE = 40;

export const COLUMNS = [
  { name: "image", width: 3.8, title: "Image", class: "image", cell: (job) => preview(job, { size: BOX, width: SIDE, height: SIDE, alt: "" }) },
  { name: "name", title: "Name", leads: true, class: "name", cell: (job) => h("span", { class: "cut", title: job.name ?? job.id }, job.name ?? job.id), sort: (job) => job.name ?? "" },
  { name: "state", width: 8.6, title: "State", class: "state", cell: (job) => badge(job.state), sort: (job) => job.state },
  { name: "operations", width: 13.2, grow: 0.4, title: "Operations", class: "operations", cell: (job) => h("span", { class: "cut", title: operations(job) }, operations(job)), sort: (job) => operations(job) },
  { name: "failure", width: 9.3, grow: 0.3, title: "Failure", class: "reason", cell: (job) => job.failure && h("span", { class: "cut", title: job.failure.message }, words(job.failure.kind)), sort: (job) => job.failure?.kind ?? "" },
  { name: "submitted", width: 9, title: "Submitted", class: "when", cell: (job) => ago(job.created_at), sort: (job) => job.created_at },
  { name: "took", width: 5.5, title: "Took", class: "number took", cell: (job) => millis(took(job)), sort: took },
  { name: "size", width: 6.5, title: "Size", hidden: true, class: "number", cell: (job) => bytes(job.input.bytes), sort: (job) => job.input.bytes },
  { name: "owner", width: 8, title: "Owner", hidden: true, cell: (job) => h("span", { class: "cut", title: job.owner }, job.owner), sort: (job) => job.owner },
  { name: "queue", width: 8, title: "Queue", hidden: true, cell: (job) => h("span", { class: "cut" }, job.queue), sort: (job) => job.queue },
  { name: "origin", width: 7.5, title: "Came through", hidden: true, cell: (job) => job.origin, sort: (job) => job.origin },
  { name: "priority", width: 5.5, title: "Priority", hidden: true, class: "number", cell: (job) => number(job.priority), sort: (job) => job.priority },
  { name: "waited", width: 6.5, title: "Waited", hidden: true, class: "number", cell: (job) => millis(waited(job)), sort: waited },
];

function operations(job) {
  return job.operations.map(({ op }) => op).join(", ");
}

/** From the beginning of the last attempt to the end, in milliseconds; null before. */
function took({ started_at: started, finished_at: finished }) {
  return started && finished ? Math.max(0, Date.parse(finished) - Date.parse(started)) : null;
}

/** From when the job could be taken to the beginning of its last attempt, in milliseconds. */
function waited({ run_at: due, started_at: started }) {
  return started ? Math.max(0, Date.parse(started) - Date.parse(due)) : null;
}
