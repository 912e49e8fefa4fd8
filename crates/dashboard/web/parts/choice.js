// A choice of few, all in sight. Radio buttons below, so that arrow keys and screen readers know it.

import { h } from "/ui/core/dom.js";
import { icon } from "/ui/parts/icons.js";

let made = 0;

/**
 * A choice, drawn as one bar. `options`: `[{ value, text, icon? }]`; `value` is the one that is chosen at first, `change(value)` is
 * told of another. With `icons: "only"` the texts are read out, not shown.
 */
export function segmented({ label, options, value, change, icons }) {
  return choice("segmented", { label, options, value, change }, (option, radio) => h("label", { title: icons ? option.text : undefined },
    unseen(radio), option.icon && icon(option.icon), h("span", { class: icons && "unseen" }, option.text)));
}

/** The same, drawn as chips that wrap where there is little room. */
export function chips({ label, options, value, change }) {
  return choice("chips", { label, options, value, change }, (option, radio) => chip(radio, option.text));
}

/** One chip around a box or a radio button. */
export function chip(box, text) {
  return h("label", { class: "chip" }, box, text);
}

function unseen(element) {
  element.classList.add("unseen");
  return element;
}

function choice(look, { label, options, value, change }, draw) {
  const name = `choice-${made += 1}`;
  const one = (option) => draw(option, h("input", { type: "radio", name, value: option.value, checked: option.value === value, onchange: () => change(option.value) }));
  return h("fieldset", { class: look }, h("legend", { class: "unseen" }, label), options.map(one));
}
