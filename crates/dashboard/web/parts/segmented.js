// A choice of few, all in sight. Radio buttons below, so that arrow keys and screen readers know it.

import { h } from "/ui/core/dom.js";
import { icon } from "/ui/parts/icons.js";

let made = 0;

/**
 * A choice. `options`: `[{ value, text, icon? }]`; `value` is the one that is chosen at first, `change(value)` is told of
 * another. With `icons: "only"` the texts are read out, not shown.
 */
export function segmented({ label, options, value, change, icons }) {
  const name = `choice-${made += 1}`;
  return h("fieldset", { class: "segmented" }, h("legend", { class: "unseen" }, label), options.map((option) => h("label", { title: icons ? option.text : undefined },
    h("input", { type: "radio", class: "unseen", name, value: option.value, checked: option.value === value, onchange: () => change(option.value) }),
    option.icon && icon(option.icon), h("span", { class: icons && "unseen" }, option.text))));
}
