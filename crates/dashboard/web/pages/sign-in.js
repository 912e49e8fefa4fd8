// Signing in, here and wherever a page needs a role that nobody has shown yet.

import { h } from "/ui/core/dom.js";
import { session } from "/ui/core/session.js";
import { go } from "/ui/core/router.js";

/** The page; `needs` is the role that another page asks for, which is shown once someone has it. */
export async function page({ needs } = {}) {
  const wrong = h("p", { class: "wrong", role: "alert", hidden: true });
  const name = h("input", { name: "username", autocomplete: "username", required: true, autofocus: true });
  const password = h("input", { name: "password", type: "password", autocomplete: "current-password", required: true });
  const send = h("button", { class: "primary", type: "submit" }, "Sign in");
  const submit = async (event) => {
    event.preventDefault();
    send.disabled = true;
    const problem = await session.signIn(name.value, password.value);
    send.disabled = false;
    wrong.hidden = !problem;
    wrong.textContent = problem ?? "";
    if (problem) password.select();
    else if (!needs) go("/");
  };
  return h("div", { class: "page narrow" },
    h("h1", {}, "Sign in"),
    needs && h("p", {}, why(needs)),
    h("form", { class: "card form", onsubmit: submit },
      h("label", {}, "Name", name), h("label", {}, "Password", password), wrong, h("div", { class: "actions" }, send)),
    h("p", { class: "quiet" }, "The first start of the server printed the password of ", h("code", {}, "admin"), ". A new one is set with ", h("code", {}, "darkroom users passwd admin"), "."));
}

function why(needs) {
  if (session.ended) return "Your session has ended. Sign in again, and the page that you were on comes back.";
  return needs === "user" ? "This server shows itself to those who sign in." : `This page needs the role ${needs}.`;
}
