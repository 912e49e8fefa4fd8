// Everything at a glance: what there is, what was, what does it.

import { fill, h, write } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { live } from "/ui/core/live.js";
import { session } from "/ui/core/session.js";
import { ago, keepAges, number } from "/ui/core/format.js";
import { icon } from "/ui/parts/icons.js";
import { now } from "/ui/pages/overview-now.js";
import { past } from "/ui/pages/overview-past.js";
import { tiles } from "/ui/pages/overview-tiles.js";

export async function page({ query, signal, setQuery }) {
  if (!session.may("operator")) return (await import("/ui/pages/overview-own.js")).own({ signal });
  const parts = [tiles(), past({ span: query.span, setQuery, signal }), now({ signal })];
  const [summary, invitation, begin] = [h("p", { class: "quiet" }), welcome(), beginnings()];
  const show = (stats) => {
    const untouched = Object.values(stats.jobs).every((count) => count === 0);
    summarize(summary, stats, untouched);
    invitation.hidden = !untouched;
    begin.hidden = untouched;
    for (const part of parts) part.show(stats, { untouched });
  };
  show(live.stats ?? await api.get("/v1/stats", {}, { signal }));
  live.listen(show, signal);
  const root = h("div", { class: "page" },
    h("header", { class: "head" }, h("div", {}, h("h1", {}, "Overview"), summary), begin),
    invitation, parts.map((part) => part.element));
  keepAges(root, signal);
  return root;
}

function beginnings() {
  return h("div", { class: "actions" }, h("a", { class: "button", href: "#/runs/new" }, icon("runs"), "Start a run"),
    h("a", { class: "button primary", href: "#/try" }, icon("try"), "Try it"));
}

/** How fast it goes, and what waits longest. */
function summarize(element, { jobs, finished_per_minute: rate, oldest_queued: oldest }, untouched) {
  const speed = `${number(Number(rate.toFixed(rate < 10 ? 1 : 0)))} jobs a minute`;
  if (!oldest) {
    write(element, untouched ? "Nothing has been done here yet. Begin with one image, or with many." : `${speed}. ${jobs.held ? "What waits is held." : "Nothing waits."}`);
    element.oldest = null;
  } else if (element.oldest === oldest) {
    write(element.firstChild, speed);
  } else {
    element.oldest = oldest;
    fill(element, h("span", {}, speed), ". The oldest waiting job: ", h("a", { href: "#/jobs?state=queued&order=oldest" }, ago(oldest)), ".");
  }
}

/** What a newcomer may begin with. */
export function welcome() {
  return h("section", { class: "welcome", "aria-label": "How to begin" },
    begin("try", "Try it with one image", "Drop, paste or pick an image and see at once what becomes of it: a thumbnail, labels with scores, faces, a digit that you draw. There are samples, too.", "#/try", "Try it"),
    begin("runs", "Work through many images", "A folder of this computer or of the server, an archive, or a list of addresses: with live progress, failures by reason, and results to download.", "#/runs/new", "Start a run"));
}

function begin(name, title, text, href, label) {
  return h("div", { class: "card begin" }, h("span", { class: "sign" }, icon(name)), h("h2", {}, title), h("p", { class: "quiet" }, text),
    h("p", {}, h("a", { class: "button primary", href }, label)));
}
