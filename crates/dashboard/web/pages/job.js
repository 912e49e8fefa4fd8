// One job: its image beside what came of it, and its history.

import { h, drawer } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { go } from "/ui/core/router.js";
import { follow } from "/ui/core/live.js";
import { session } from "/ui/core/session.js";
import { ago, bytes, keepAges, marked, number, sentence, words } from "/ui/core/format.js";
import { FINAL, badge, setBadge } from "/ui/parts/badge.js";
import { action, confirm } from "/ui/parts/dialog.js";
import { icon } from "/ui/parts/icons.js";
import { nothing, tell } from "/ui/parts/notice.js";
import { operationList } from "/ui/parts/operation.js";
import { picture, preview } from "/ui/parts/picture.js";
import { artifactList, rawJson, resultView } from "/ui/parts/results.js";
import { attemptsView } from "/ui/pages/job-attempts.js";

/** An original up to this size is shown itself, where browsers can; of larger ones a preview, in bytes. */
const MAX_SHOWN = 4 << 20;

/** The box of the preview, in pixels. */
const PREVIEW = 640;

const SHOWN_BY_BROWSERS = new Set(["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/bmp"]);

export async function page({ params: { id }, signal, setTitle }) {
  const address = `/v1/jobs/${encodeURIComponent(id)}`;
  let job = await api.get(address, {}, { signal });
  setTitle(job.name ?? "Job");
  const state = badge(job.state);
  const parts = {
    actions: h("div", { class: "actions" }), trouble: h("div"), results: h("section", { class: "card" }),
    facts: h("section", { class: "card" }), attempts: h("section", { class: "card" }),
  };
  const raw = rawJson(() => job);
  // With little to show the column on the right has room.
  const short = job.results.length < 2 && !job.results.some(({ operation }) => operation === "faces");
  const root = h("div", { class: "page job" },
    h("header", { class: "head" }, h("div", {}, h("p", { class: "trail" }, h("a", { href: "#/jobs" }, "Jobs")),
      h("h1", {}, h("span", { class: "named", title: job.name }, job.name ?? "Image without a name"), " ", state), h("p", { class: "quiet" }, h("code", {}, job.id))), parts.actions),
    parts.trouble, h("div", { class: "split" }, h("div", { class: "pile" }, inputCard(job), parts.attempts, !short && parts.facts),
      h("div", { class: "pile" }, parts.results, short && parts.facts)), raw.element);
  const draw = drawer(parts);
  const show = (next) => {
    job = next;
    setBadge(state, job.state);
    draw("actions", [job.state, job.cancel_requested], () => actions(job, address, again));
    draw("trouble", [job.state, job.failure, job.run_at, job.cancel_requested, job.queue], () => trouble(job));
    draw("results", [job.state, job.results], () => results(job));
    draw("facts", [job.state, job.started_at, job.finished_at, job.run_at], () => facts(job));
    draw("attempts", [job.state, job.attempts, job.started_at], () => attemptsView(job));
    raw.show();
  };
  let following = new AbortController();
  const again = (next) => {
    show(next);
    following.abort();
    following = new AbortController();
    signal.addEventListener("abort", () => following.abort());
    if (!FINAL.has(next.state)) follow(`${address}/events`, { signal: following.signal, event: (_, data) => { show(data); return !FINAL.has(data.state); } });
  };
  again(job);
  keepAges(root, signal);
  return root;
}

function actions(job, address, again) {
  const ended = FINAL.has(job.state);
  const post = (verb, done) => async () => { again(await api.post(`${address}/${verb}`)); tell(done); };
  const remove = async () => {
    if (!(await confirm({ title: "Delete this job?", text: "Its image, its results and its files go with it. This cannot be undone.", action: "Delete", danger: true }))) return;
    await api.delete(address);
    tell("The job is deleted.");
    go("/jobs");
  };
  return [
    ["failed", "cancelled", "scheduled"].includes(job.state) && action([icon("retry"), job.state === "scheduled" ? "Run now" : "Retry"], { class: "primary" }, post("retry", "The job is queued again.")),
    !ended && !job.cancel_requested && action([icon("close"), "Cancel"], {}, post("cancel", "The job is cancelled.")),
    job.state !== "running" && !job.run && action([icon("trash"), "Delete"], { class: "danger" }, remove),
  ];
}

/** Why the job is not done, and what would help. */
function trouble(job) {
  if (job.state === "held") return note(`The queue ${job.queue} is paused. `, session.may("operator") ? [h("a", { href: "#/queues" }, "Resume it"), " and the job goes on."] : "An operator can resume it.");
  if (job.state === "scheduled" && job.failure) return note(`${sentence(words(job.failure.kind))}: ${job.failure.message}. Another attempt comes `, ago(job.run_at), ".");
  if (job.state === "scheduled") return note("It begins ", ago(job.run_at), ".");
  if (job.state === "running" && job.cancel_requested) return note("It has been told to stop; its worker looks soon.");
  if (job.state !== "failed" || !job.failure) return null;
  return h("div", { class: "card problem", role: "status" }, h("h2", {}, sentence(words(job.failure.kind))), h("p", {}, marked(sentence(job.failure.message))), h("p", { class: "quiet" }, ADVICE[job.failure.kind]?.() ?? ""));
}

const note = (...text) => h("p", { class: "card note", role: "status" }, h("span", {}, text));

const models = () => h("a", { href: "#/models" }, "the page of models");

const ADVICE = {
  undecodable: () => "The file is damaged or no image. A retry gives the same; send it again whole.",
  unsupported: () => "The image is sound, but this operation does not take it. A retry gives the same.",
  limit_exceeded: () => "The image is larger than the limits of the server allow. An admin sees them under Settings.",
  timed_out: () => "It took longer than a job may. A retry may pass when less is going on.",
  input_missing: () => "The image is not in the storage any more, or the file that it was is gone.",
  input_changed: () => "The file was changed after the run had read it. A new run takes it as it is now.",
  storage_unavailable: () => "The storage did not answer. Retry once it does.",
  model_missing: () => ["Install the model, then retry. What is installed is on ", models(), "."],
  model_failed: () => ["The model could not be used, or gave up on this image. How it stands is on ", models(), "."],
  crashed: () => "The worker died on it each time. The server's log says more.",
};

const ORIGINS = { v1: "the API", v2: "the protocol of Open Inference", run: "a run", cli: "the command line" };

function inputCard(job) {
  const { id, name, input } = job;
  const address = `/v1/jobs/${id}`;
  const itself = SHOWN_BY_BROWSERS.has(input.media_type) && input.bytes <= MAX_SHOWN;
  const alt = `The input${name ? ` ${name}` : ""}, which cannot be shown`;
  const image = itself ? picture(`${address}/artifacts/original`, { alt, class: "input-picture checker" }) : preview(job, { size: PREVIEW, alt, class: "input-picture checker" });
  image.addEventListener("error", () => image.classList.add("missing"));
  return h("section", { class: "card" }, h("h2", {}, "Input"), image,
    h("p", { class: "quiet" }, [input.media_type, bytes(input.bytes)].join(" · ")),
    artifactList([{ name: name ?? "original", url: `${address}/artifacts/original`, bytes: input.bytes }]));
}

function results(job) {
  if (job.results.length > 0) return [h("h2", {}, job.results.length === 1 ? "Result" : "Results"), job.results.map((result) => resultView(job.id, result))];
  const why = {
    failed: "The job failed. What went wrong stands above, and with each attempt.", cancelled: "The job was cancelled before it was done.",
    running: "A worker is on it. The result appears here by itself.",
  };
  return [h("h2", {}, "Result"), nothing(FINAL.has(job.state) ? "There is no result." : "Not done yet.", why[job.state] ?? "The job waits for its turn. The result appears here by itself.")];
}

function facts(job) {
  const remembered = job.results.filter((result) => result.cached).length;
  const rows = [
    ["Operations", operationList(job.operations)],
    ["Submitted", ago(job.created_at)], ["Begun", ago(job.started_at)], ["Ended", ago(job.finished_at)],
    ["Owner", h("a", { href: `#/jobs?owner=${encodeURIComponent(job.owner)}` }, job.owner)],
    ["Queue", job.queue], ["Came through", ORIGINS[job.origin] ?? job.origin], ["Priority", number(job.priority)],
    job.run && ["Run", [h("a", { href: `#/runs/${job.run}` }, "Open the run"), job.path && `, as ${job.path}`]],
    remembered > 0 && ["Remembered", `${number(remembered)} of ${number(job.results.length)} results, from an earlier job with the same image`],
    ["Image", h("code", { class: "digest", title: "The SHA-256 of its bytes, which is its address" }, job.input.blob)],
  ];
  return [h("h2", {}, "About"), h("dl", { class: "facts" }, rows.filter(Boolean).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]))];
}
