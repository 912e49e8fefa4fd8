// Users and keys, for administrators.

import { h } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { keepAges } from "/ui/core/format.js";
import { keysSection } from "/ui/pages/users-keys.js";
import { usersSection } from "/ui/pages/users-list.js";

export async function page({ signal }) {
  const names = async () => (await api.get("/v1/users", {}, { signal })).users;
  const keys = keysSection({ whose: "*", users: names, signal });
  const users = usersSection({ list: names, changed: () => keys.refresh() });
  await Promise.all([users.refresh(), keys.refresh()]);
  const root = h("div", { class: "page" },
    h("header", { class: "head" }, h("div", {}, h("h1", {}, "Users and keys"),
      h("p", { class: "quiet" }, "People sign in with a password. Programs send a key as ", h("code", {}, "Authorization: Bearer …"), "."))),
    users.element, keys.element);
  keepAges(root, signal);
  return root;
}
