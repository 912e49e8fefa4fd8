// Parts of one whole as a bar with their numbers beside it: where time went, how many are in which state.

import { h, fill } from "/ui/core/dom.js";
import { number } from "/ui/core/format.js";

/**
 * A stacked bar. `parts`: `[{ name, value, tone, href? }]`; those of value 0 are left out. Gives `{ element, show(parts, total?) }`,
 * where the bar is full at `total`, the sum of all unless told.
 */
export function segments({ label, format = number }) {
  const track = h("div", { class: "track", role: "img" });
  const legend = h("ul", { class: "legend" });
  return {
    element: h("div", { class: "segments" }, track, legend),
    show(parts, total) {
      const filled = parts.filter((part) => part.value > 0);
      const sum = Math.max(total ?? 0, filled.reduce((all, part) => all + part.value, 0));
      const words = filled.map(({ name, value }) => `${name} ${format(value)}`);
      track.setAttribute("aria-label", `${label}: ${words.join(", ") || "nothing yet"}`);
      fill(track, filled.map(({ name, value, tone }, index) => h("span", { class: tone, title: words[index], style: { width: `${(value / sum) * 100}%` } })));
      fill(legend, filled.map(({ name, value, tone, href }) => h("li", { class: tone }, href ? h("a", { href }, name) : name, " ", h("strong", {}, format(value)))));
    },
  };
}
