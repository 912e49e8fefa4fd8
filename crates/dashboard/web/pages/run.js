// One run, live: how far it is, what failed and why, samples, what it has gathered.

import { h, drawer, write } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { follow } from "/ui/core/live.js";
import { ago, bytes, duration, keepAges, number, words } from "/ui/core/format.js";
import { FINAL, badge, setBadge } from "/ui/parts/badge.js";
import { bars } from "/ui/parts/chart.js";
import { rawJson } from "/ui/parts/results.js";
import { segments } from "/ui/parts/segments.js";
import { runActions, downloads } from "/ui/pages/run-actions.js";
import { aggregatesCard } from "/ui/pages/run-aggregates.js";
import { failuresCard } from "/ui/pages/run-failures.js";
import { mapCard } from "/ui/pages/run-map.js";
import { samplesCard } from "/ui/pages/run-samples.js";
import { sentence } from "/ui/pages/try-field.js";

/** How often, in milliseconds, and how many times a run that has ended is asked for while images of it still are worked on. */
const [SETTLING, SETTLES] = [1500, 20];

export async function page({ params: { id }, signal, setTitle }) {
  const address = `/v1/runs/${encodeURIComponent(id)}`;
  let run = await api.get(address, {}, { signal });
  setTitle(run.name);
  const state = badge(run.state);
  const place = { actions: h("div", { class: "actions" }), stop: h("div"), skipped: h("section", { class: "card" }), about: h("section", { class: "card" }) };
  const parts = [progressCard(), failuresCard(signal), samplesCard(id, signal), aggregatesCard(address, signal), mapCard(address, signal)];
  const [progress, failures, samples, aggregates, map] = parts;
  const raw = rawJson(() => run);
  const draw = drawer(place);
  const show = (next) => {
    run = next;
    setBadge(state, run.state);
    draw("actions", [run.state, run.counts.failed > 0], () => runActions(run, address, again));
    draw("stop", [run.state, run.stop, run.damage], () => stopNote(run));
    draw("skipped", run.skipped, () => skippedView(run.skipped));
    place.skipped.hidden = Object.keys(run.skipped).length === 0;
    draw("about", [run.started_at, run.finished_at, run.bytes], () => about(run));
    for (const part of parts) part.show(run);
    raw.show();
  };
  let following = new AbortController();
  const again = (next) => {
    show(next);
    following.abort();
    following = new AbortController();
    if (signal.aborted) return;
    signal.addEventListener("abort", () => following.abort());
    if (FINAL.has(next.state)) return settle(following.signal);
    follow(`${address}/events`, { signal: following.signal, event: (_, data) => {
      show(data);
      if (!FINAL.has(data.state)) return true;
      settle(following.signal);
      return false;
    } });
  };
  // A run that was cancelled, or has failed, ends before the images that were being worked on.
  const settle = async (ended) => {
    for (let left = SETTLES; left > 0 && run.counts.running > 0; left -= 1) {
      await new Promise((resolve) => setTimeout(resolve, SETTLING));
      if (ended.aborted) return;
      show(await api.get(address, {}, { signal: ended }).catch(() => run));
    }
  };
  again(run);
  const root = h("div", { class: "page run" },
    h("header", { class: "head" }, h("div", {}, h("p", { class: "trail" }, h("a", { href: "#/runs" }, "Runs")), h("h1", {}, run.name, " ", state), h("p", { class: "quiet" }, h("code", {}, run.id))), place.actions),
    place.stop, progress.element, failures.element, aggregates.element, map.element, samples.element,
    h("div", { class: "split" }, h("div", { class: "pile" }, downloads(run, address), place.skipped), place.about), raw.element);
  keepAges(root, signal);
  return root;
}

/** How far the run is, in numbers that are written over, so that nothing jumps. */
function progressCard() {
  const bar = segments({ label: "Images by state" });
  const figures = ["Images", "A second", "Time left", "Took", "Remembered", "Bytes"].map((name) => ({ name, value: h("dd"), row: null }));
  const list = h("dl", { class: "run-figures" }, figures.map((figure) => { figure.row = h("div", {}, h("dt", {}, figure.name), figure.value); return figure.row; }));
  return {
    element: h("section", { class: "card", "aria-label": "Progress" }, list, bar.element),
    show(run) {
      const { counts, total } = run;
      const done = counts.succeeded + counts.failed + counts.cancelled;
      const values = {
        Images: `${number(done)} of ${number(total)}${run.complete || FINAL.has(run.state) ? "" : " so far"}`,
        "A second": run.rate && run.state !== "paused" ? number(Number(run.rate < 10 ? run.rate.toPrecision(2) : run.rate.toFixed(0))) : null,
        "Time left": run.time_left ? duration(Math.ceil(run.time_left)) : null,
        Took: run.started_at && run.finished_at ? duration(run.worked) : null,
        Remembered: run.cached ? `${number(run.cached)} from earlier work` : null, Bytes: bytes(run.bytes),
      };
      for (const { name, value, row } of figures) { row.hidden = values[name] === null; write(value, values[name] ?? ""); }
      const jobs = (one) => `#/jobs?run=${run.id}&state=${one}`;
      bar.show([["succeeded", "good"], ["failed", "bad"], ["running", "busy"], ["queued", "waiting"], ["scheduled", "waiting"], ["held", "held"], ["cancelled", "quiet"]]
        .map(([name, tone]) => ({ name, tone, value: counts[name] ?? 0, href: jobs(name) })), total);
    },
  };
}

const REASONS = {
  asked: "Resume it when you like; nothing is lost.",
  disk_full: "Make room on the disk of the server, then resume it.",
  source_unavailable: "See that the source can be reached again, then resume it. It goes on where it was.",
  storage_unavailable: "See that the storage answers again, then resume it.",
  source_failed: "The source is not what it was said to be. Mend it and start a new run; what came before is kept.",
  too_many_failures: "More images failed than the run allows. Look at the failures below; retrying the failed ones lets it go on.",
};

const STOPPED = { paused: "Paused", failed: "Failed", cancelled: "Cancelled" };

/** Why the run does not go on, and what to do. */
function stopNote({ state, stop, damage }) {
  const ended = state === "succeeded" || state === "running" || state === "enumerating";
  return [
    stop && !ended && h("div", { class: ["card", state === "failed" ? "problem" : "note"], role: "status" },
      h("h2", {}, stop.kind === "asked" ? STOPPED[state] : `${STOPPED[state]}: ${words(stop.kind)}`), h("p", {}, stop.message), h("p", { class: "quiet" }, state === "cancelled" ? "What has been done is kept. A new run begins from the start." : REASONS[stop.kind] ?? "")),
    damage && h("div", { class: "card note", role: "status" }, h("h2", {}, "The archive is damaged"), h("p", {}, damage), h("p", { class: "quiet" }, "What came before was worked on.")),
  ];
}

function skippedView(skipped) {
  const items = Object.entries(skipped).sort(([, a], [, b]) => b - a).map(([reason, value]) => ({ label: sentence(words(reason)), value, tone: "quiet" }));
  return [h("h2", {}, "Passed over"), h("p", { class: "quiet" }, "What the source held besides images."), bars(items)];
}

function about(run) {
  const rows = [
    ["Source", sourceText(run.source)], ["Operations", h("ul", { class: "operation-list" }, run.operations.map(({ op, ...parameters }) => h("li", {}, h("strong", {}, op), " ", h("span", { class: "quiet" }, Object.entries(parameters).filter(([, value]) => value !== null).map(([name, value]) => `${words(name)} ${value}`).join(", ")))))],
    ["Failed images", onErrorText(run.on_error)], ["Owner", run.owner], ["Queue", run.queue],
    ["Made", ago(run.created_at)], ["Begun", ago(run.started_at)], ["Ended", ago(run.finished_at)],
  ];
  return [h("h2", {}, "About"), h("dl", { class: "facts" }, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]))];
}

/** A source as the run has it, in words. */
function sourceText(source) {
  if (source.kind === "folder") return `Folder ${source.path}${source.depth === "flat" ? ", without folders below" : ""}`;
  if (source.kind === "urls") return `${number(source.urls?.length ?? source.count)} addresses`;
  if (source.kind === "prefix") return source.prefix ? `Stored images whose address begins with ${source.prefix}` : "All stored images";
  const at = source.at ?? {};
  return `Archive ${typeof at === "string" ? "that was uploaded" : at.url ?? at.file ?? JSON.stringify(at)}`;
}

function onErrorText(rule) {
  if (rule?.stop_after !== undefined) return `The run stops after ${number(rule.stop_after)}`;
  if (rule?.stop_at_percent !== undefined) return `The run stops at ${rule.stop_at_percent} percent`;
  return "They are counted, and the run goes on";
}
