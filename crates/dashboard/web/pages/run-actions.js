// What can be done with a run, and what can be taken from it.

import { h } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { go } from "/ui/core/router.js";
import { number } from "/ui/core/format.js";
import { action, confirm } from "/ui/parts/dialog.js";
import { icon } from "/ui/parts/icons.js";
import { tell } from "/ui/parts/notice.js";
import { download } from "/ui/parts/picture.js";
import { givesFiles, saveFiles } from "/ui/pages/run-files.js";

const GOING = ["enumerating", "running"];

/** The buttons that fit the state of a run; `again(run)` is told how it stands afterwards. */
export function runActions(run, address, again) {
  const post = (verb, said) => async () => { again(await api.post(`${address}/${verb}`)); tell(said); };
  const asked = (question, work) => async () => { if (await confirm(question)) await work(); };
  const ended = !GOING.includes(run.state) && run.state !== "paused";
  const fine = run.counts.failed === 0;
  return [
    ended && run.counts.succeeded > 0 && givesFiles(run) && action([icon("download"), "Save the files"], { class: fine ? "primary" : "" }, () => saveFiles(address, `${stemOf(run)}.tar`)),
    GOING.includes(run.state) && action([icon("pause"), "Pause"], {}, post("pause", "The run is paused; what was running ends.")),
    run.state === "paused" && action([icon("play"), "Resume"], { class: "primary" }, post("resume", "The run goes on.")),
    run.counts.failed > 0 && run.state !== "cancelled" && action([icon("retry"), "Retry failed"], { class: ended ? "primary" : "" }, post("retry-failed", `${number(run.counts.failed)} failed images are queued again.`)),
    ended && run.state !== "cancelled" && action([icon("retry"), "Redo all"], {}, asked({
      title: "Redo the whole run?", text: `What its ${number(run.total)} images gave is taken back, and each is queued once more. Remembered results are not worked out again.`, action: "Redo all",
    }, post("redo", "Every image is queued once more."))),
    !ended && action([icon("close"), "Cancel"], { class: "danger" }, asked({
      title: "Cancel this run?", text: "What waits is cancelled; what has been done is kept. A cancelled run does not go on.", action: "Cancel the run", danger: true,
    }, post("cancel", "The run is cancelled."))),
    ended && action([icon("trash"), "Delete"], { class: "danger" }, asked({
      title: "Delete this run?", text: `Its ${number(run.total)} images and their results go with it. This cannot be undone.`, action: "Delete the run", danger: true,
    }, async () => { await api.delete(address); tell("The run is deleted."); go("/runs"); })),
  ];
}

/** What files of a run are called. */
function stemOf({ name }) {
  return name.replaceAll(/[^A-Za-z0-9._-]+/g, "-").replaceAll(/^-+|-+$/g, "").slice(0, 60) || "run";
}

/** The card with everything that can be saved. */
export function downloads(run, address) {
  const stem = stemOf(run);
  const faces = run.operations.some(({ op }) => op === "faces");
  const means = run.aggregates.map((spec, which) => ({ ...spec, which })).filter(({ kind }) => kind !== "counts");
  const files = [
    ["Results as JSON lines", "results", `${stem}.jsonl`], ["Results as a table (CSV)", "results?format=csv", `${stem}.csv`],
    ["Results as Parquet", "results?format=parquet", `${stem}.parquet`], ["What was gathered (JSON)", "aggregate", `${stem}-aggregate.json`],
    ...means.map(({ which, kind }) => [`${kind === "mean" ? "Mean" : "Mean of folders"} (npy)`, `aggregate?format=npy&which=${which}`, `${stem}-${kind.replaceAll("_", "-")}.npy`]),
    faces && ["Embeddings (npy)", "embeddings", `${stem}-embeddings.npy`], faces && ["Whose embedding each row is", "embeddings?format=jsonl", `${stem}-embeddings.jsonl`],
    ["Report (HTML)", "report", `${stem}.html`],
  ];
  return h("section", { class: "card" }, h("h2", {}, "Downloads"),
    h("div", { class: "row" }, givesFiles(run) && action([icon("download"), "Files of the images (tar)"], { class: "small" }, () => saveFiles(address, `${stem}.tar`)), files.filter(Boolean).map(([title, path, name]) => action([icon("download"), title], { class: "small" }, () => download(`${address}/${path}`, name)))));
}
