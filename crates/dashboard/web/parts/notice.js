// What the page says besides its content: notices that pass, problems, and that there is nothing.

import { h } from "/ui/core/dom.js";
import { live } from "/ui/core/live.js";

/** How long a notice stays, in milliseconds; a problem stays until it is put away. */
const STAYS = 5000;

/** Notices at once; older ones make room. */
const MAX_NOTICES = 4;

/** How often it is looked whether the server is back, in milliseconds. */
const LOOKS = 3000;

const list = h("div", { class: "notices", role: "status", "aria-live": "polite" });

/** Where notices appear: once in the page. */
export function notices() {
  return list;
}

/** Says that something is done. */
export function tell(text) {
  const element = show(text, "good");
  setTimeout(() => element.remove(), STAYS);
}

/** Says what went wrong; a Problem, or words. What the caller ended on purpose is no news. */
export function complain(problem) {
  if (problem?.name === "AbortError") return;
  show(typeof problem === "string" ? problem : problem.message, "bad");
}

function show(text, kind) {
  const close = h("button", { class: "plain", "aria-label": "Put away", onclick: () => element.remove() }, "×");
  const element = h("div", { class: ["notice", kind] }, h("span", {}, text), close);
  while (list.children.length >= MAX_NOTICES) list.firstElementChild.remove();
  list.append(element);
  return element;
}

/** A card in place of content that could not be had. Where the server did not answer, `again` is called once it does. */
export function problemCard(problem, again) {
  const away = problem.status === 0 && again;
  const card = h("div", { class: "card problem", role: "alert" },
    h("h2", {}, problem.status === 404 ? "There is no such thing" : problem.title || (problem.status === 0 ? "The server is away" : "This did not work")),
    h("p", {}, problem.message, away && " This page comes back by itself once it does."),
    problem.requestId && h("p", { class: "quiet" }, "Request ", h("code", {}, problem.requestId)),
    again && h("button", { onclick: again }, "Try again"));
  if (away) whenBack(card, again);
  return card;
}

/** Calls `again` once the line to the server stands, as long as the card is shown. */
function whenBack(card, again) {
  const timer = setInterval(() => {
    if (card.isConnected && live.connection === "lost") return;
    clearInterval(timer);
    if (card.isConnected) again();
  }, LOOKS);
}

/** Where there is nothing to show: what would be here, and how it comes. */
export function nothing(title, ...more) {
  return h("div", { class: "nothing" }, h("p", { class: "title" }, title), more.length > 0 && h("p", {}, more));
}

/** Grey lines in place of what is on its way. */
export function loading(lines = 5) {
  return h("div", { class: "loading", "aria-label": "Loading", role: "status" },
    Array.from({ length: lines }, () => h("div", { class: "line" })));
}
