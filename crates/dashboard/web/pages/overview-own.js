// The overview of those who see their own jobs only.

import { h } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { ago, keepAges } from "/ui/core/format.js";
import { session } from "/ui/core/session.js";
import { FINAL, badge } from "/ui/parts/badge.js";
import { nothing } from "/ui/parts/notice.js";
import { table } from "/ui/parts/table.js";
import { file } from "/ui/pages/dead-columns.js";
import { welcome } from "/ui/pages/overview.js";

/** How many jobs are shown. */
const LATEST = 12;

/** How often they are asked for while one of them is unfinished, in milliseconds: counts are told to operators only. */
const FLOOR = 3000;

export async function own({ signal }) {
  const jobs = table({
    caption: "Your latest jobs", key: (job) => job.id, href: (job) => `#/jobs/${job.id}`, columns: COLUMNS,
    empty: () => nothing("You have no jobs yet.", h("a", { href: "#/try" }, "Try it"), " with one image, or ", h("a", { href: "#/runs/new" }, "start a run"), " over many."),
  });
  jobs.element.classList.add("as-cards");
  let unfinished = true;
  const show = async () => {
    const { jobs: list } = await api.get("/v1/jobs", { limit: LATEST }, { signal });
    unfinished = list.some((job) => !FINAL.has(job.state));
    jobs.show(list);
  };
  await show();
  const again = () => document.hidden || show().catch(() => {});
  const timer = setInterval(() => unfinished && again(), FLOOR);
  document.addEventListener("visibilitychange", again, { signal });
  signal.addEventListener("abort", () => clearInterval(timer));
  const root = h("div", { class: "page" }, h("header", { class: "head" }, h("div", {}, h("h1", {}, "Overview"), h("p", { class: "quiet" }, `What ${session.me.name} has sent.`))),
    welcome(), h("div", { class: "head" }, h("h2", {}, "Your latest jobs"), h("a", { href: "#/jobs" }, "All of them")), jobs.element);
  keepAges(root, signal);
  return root;
}

const COLUMNS = [
  { name: "name", title: "File", class: "file", cell: file },
  { name: "state", title: "State", cell: (job) => badge(job.state) },
  { name: "operations", title: "Operations", cell: (job) => job.operations.map(({ op }) => op).join(", ") },
  { name: "at", title: "Submitted", cell: (job) => ago(job.created_at) },
];
