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

/** A dialog with a form: `label` is what its button says. It stays open, and says so, when `send` fails. */
export function form(title, label, fields, send) {
  const wrong = h("p", { class: "wrong", role: "alert", hidden: true });
  const submit = h("button", { class: "primary", type: "submit" }, label);
  const element = h("form", { class: "form pile", onsubmit: async (event) => {
    event.preventDefault();
    submit.disabled = true;
    try {
      await send();
      dialog.close();
    } catch (problem) {
      wrong.hidden = false;
      wrong.textContent = problem.message;
    } finally {
      submit.disabled = false;
    }
  } }, fields, wrong, h("div", { class: "actions" }, h("button", { type: "button", onclick: () => dialog.close() }, "Not now"), submit));
  const dialog = open(title, element);
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
