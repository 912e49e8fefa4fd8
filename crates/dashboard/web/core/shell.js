// What surrounds every page: the menu, who is here, how the line to the server stands.

import { h, fill, write } from "/ui/core/dom.js";
import { clock } from "/ui/core/clock.js";
import { live } from "/ui/core/live.js";
import { session } from "/ui/core/session.js";
import { brief, duration, number } from "/ui/core/format.js";
import { themeSwitch } from "/ui/core/theme.js";
import { title } from "/ui/core/title.js";
import { icon } from "/ui/parts/icons.js";
import { notices } from "/ui/parts/notice.js";

const CONNECTION = { open: "Live", lost: "Reconnecting…", idle: "" };

/** Puts the shell into `app` and gives the element that pages go into. */
export function shell(app, routes) {
  const main = h("main", { id: "main", tabindex: "-1" });
  const nav = h("nav", { "aria-label": "Pages", id: "menu" });
  const top = topBar(nav);
  const warning = h("div", { class: "clock-warning", role: "status", hidden: true });
  fill(app, top, h("div", { class: "frame" }, nav, h("div", { class: "content" }, warning, main)), notices());
  const menu = () => drawMenu(nav, routes);
  menu();
  session.addEventListener("change", () => { menu(); title.count(0); live.start(); });
  addEventListener("page", (event) => { mark(nav, event.detail); closeMenu(); });
  addEventListener("clock", () => warnOfClock(warning));
  warnOfClock(warning);
  live.addEventListener("stats", () => counts(nav, live.stats));
  live.start();
  return main;
}

function topBar() {
  const button = h("button", {
    class: "menu-button", "aria-controls": "menu", "aria-expanded": "false", "aria-label": "Menu",
    onclick: () => (document.body.classList.contains("menu-open") ? closeMenu() : openMenu()),
  }, icon("menu"));
  const line = h("span", { class: "connection", role: "status" });
  const drawLine = () => {
    line.dataset.state = live.connection;
    write(line, CONNECTION[live.connection]);
  };
  live.addEventListener("connection", drawLine);
  drawLine();
  const who = h("div", { class: "who" });
  const drawWho = () => fill(who, person());
  session.addEventListener("change", drawWho);
  drawWho();
  addEventListener("keydown", (event) => event.key === "Escape" && closeMenu());
  addEventListener("pointerdown", (event) => event.target.closest?.("#menu, .menu-button") || closeMenu());
  return h("header", { class: "top" }, button,
    h("a", { class: "brand", href: "#/" }, icon("brand"), h("span", {}, "Darkroom")),
    h("span", { class: "spring" }), line, who);
}

function person() {
  if (!session.me) return h("a", { class: "button", href: "#/sign-in" }, "Sign in");
  if (!session.me.signed_in) {
    return [h("span", { class: "role", title: `Whoever reaches this server from here has the role ${session.me.role} without signing in.` }, `Not signed in · ${session.me.role}`), h("a", { class: "button small", href: "#/sign-in" }, "Sign in")];
  }
  return [h("a", { href: "#/account", class: "name" }, session.me.name), h("span", { class: "role" }, session.me.role)];
}

function openMenu() {
  document.body.classList.add("menu-open");
  document.querySelector(".menu-button").setAttribute("aria-expanded", "true");
  document.querySelector("#menu a")?.focus();
}

function closeMenu() {
  document.body.classList.remove("menu-open");
  document.querySelector(".menu-button")?.setAttribute("aria-expanded", "false");
}

function drawMenu(nav, routes) {
  const shown = routes.filter((route) => route.menu && (!route.role || session.may(route.role) || !session.me?.signed_in));
  const groups = Map.groupBy(shown, (route) => route.menu);
  fill(nav, [...groups].map(([name, pages]) => h("section", {},
    h("h2", {}, name),
    h("ul", {}, pages.map((route) => h("li", {}, h("a", { href: `#${route.path}`, dataset: { path: route.path } },
      icon(route.icon), h("span", {}, route.title), h("span", { class: "count", hidden: true }))))))),
    h("div", { class: "foot" }, themeSwitch(), h("a", { href: "/docs" }, "API documentation")));
  if (live.stats) counts(nav, live.stats);
}

function mark(nav, route) {
  for (const link of nav.querySelectorAll("a[data-path]")) {
    if (link.dataset.path === (route.under ?? route.path)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/** How many jobs wait or run, and how many have failed, beside the names of their pages; what is unfinished in the title, too. */
function counts(nav, { jobs }) {
  title.count(jobs.queued + jobs.running);
  const shown = { "/jobs": jobs.queued + jobs.running, "/dead": jobs.failed };
  for (const [path, count] of Object.entries(shown)) {
    const badge = nav.querySelector(`a[data-path="${path}"] .count`);
    if (!badge) continue;
    badge.hidden = count === 0;
    write(badge, brief(count));
    badge.title = number(count);
  }
}

function warnOfClock(warning) {
  const apart = clock.offset();
  warning.hidden = Math.abs(apart) < 60_000;
  const which = apart > 0 ? "behind" : "ahead of";
  write(warning, `The clock of this computer is ${duration(Math.abs(apart) / 1000)} ${which} the server's. Times are shown as the server has them.`);
}
