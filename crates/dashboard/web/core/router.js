// The part of the address after `#` names the page: `#/jobs?state=failed`, `#/jobs/<id>`.

import { fill, h } from "/ui/core/dom.js";
import { load } from "/ui/core/load.js";
import { session } from "/ui/core/session.js";
import { title } from "/ui/core/title.js";
import { loading, problemCard } from "/ui/parts/notice.js";

/** A page that takes longer is announced by its name and grey lines, in milliseconds. */
const SLOW = 200;

let othersLoaded = false;

/**
 * Shows the page of the address in `main`, now and whenever it changes. A page is a module with
 * `page({ params, query, signal, setQuery, setTitle })` that returns an element or a promise of one; `signal` aborts when the
 * page is left, and ends whatever it had begun.
 */
export function startRouter(main, routes) {
  let leave = new AbortController();
  const show = async () => {
    leave.abort();
    leave = new AbortController();
    const { signal } = leave;
    const { route, params, query } = place(routes);
    title.is(route.title);
    main.setAttribute("aria-busy", "true");
    dispatchEvent(new CustomEvent("page", { detail: route }));
    let content;
    const slow = setTimeout(() => fill(main, h("div", { class: "page" }, h("h1", {}, route.title), loading())), SLOW);
    try {
      if (!session.may(route.role ?? "user")) content = await refusal(route);
      else content = await (await load(route.load)).page({ params, query, signal, setQuery, setTitle: title.is });
    } catch (problem) {
      if (signal.aborted) return;
      content = h("div", { class: "page" }, problem.status === 404 ? missing(problem, route, routes) : problemCard(problem, problem.again ?? show));
    } finally {
      clearTimeout(slow);
    }
    if (signal.aborted) return;
    fill(main, content);
    main.removeAttribute("aria-busy");
    if (document.activeElement === document.body) main.focus({ preventScroll: true });
    loadOthers(routes);
  };
  addEventListener("hashchange", show);
  session.addEventListener("change", show);
  show();
}

/** Loads the modules of all pages once the first one is shown: the others come at once then, and without the server. */
function loadOthers(routes) {
  const idle = globalThis.requestIdleCallback ?? ((work) => setTimeout(work, SLOW));
  const rest = [...routes];
  const next = () => rest.shift()?.load().then(() => idle(next), () => {});
  if (!othersLoaded) idle(next);
  othersLoaded = true;
}

/** Where there is no such job, or run: the way to those that there are. */
function missing(problem, { under }, routes) {
  const list = routes.find(({ path }) => path === under) ?? routes[0];
  const card = problemCard(problem);
  card.append(h("a", { class: "button", href: `#${list.path}` }, under ? `All ${list.title.toLowerCase()}` : "To the overview"));
  return card;
}

async function refusal(route) {
  if (session.me?.signed_in) {
    return h("div", { class: "page" }, problemCard({ message: `This page needs the role ${route.role}; you are ${session.me.name}, with the role ${session.me.role}.` }));
  }
  return (await import("/ui/pages/sign-in.js")).page({ needs: route.role ?? "user" });
}

function place(routes) {
  const [path, search] = (location.hash.slice(1) || "/").split("?");
  const segments = path.split("/").filter(Boolean).map(decodeURIComponent);
  for (const route of routes) {
    const params = match(route.path.split("/").filter(Boolean), segments);
    if (params) return { route, params, query: Object.fromEntries(new URLSearchParams(search)) };
  }
  return { route: NOWHERE, params: {}, query: {} };
}

const NOWHERE = {
  title: "No such page",
  load: async () => ({ page: () => h("div", { class: "page" }, h("h1", {}, "No such page"), h("p", {}, h("a", { href: "#/" }, "To the overview"))) }),
};

function match(pattern, segments) {
  if (pattern.length !== segments.length) return null;
  const params = {};
  for (const [index, word] of pattern.entries()) {
    if (word.startsWith(":")) params[word.slice(1)] = segments[index];
    else if (word !== segments[index]) return null;
  }
  return params;
}

/** Goes to another page. */
export function go(hash) {
  location.hash = hash;
}

/** Writes the page's state into its address without going anywhere, so that it can be kept and sent. */
function setQuery(query) {
  const [path] = (location.hash.slice(1) || "/").split("?");
  const filled = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const search = new URLSearchParams(filled).toString();
  history.replaceState(null, "", `#${path}${search ? `?${search}` : ""}`);
}
