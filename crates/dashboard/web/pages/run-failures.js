// Why images of a run failed, with some of each kind.

import { h, fill, keyed, write } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { number, sentence, words } from "/ui/core/format.js";
import { preview } from "/ui/parts/picture.js";

/** Images shown of each reason. */
const SHOWN = 6;

/** How long the images of a reason are left as they are while more fail, in milliseconds. */
const PATIENCE = 3000;

/** The card of failures; hidden while there are none. */
export function failuresCard(signal) {
  const list = h("ul", { class: "reasons" });
  const element = h("section", { class: "card", hidden: true }, h("h2", {}, "Failures by reason"), list);
  return {
    element,
    show(run) {
      const reasons = Object.entries(run.failures).filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a);
      element.hidden = reasons.length === 0;
      const most = Math.max(1, ...reasons.map(([, count]) => count));
      keyed(list, reasons, { key: ([kind]) => kind, make: (reason) => makeReason(run, reason, most, signal), update: (item, reason) => item.tell(reason, most) });
    },
  };
}

function makeReason(run, reason, most, signal) {
  const [kind] = reason;
  const count = h("span", { class: "value" });
  const full = h("span", { class: "bad" });
  const some = h("ul", { class: "failed-images" });
  const all = `#/jobs?run=${run.id}&state=failed&failure=${kind}`;
  const item = h("li", {}, h("header", {}, h("h3", {}, sentence(words(kind))), h("span", { class: "bar bad" }, full), count, h("a", { href: all }, "Show all")), some);
  let asked = -Infinity;
  let has = 0;
  item.tell = ([, value], top) => {
    write(count, number(value));
    full.style.width = `${(value / top) * 100}%`;
    if ((has >= Math.min(SHOWN, value) && has > 0) || Date.now() - asked < PATIENCE) return;
    asked = Date.now();
    examples(run, kind, signal).then((jobs) => { has = jobs.length; fill(some, jobs.map(oneImage)); }, () => { has = 0; });
  };
  item.tell(reason, most);
  return item;
}

async function examples(run, failure, signal) {
  return (await api.get("/v1/jobs", { run: run.id, state: "failed", failure, limit: SHOWN }, { signal })).jobs;
}

function oneImage(job) {
  return h("li", {}, h("a", { href: `#/jobs/${job.id}` }, preview(job, { size: 80, width: 44, height: 44, alt: "" }),
    h("span", {}, h("strong", { class: "cut", title: job.name }, job.name ?? job.id), h("span", { class: "quiet cut", title: job.failure?.message }, job.failure?.message ?? ""))));
}
