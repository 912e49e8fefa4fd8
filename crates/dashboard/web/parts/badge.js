// The state of a job or a run as a word with a colour; the word alone says it too.

import { h } from "/ui/core/dom.js";
import { words } from "/ui/core/format.js";

const TONES = {
  succeeded: "good", open: "good", running: "busy", enumerating: "busy", queued: "waiting", scheduled: "waiting",
  held: "held", paused: "held", failed: "bad", cancelled: "quiet", lost: "bad", failed_transiently: "bad", interrupted: "quiet",
};

/** The states from which a job or a run moves only when a person moves it. */
export const FINAL = new Set(["succeeded", "failed", "cancelled"]);

/** A state as a badge. */
export function badge(state) {
  return h("span", { class: ["badge", TONES[state] ?? "quiet"] }, words(state));
}

/** Changes a badge to another state; one that shows it already is left alone. */
export function setBadge(element, state) {
  if (element.textContent === words(state)) return;
  element.className = `badge ${TONES[state] ?? "quiet"}`;
  element.textContent = words(state);
}
