// A button that folds out a small menu, which closes by itself when the reader goes elsewhere.

import { h } from "/ui/core/dom.js";

/** A menu under a button. `label` is what the button says, `content` what folds out. */
export function dropdown(label, content) {
  const element = h("details", { class: "dropdown" }, h("summary", { class: "button" }, label), h("div", { class: "menu" }, content));
  const outside = (event) => { if (!element.contains(event.target)) element.open = false; };
  const escape = (event) => {
    if (event.key !== "Escape") return;
    element.open = false;
    element.firstElementChild.focus();
  };
  element.addEventListener("toggle", () => {
    const change = element.open ? "addEventListener" : "removeEventListener";
    document[change]("pointerdown", outside);
    document[change]("focusin", outside);
    element[change]("keydown", escape);
  });
  return element;
}
