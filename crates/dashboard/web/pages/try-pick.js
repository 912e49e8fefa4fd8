// Ways for pictures to come in: dropped, pasted, chosen, by address, or a sample that the page draws.

import { h } from "/ui/core/dom.js";
import { droppable } from "/ui/parts/drop.js";
import { icon } from "/ui/parts/icons.js";
import { complain } from "/ui/parts/notice.js";
import { samples } from "/ui/pages/try-samples.js";

/**
 * The place where pictures come in. `add([{ file, operation? } | { url }])` gets them (`operation` is
 * what a sample is made for); `active()` says whether this place is shown, as
 * pasting and dropping go to whichever is.
 */
export function picker({ add, active, signal }) {
  const address = h("input", { type: "url", placeholder: "https://example.org/photo.jpg", "aria-label": "Address of a picture", required: true });
  const byAddress = h("form", { class: "address", onsubmit: (event) => {
    event.preventDefault();
    add([{ url: address.value }]);
    address.value = "";
  } }, address, h("button", { type: "submit" }, "Fetch"));
  const zone = dropZone({ add, multiple: true, words: "Drop pictures here, or paste them" });
  catchAll({ zone, add, active, signal });
  return h("section", { class: "card pick", "aria-label": "Pictures" }, h("h2", {}, "Pictures"), zone, byAddress,
    h("div", { class: "sample-row", role: "group", "aria-label": "Samples" }, h("span", { class: "quiet" }, "Or try a sample:"), sampleButtons(add)));
}

/** A button for each sample; with `said`, what is to be seen on it stands below. */
export function sampleButtons(add, said = false) {
  return samples().map(({ title, shows, operation, preview, file }) => h("button", {
    class: "sample", title, "aria-label": said ? `${shows}: ${title}` : `Sample: ${title}`, onclick: async () => add([{ file: await file(), operation }]),
  }, preview(), said && h("span", {}, shows)));
}

/** A field that files are dropped on, and that opens the browser's dialog for files. */
export function dropZone({ add, words, multiple = false, label = words }) {
  const input = h("input", {
    type: "file", accept: "image/*,.pgm,.ppm,.tif,.tiff", multiple, class: "unseen", "aria-label": label,
    onchange: () => { add(filesOf(input.files)); input.value = ""; },
  });
  const zone = h("label", { class: "drop" }, input, icon("try"), h("span", { class: "title" }, words),
    h("span", { class: "button" }, multiple ? "Choose files" : "Choose a file"));
  return droppable(zone, (event) => take(event, add));
}

/** Pastes, and drops that miss: a browser that is not told otherwise leaves the page for the picture. */
export function catchAll({ zone, add, active, signal }) {
  document.addEventListener("dragover", (event) => event.preventDefault(), { signal });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    if (active() && !event.defaultTaken && !zone?.contains(event.target)) take(event, add);
  }, { signal });
  document.addEventListener("paste", (event) => active() && paste(event, add), { signal });
}

function take(event, add) {
  event.preventDefault();
  event.defaultTaken = true;
  const files = filesOf(event.dataTransfer.files);
  const url = event.dataTransfer.getData("text/uri-list").split("\n")[0].trim();
  if (files.length > 0) add(files);
  else if (isAddress(url)) add([{ url }]);
  else complain("There is no picture in what was dropped.");
}

function paste(event, add) {
  const files = filesOf(event.clipboardData.files);
  if (files.length > 0) {
    event.preventDefault();
    add(files);
    return;
  }
  const text = event.clipboardData.getData("text/plain").trim();
  if (!event.target.closest?.("input, textarea") && isAddress(text)) add([{ url: text }]);
}

function filesOf(list) {
  return [...list].map((file) => ({ file }));
}

function isAddress(text) {
  return URL.canParse(text) && ["http:", "https:"].includes(new URL(text).protocol);
}

/** An address at which the page shows a file, given up when `signal` aborts. */
export function shownAt(file, signal) {
  const address = URL.createObjectURL(file);
  signal.addEventListener("abort", () => URL.revokeObjectURL(address));
  return address;
}

