// A text to be taken along, with a button that takes it.

import { h, write } from "/ui/core/dom.js";
import { icon } from "/ui/parts/icons.js";
import { tell } from "/ui/parts/notice.js";

/** How long the button says that it is done, in milliseconds. */
const SAYS = 2000;

/** A field with `text`, which cannot be changed, and a button that copies it. */
export function copyField(label, text) {
  const field = h("input", { class: "code", readonly: true, value: text, "aria-label": label, onfocus: () => field.select() });
  return h("div", { class: "copy" }, field, copyButton(text, { chosen: () => field.focus() }));
}

/** The button alone; `text` may be a function that gives it. Where the browser forbids copying (plain HTTP from afar), `chosen` is to select the text. */
export function copyButton(text, { label = "Copy", chosen } = {}) {
  const word = h("span", {}, label);
  return h("button", { type: "button", class: "small", onclick: async () => {
    try {
      await navigator.clipboard.writeText(typeof text === "function" ? text() : text);
      write(word, "Copied");
      setTimeout(() => write(word, label), SAYS);
    } catch {
      chosen?.();
      tell("This browser does not copy here. Press Ctrl and C.");
    }
  } }, icon("copy"), word);
}
