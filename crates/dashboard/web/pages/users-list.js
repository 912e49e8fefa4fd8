// The users: who may do what.

import { h } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { ago } from "/ui/core/format.js";
import { session } from "/ui/core/session.js";
import { action, confirm } from "/ui/parts/dialog.js";
import { complain, nothing, tell } from "/ui/parts/notice.js";
import { table } from "/ui/parts/table.js";
import { askPassword, askUser, ROLES } from "/ui/pages/users-forms.js";

/** The table and the button to add one; `list()` gives the users, `changed()` is told when keys may have changed, too. */
export function usersSection({ list, changed }) {
  const users = table({
    caption: "Users", store: "users", key: (user) => user.name, columns: columns({ refresh: () => refresh(), changed }),
    empty: () => nothing("There are no users.", "While nobody can sign in, the server is open to this computer only."),
  });
  users.element.classList.add("as-cards");
  async function refresh() {
    users.show(await list());
  }
  const add = h("button", { class: "primary", onclick: () => askUser(async (user) => {
    await api.post("/v1/users", user);
    tell(`${user.name} is added.`);
    await refresh();
  }) }, "Add a user");
  return { element: h("div", { class: "pile" }, h("div", { class: "head" }, h("h2", {}, "Users"), add), users.element), refresh };
}

function columns(page) {
  return [
    { name: "name", title: "Name", class: "file short", sort: (user) => user.name, cell: (user) => h("span", { class: "clamp", title: user.name }, h("strong", {}, user.name), user.name === session.me.name && " (you)") },
    { name: "role", title: "Role", sort: (user) => ROLES.findIndex(({ role }) => role === user.role), cell: (user) => roleChoice(user, page) },
    { name: "state", title: "State", sort: (user) => user.disabled_at, cell: (user) => (user.disabled_at ? h("span", { class: "badge bad" }, "disabled") : h("span", { class: "badge good" }, "active")) },
    { name: "made", title: "Made", class: "nowrap", sort: (user) => user.created_at, cell: (user) => ago(user.created_at) },
    { name: "do", title: "Actions", class: "do", cell: (user) => h("span", { class: "row" },
      h("button", { class: "small", "aria-label": `New password for ${user.name}`, onclick: () => newPassword(user) }, "New password"),
      action(user.disabled_at ? "Enable" : "Disable", { class: "small", "aria-label": `${user.disabled_at ? "Enable" : "Disable"} ${user.name}` }, () => setDisabled(user, page)),
      action("Remove", { class: "small danger", "aria-label": `Remove ${user.name}` }, () => remove(user, page))) },
  ];
}

function roleChoice(user, { refresh }) {
  const select = h("select", { "aria-label": `Role of ${user.name}`, onchange: async () => {
    const role = select.value;
    try {
      if (user.name !== session.me.name || await confirm({ title: "Change your own role?", text: `You keep this page only as an administrator. As ${role} you cannot take this back.`, action: "Change it", danger: true })) {
        await api.post(path(user), { role });
        tell(`${user.name} has the role ${role} now.`);
        if (user.name === session.me.name) await session.look();
      } else {
        select.value = user.role;
      }
    } catch (problem) {
      select.value = user.role;
      complain(problem);
    }
    if (session.may("admin")) await refresh().catch(complain);
  } }, ROLES.map(({ role, means }) => h("option", { value: role, selected: role === user.role, title: means }, role)));
  return select;
}

async function setDisabled(user, { refresh }) {
  const disabled = !user.disabled_at;
  if (disabled && !await confirm({ title: `Disable ${user.name}?`, text: "They cannot sign in, and their tokens and keys open nothing. Their jobs stay.", action: "Disable", danger: true })) return;
  await api.post(path(user), { disabled });
  tell(`${user.name} is ${disabled ? "disabled" : "active again"}.`);
  await refresh();
}

function newPassword(user) {
  askPassword(user.name, async (password) => {
    await api.post(path(user), { password });
    tell(`${user.name} has a new password. Their tokens have ended.`);
  });
}

async function remove(user, { refresh, changed }) {
  if (!await confirm({ title: `Remove ${user.name}?`, text: "Their keys go with them; their jobs stay. This cannot be undone.", action: "Remove", danger: true })) return;
  await api.delete(path(user));
  tell(`${user.name} is removed.`);
  await Promise.all([refresh(), changed()]);
}

function path({ name }) {
  return `/v1/users/${encodeURIComponent(name)}`;
}
