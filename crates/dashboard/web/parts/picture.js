// Pictures of jobs. They are asked for with the token, as any other request, and only once they come into sight.

import { h } from "/ui/core/dom.js";
import { ask } from "/ui/core/api.js";
import { icon } from "/ui/parts/icons.js";

/** Pictures asked for at once. */
const MAX_AT_ONCE = 6;

/** Pictures that are kept for when they come into sight again. */
const MAX_KEPT = 300;

/** How long a picture is in sight before it is asked for, in milliseconds: what only flies by while somebody scrolls is not. */
const STAYS = 120;

/** Pictures up to this size are kept as texts, in bytes. */
const SMALL = 16 << 10;

const kept = new Map();
const waiting = [];
/** Why jobs fail whose original cannot be shown either. */
const NO_IMAGE = ["undecodable", "unsupported", "limit_exceeded", "input_missing", "input_changed"];

let asked = 0;

const sight = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    sight.unobserve(entry.target);
    begin(entry.target);
  }
}, { rootMargin: "200px" });

/** A picture from an address of this server; what cannot be shown becomes a grey box with `alt`. */
export function picture(path, { alt = "", ...props } = {}) {
  const image = h("img", { alt, draggable: "false", ...props, dataset: { path } });
  sight.observe(image);
  return image;
}

/**
 * The preview of a job's original, that fits a box of `size` pixels. `job` is its id, or the job: what is known to be no image
 * is not asked for.
 */
export function preview(job, { size = 160, ...props } = {}) {
  const place = { width: size, height: size, ...props };
  if (NO_IMAGE.includes(job.failure?.kind)) return broken(place);
  return picture(`/v1/jobs/${job.id ?? job}/preview?size=${size}`, { width: size, height: size, class: "preview", ...props });
}

/** A broken picture as a sign. */
function broken({ width, height, alt, class: kind }) {
  return h("span", { class: ["preview", "broken", kind], role: alt ? "img" : undefined, "aria-label": alt || undefined, style: { width: `${width}px`, height: `${height}px` } }, icon("broken"));
}

function begin(image) {
  const { path } = image.dataset;
  const address = kept.get(path);
  if (address) {
    // To the young end: the oldest are given up first.
    kept.delete(path);
    kept.set(path, address);
    image.src = address;
    return;
  }
  setTimeout(() => { waiting.push(image); next(); }, STAYS);
}

async function next() {
  if (asked >= MAX_AT_ONCE || waiting.length === 0) return;
  const image = waiting.shift();
  if (!image.isConnected) return next();
  asked += 1;
  try {
    image.src = await load(image.dataset.path);
  } catch {
    image.classList.add("missing");
  } finally {
    asked -= 1;
    next();
  }
}

/** The bytes at `path` as an address that an image element takes. */
export async function load(path) {
  const known = kept.get(path);
  if (known) return known;
  const address = await addressOf(await (await ask(path)).blob());
  kept.set(path, address);
  if (kept.size > MAX_KEPT) {
    const [oldest, gone] = kept.entries().next().value;
    kept.delete(oldest);
    URL.revokeObjectURL(gone);
  }
  return address;
}

/** A small picture is its own address: for one that names it the browser stops the page for some milliseconds. */
function addressOf(blob) {
  if (blob.size > SMALL) return URL.createObjectURL(blob);
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

/** Saves what is at `path` as a file. */
export async function download(path, name) {
  save(await (await ask(path)).blob(), name);
}

/** Saves bytes as a file. */
export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
