// Keys of programs: all of them for administrators, the caller's own on the page of their account.

import { h } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { clock } from "/ui/core/clock.js";
import { ago } from "/ui/core/format.js";
import { session } from "/ui/core/session.js";
import { action, confirm } from "/ui/parts/dialog.js";
import { complain, nothing, tell } from "/ui/parts/notice.js";
import { table } from "/ui/parts/table.js";
import { askKey, showSecret } from "/ui/pages/users-forms.js";

/**
 * The table and the button to make one. `whose` is `*` for everybody's keys, nothing for the caller's own; `users()` gives those
 * who may have keys.
 */
export function keysSection({ whose, users, signal }) {
  let shown = [];
  const keys = table({
    caption: "Keys", store: "keys", key: (key) => key.id, columns: columns(Boolean(whose), () => refresh()),
    empty: () => nothing(shown.length ? "Every key is revoked or has ended." : "There are no keys.", "A key lets a program in without a password, and can be revoked alone."),
  });
  keys.element.classList.add("as-cards");
  const old = h("input", { type: "checkbox", onchange: () => draw() });
  const draw = () => keys.show(shown.filter((key) => old.checked || works(key)));
  async function refresh() {
    shown = (await api.get("/v1/keys", { user: whose }, { signal })).keys;
    draw();
  }
  const make = action("Make a key", { class: "primary" }, async () => askKey(users ? await users() : [], session.me.name, async (wish) => {
    const made = await api.post("/v1/keys", wish);
    await refresh();
    showSecret(made);
  }));
  const element = h("div", { class: "pile" },
    h("div", { class: "head" }, h("h2", {}, "Keys"), h("div", { class: "row" }, h("label", { class: "row" }, old, "Ended ones, too"), make)), keys.element);
  return { element, refresh: () => refresh().catch((problem) => signal.aborted || complain(problem)) };
}

function works({ revoked_at: revoked, expires_at: ends }) {
  return !revoked && (!ends || Date.parse(ends) > clock.now());
}

function columns(everybody, refresh) {
  return [
    { name: "name", title: "For", class: "file short", sort: (key) => key.name, cell: (key) => h("strong", { class: "clamp", title: key.name }, key.name) },
    everybody && { name: "user", title: "Whose", sort: (key) => key.user, cell: (key) => h("span", { class: "clamp", title: key.user }, key.user) },
    { name: "prefix", title: "Begins with", cell: (key) => h("code", {}, key.prefix) },
    { name: "state", title: "State", cell: state },
    { name: "made", title: "Made", class: "nowrap", sort: (key) => key.created_at, cell: (key) => ago(key.created_at) },
    { name: "used", title: "Last used", class: "nowrap", sort: (key) => key.last_used_at, cell: (key) => (key.last_used_at ? ago(key.last_used_at) : h("span", { class: "quiet" }, "never")) },
    { name: "ends", title: "Ends", class: "nowrap", sort: (key) => key.expires_at, cell: (key) => (key.expires_at ? ago(key.expires_at) : h("span", { class: "quiet" }, "never")) },
    { name: "do", title: "Actions", class: "do", cell: (key) => works(key) && h("span", { class: "row" },
      action("Revoke", { class: "small danger", "aria-label": `Revoke ${key.name}` }, () => revoke(key, refresh))) },
  ].filter(Boolean);
}

function state(key) {
  if (key.revoked_at) return h("span", { class: "badge bad" }, "revoked");
  return works(key) ? h("span", { class: "badge good" }, "works") : h("span", { class: "badge quiet" }, "ended");
}

async function revoke(key, refresh) {
  if (!await confirm({ title: `Revoke the key ${key.name}?`, text: "Programs that use it are refused from now on. This cannot be undone.", action: "Revoke", danger: true })) return;
  await api.delete(`/v1/keys/${key.id}`);
  tell(`The key ${key.name} is revoked.`);
  await refresh();
}
