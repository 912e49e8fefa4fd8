// Jobs by state. Each number leads to the jobs that it counts.

import { h, write } from "/ui/core/dom.js";
import { number } from "/ui/core/format.js";

const TILES = [
  { state: "queued", text: "Waiting", tone: "waiting" },
  { state: "running", text: "Running", tone: "busy" },
  { state: "scheduled", text: "Scheduled", tone: "waiting" },
  { state: "held", text: "Held", tone: "held" },
  { state: "succeeded", text: "Succeeded", tone: "good" },
  { state: "failed", text: "Failed", tone: "bad" },
  { state: "cancelled", text: "Cancelled", tone: "quiet" },
];

export function tiles() {
  const counts = TILES.map(() => h("span", { class: "count" }, "0"));
  const list = TILES.map(({ state, text, tone }, index) => h("li", {}, h("a", { class: ["tile", tone], href: `#/jobs?state=${state}` },
    h("span", { class: "name" }, text), counts[index])));
  const element = h("ul", { class: "tiles", "aria-label": "Jobs by state" }, list);
  return {
    element,
    show: ({ jobs }, { untouched }) => {
      element.hidden = untouched;
      for (const [index, { state }] of TILES.entries()) {
        write(counts[index], number(jobs[state]));
        counts[index].classList.toggle("none", !jobs[state]);
      }
    },
  };
}
