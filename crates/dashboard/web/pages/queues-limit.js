// What is asked for to limit a queue.

import { h } from "/ui/core/dom.js";
import { number } from "/ui/core/format.js";
import { form } from "/ui/parts/dialog.js";

/** The highest limit that the server takes. */
const MOST = 100_000;

/** Asks how many jobs of a queue may run at a time; `send(max)` sets that, null for any number. */
export function askLimit(queue, send) {
  const max = h("input", { type: "number", required: true, min: 1, max: MOST, step: 1, inputmode: "numeric", value: queue.max_running ?? "", "aria-describedby": "limit-means" });
  const choice = (value, title, more) => h("label", { class: "row" },
    h("input", { type: "radio", name: "limit", value, checked: (value === "some") === Boolean(queue.max_running), onchange: settle }), h("span", {}, title), more);
  const some = choice("some", "At most", max);
  const any = choice("any", "Any number");
  // Whoever writes a number means it.
  max.addEventListener("input", () => { some.querySelector("[type=radio]").checked = true; settle(); });
  function settle() {
    max.required = some.querySelector("[type=radio]").checked;
    if (!max.required) max.value = "";
  }
  max.required = Boolean(queue.max_running);
  form(`How many jobs of ${queue.name} run at a time?`, "Set the limit",
    [h("fieldset", { class: "pile choices" }, h("legend", { class: "unseen" }, "Jobs at a time"), any, some), h("p", { class: "quiet", id: "limit-means" }, means(queue))],
    () => send(max.required ? Number(max.value) : null));
}

function means({ jobs: { running } }) {
  return `${running ? `${number(running)} ${running === 1 ? "runs" : "run"} now. ` : ""}Those that run go on to their end, even above the limit. To let none start, pause the queue.`;
}
