// Questions before what cannot be taken back. The browser's own dialog element keeps the focus inside and closes on Escape.

import { h } from "/ui/core/dom.js";
import { complain } from "/ui/parts/notice.js";

/**
 * Asks whether to do something. Resolves to true or false. `danger` colours the button.
 */
export function confirm({ title, text, action, danger = false }) {
  return new Promise((resolve) => {
    const yes = h("button", { class: danger ? "danger" : "primary", onclick: () => { resolve(true); dialog.close(); } }, action);
    const no = h("button", { autofocus: true, onclick: () => dialog.close() }, "Not now");
    const dialog = open(title, [h("p", {}, text), h("div", { class: "actions" }, no, yes)]);
    dialog.addEventListener("close", () => resolve(false));
  });
}

/** Opens a dialog with any content; it is gone once it closes. */
export function open(title, content) {
  const dialog = h("dialog", { "aria-label": title }, h("h2", {}, title), content);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** A button that does something that takes a while: it is off meanwhile, and says what went wrong. */
export function action(label, props, work) {
  const button = h("button", {
    ...props,
    onclick: async () => {
      button.disabled = true;
      button.setAttribute("aria-busy", "true");
      try {
        await work();
      } catch (problem) {
        complain(problem);
      } finally {
        button.disabled = false;
        button.removeAttribute("aria-busy");
      }
    },
  }, label);
  return button;
}
