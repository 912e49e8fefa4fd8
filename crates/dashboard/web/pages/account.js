// The caller's own account: who they are, a new password, signing out.

import { h } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { session } from "/ui/core/session.js";
import { go } from "/ui/core/router.js";
import { action } from "/ui/parts/dialog.js";
import { complain, tell } from "/ui/parts/notice.js";
import { keysSection } from "/ui/pages/users-keys.js";

export async function page({ signal }) {
  if (!session.me?.signed_in) return (await import("/ui/pages/sign-in.js")).page();
  const { name, role } = session.me;
  const keys = keysSection({ signal });
  await keys.refresh();
  return h("div", { class: "page account" },
    h("header", { class: "head" }, h("div", {}, h("h1", {}, name), h("p", { class: "quiet" }, `Role: ${role}`)),
      action("Sign out", { title: "Ends the token of this browser" }, async () => { await session.signOut(); go("/"); })),
    keys.element, passwordForm());
}

function passwordForm() {
  const current = h("input", { type: "password", autocomplete: "current-password", required: true });
  const next = h("input", { type: "password", autocomplete: "new-password", required: true, minlength: 8 });
  const submit = async (event) => {
    event.preventDefault();
    try {
      await api.post("/v1/me/password", { current: current.value, new: next.value });
      tell("The password is changed. Sign in with the new one.");
      await session.signOut();
      go("/sign-in");
    } catch (problem) {
      complain(problem);
    }
  };
  return h("form", { class: "card form", onsubmit: submit }, h("h2", {}, "Change the password"),
    h("p", { class: "quiet" }, "Every token of yours ends, here and elsewhere."),
    h("label", {}, "Present password", current), h("label", {}, "New password", next),
    h("div", { class: "actions" }, h("button", { class: "primary", type: "submit" }, "Change the password")));
}
