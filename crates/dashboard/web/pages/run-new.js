// Starting a run: which images, what is done to each, what failures mean.

import { h, fill, write } from "/ui/core/dom.js";
import { api, upload } from "/ui/core/api.js";
import { go } from "/ui/core/router.js";
import { bytes, duration } from "/ui/core/format.js";
import { icon } from "/ui/parts/icons.js";
import { tell } from "/ui/parts/notice.js";
import { labelled } from "/ui/parts/field.js";
import { sourceForm } from "/ui/pages/run-new-source.js";
import { rulesForm } from "/ui/pages/run-new-rules.js";
import { codeCard } from "/ui/parts/code.js";
import { operations } from "/ui/parts/operations.js";

/** Characters of a run's name, as the server takes them. */
const MAX_NAME = 200;

/** From here on a speed is worth telling, in seconds. */
const TELLING = 1;

export async function page({ query, signal, setQuery }) {
  const [{ operations: catalogue }, { models }] = await Promise.all([
    api.get("/v1/operations", {}, { signal }), api.get("/v1/models", {}, { signal }).catch(() => ({ models: [] }))]);
  const wrong = h("p", { class: "wrong", role: "alert", hidden: true });
  const name = h("input", { type: "text", maxlength: MAX_NAME, autocomplete: "off", oninput: () => changed() });
  const code = codeCard();
  const source = sourceForm({ query, changed: () => changed() });
  const work = operations({ catalogue, models, query: { op: "thumbnail", ...query }, changed: () => changed() });
  const rules = rulesForm(() => changed());
  const sending = h("div", { class: "card sending", hidden: true });
  const ready = h("p", { class: "quiet", role: "status" });
  const start = h("button", { class: "primary", type: "submit" }, icon("play"), "Start the run");

  function asked() {
    const { source: from, archive } = source.read();
    const chosen = work.read();
    if (!chosen) throw new RangeError("One of the parameters cannot be.");
    if (chosen.length === 0) throw new RangeError("Choose at least one operation.");
    return { archive, body: { name: name.value.trim() || source.name()?.slice(0, MAX_NAME) || undefined, source: from, operations: chosen, ...rules.read() } };
  }

  function changed() {
    wrong.hidden = true;
    ready.hidden = false;
    name.placeholder = source.name() || "As you like";
    setQuery({ source: source.kind(), ...work.query() });
    try {
      const { body, archive } = asked();
      const json = JSON.parse(JSON.stringify(body));
      code.show(archive ? { path: "/v1/runs", fields: { run: json }, files: { archive: archive.name } } : { path: "/v1/runs", json });
      code.element.hidden = false;
      write(ready, `Ready: ${work.chosen().join(", ").toLowerCase()} of ${source.said()}.`);
    } catch (problem) {
      code.element.hidden = true;
      write(ready, problem.message);
    }
  }

  async function submit(event) {
    event.preventDefault();
    start.disabled = true;
    try {
      const { body, archive } = asked();
      const run = archive ? await send(body, archive, { sending, signal }) : await api.post("/v1/runs", body, { signal });
      tell(`The run ${run.name} has begun.`);
      go(`/runs/${run.id}`);
    } catch (problem) {
      if (problem.name === "AbortError") { if (!signal.aborted) tell("The upload was ended. Nothing was begun."); return; }
      [wrong.hidden, ready.hidden] = [false, true];
      write(wrong, problem.message);
    } finally {
      start.disabled = false;
      sending.hidden = true;
    }
  }

  const root = h("div", { class: "page run-new" },
    h("header", { class: "head" }, h("div", {}, h("p", { class: "trail" }, h("a", { href: "#/runs" }, "Runs")), h("h1", {}, "Start a run"), h("p", { class: "quiet" }, "A run does the same to many images. It survives any crash, and sums up what comes of them."))),
    h("form", { class: "steps", novalidate: true, onsubmit: submit }, source.element, work.element,
      h("section", { class: "card", "aria-label": "The run" }, h("h2", {}, "The run"), h("div", { class: "fields" }, labelled("Name", name), rules.fields), rules.more),
      sending, h("div", { class: "card start" }, h("div", {}, ready, wrong), start)), code.element);
  changed();
  return root;
}

/** Sends an archive along with the run, tells how far it is, and lets the reader end it. */
async function send(body, archive, { sending, signal }) {
  const ended = new AbortController();
  signal.addEventListener("abort", () => ended.abort());
  const begun = performance.now();
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Upload" });
  const line = h("p", { role: "status" }, "Sending…");
  fill(sending, h("h2", {}, `Sending ${archive.name}`), bar, line, h("div", { class: "actions" }, h("button", { type: "button", onclick: () => ended.abort() }, "Cancel the upload")));
  sending.hidden = false;
  sending.scrollIntoView({ block: "nearest" });
  const form = new FormData();
  form.append("run", new Blob([JSON.stringify(body)], { type: "application/json" }));
  form.append("archive", archive.blob, archive.name);
  return upload("/v1/runs", form, { signal: ended.signal, progress: (sent, total) => {
    bar.value = total ? sent / total : 0;
    const seconds = (performance.now() - begun) / 1000;
    const speed = sent / seconds;
    const soon = seconds < TELLING || sent === 0 ? "" : `, ${bytes(speed)} a second, ${duration(Math.ceil((total - sent) / speed))} left`;
    write(line, sent >= total ? "The server keeps it…" : `${bytes(sent)} of ${bytes(total)}${soon}`);
  } });
}
