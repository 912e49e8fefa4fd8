// Who is here, and with what token. The token lies in this browser's storage and goes into the header of each request;
// nothing is sent by the browser on its own, so that no other site can act in the user's name.

import { clock } from "/ui/core/clock.js";

const KEY = "darkroom.token";
const ROLES = ["user", "operator", "admin"];

class Session extends EventTarget {
  /** `{name, role, signed_in}`, or null while nobody is let in. */
  me = null;

  /** Whether somebody was signed in whose token has ended. */
  ended = false;

  get token() {
    return localStorage.getItem(KEY);
  }

  /** Whether the caller has this role or a higher one. */
  may(role) {
    return this.me !== null && ROLES.indexOf(this.me.role) >= ROLES.indexOf(role);
  }

  /** What goes into the header of each request. */
  headers() {
    return this.token ? { authorization: `Bearer ${this.token}` } : {};
  }

  /** Asks the server who is here. A token that opens nothing any more is forgotten. */
  async look() {
    const answer = await this.#ask();
    if (answer?.status === 401 && this.token) {
      localStorage.removeItem(KEY);
      return this.look();
    }
    this.#is(answer?.ok ? await answer.json() : null);
    return this.me;
  }

  async #ask() {
    const answer = await fetch("/v1/me", { headers: this.headers() }).catch(() => null);
    clock.heard(answer?.headers.get("date"));
    return answer;
  }

  /** Signs in; a sentence if that fails. */
  async signIn(username, password) {
    const body = new URLSearchParams({ grant_type: "password", username, password });
    const answer = await fetch("/token", { method: "POST", body }).catch(() => null);
    if (!answer) return "The server does not answer.";
    if (!answer.ok) return signInProblem(answer);
    this.ended = false;
    localStorage.setItem(KEY, (await answer.json()).access_token);
    await this.look();
    return null;
  }

  /** Signs out, here and at the server. */
  async signOut() {
    await fetch("/v1/tokens/revoke", { method: "POST", headers: this.headers() }).catch(() => null);
    localStorage.removeItem(KEY);
    await this.look();
  }

  /** The server has refused the token: it has expired, or was revoked. */
  expired() {
    if (!this.token && this.me === null) return;
    this.ended = this.token !== null;
    localStorage.removeItem(KEY);
    this.#is(null);
  }

  #is(me) {
    this.me = me;
    this.dispatchEvent(new Event("change"));
  }
}

function signInProblem(answer) {
  if (answer.status === 401) return "The name or the password is wrong.";
  if (answer.status === 429) {
    const seconds = answer.headers.get("retry-after");
    return `Too many attempts. Try again ${seconds ? `in ${seconds} s` : "later"}.`;
  }
  return `The server answers ${answer.status}.`;
}

export const session = new Session();

// Signing in or out in one tab does so in all.
addEventListener("storage", (event) => event.key === KEY && session.look());
