// What is asked for in dialogs: a new user, a new password, a new key.

import { h } from "/ui/core/dom.js";
import { form, open } from "/ui/parts/dialog.js";
import { copyButton, copyField } from "/ui/parts/copy.js";

export const ROLES = [
  { role: "user", means: "their own jobs" },
  { role: "operator", means: "everybody's jobs, and the queues" },
  { role: "admin", means: "users, keys and settings, too" },
];

/** Letters and digits of a password that is made here: about 119 bits. */
const PASSWORD_LETTERS = 20;

const DAY = 86_400;

const LIVES = [["", "For ever"], [30 * DAY, "30 days"], [90 * DAY, "90 days"], [365 * DAY, "A year"]];

/** Asks for a new user; `send({ name, password, role })` makes them. */
export function askUser(send) {
  const name = h("input", { required: true, pattern: "[A-Za-z0-9_.@+\\-]{1,64}", maxlength: 64, autocomplete: "off", autofocus: true, title: "1 to 64 letters, digits and _ . @ + -" });
  const password = passwordField();
  const role = h("select", {}, ROLES.map(({ role: value, means }) => h("option", { value }, `${value}: ${means}`)));
  form("Add a user", "Add", [h("label", {}, "Name", name), password.element, h("label", {}, "Role", role)],
    () => send({ name: name.value, password: password.value(), role: role.value }));
}

/** Asks for a new password of somebody. */
export function askPassword(name, send) {
  const password = passwordField();
  form(`New password for ${name}`, "Set it", [password.element, h("p", { class: "quiet" }, "Their tokens end; keys stay.")], () => send(password.value()));
}

/** Asks for a new key; `send({ name, user, expires_in })` makes it. `users` are those whose it may be. */
export function askKey(users, me, send) {
  const name = h("input", { required: true, maxlength: 100, autocomplete: "off", autofocus: true, placeholder: "camera-import" });
  const user = h("select", {}, users.map((one) => h("option", { value: one.name, selected: one.name === me }, one.name)));
  const life = h("select", {}, LIVES.map(([value, text]) => h("option", { value }, text)));
  form("Make a key", "Make it", [h("label", {}, "What it is for", name), users.length > 1 && h("label", {}, "Whose it is", user), h("label", {}, "How long it works", life)],
    () => send({ name: name.value, user: users.length > 1 ? user.value : undefined, expires_in: life.value ? Number(life.value) : undefined }));
}

/** Shows the secret of a new key, which nobody can ask for again. */
export function showSecret({ name, key }) {
  const done = h("button", { class: "primary", onclick: () => dialog.close() }, "I have it");
  const dialog = open(`The key ${name}`, [
    h("p", {}, "Copy it now. It is shown this once and kept nowhere."), copyField("The key", key),
    h("p", { class: "quiet" }, "Send it as the header ", h("code", {}, "Authorization: Bearer …"), " of each request."), h("div", { class: "actions" }, done)]);
}

/** A password that is seen while it is typed, since it is told to somebody else, with a button that makes one. */
function passwordField() {
  const field = h("input", { id: "new-password", class: "code", required: true, minlength: 8, maxlength: 256, autocomplete: "off", spellcheck: "false" });
  const make = h("button", { type: "button", class: "small", onclick: () => { field.value = randomPassword(); } }, "Make one");
  const copy = copyButton(() => field.value, { chosen: () => field.select() });
  return { element: h("div", { class: "field" }, h("label", { for: field.id }, "Password"), h("div", { class: "copy" }, field, make, copy)), value: () => field.value };
}

function randomPassword() {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  // Bytes from 248 on are thrown away, so that every letter is as likely as another.
  const bytes = [...crypto.getRandomValues(new Uint8Array(PASSWORD_LETTERS * 3))].filter((byte) => byte < 4 * letters.length);
  return bytes.slice(0, PASSWORD_LETTERS).map((byte) => letters[byte % letters.length]).join("");
}
