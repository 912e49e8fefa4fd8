// The title of the page, with how many jobs wait or run: a tab in the background tells it, too.

import { number } from "/ui/core/format.js";

let [name, unfinished] = ["", 0];

export const title = {
  /** Names the page. */
  is(text) {
    name = text;
    draw();
  },

  /** How many jobs wait or run. */
  count(jobs) {
    unfinished = jobs;
    draw();
  },
};

function draw() {
  const text = `${unfinished ? `(${number(unfinished)}) ` : ""}${name} · Darkroom`;
  if (document.title !== text) document.title = text;
}
