// The files that a run's images gave, such as thumbnails, packed by the browser into one archive.

import { h, write } from "/ui/core/dom.js";
import { ask } from "/ui/core/api.js";
import { number } from "/ui/core/format.js";
import { open } from "/ui/parts/dialog.js";
import { complain, tell } from "/ui/parts/notice.js";
import { save } from "/ui/parts/picture.js";
import { tar } from "/ui/parts/tar.js";
import { lines } from "/ui/pages/run-rows.js";

/** Files of one archive, and their bytes, at most: a browser holds them until they are saved. */
const [MAX_FILES, MAX_BYTES] = [20_000, 1 << 30];

/** Files asked for at once. */
const AT_ONCE = 4;

/** Whether images of a run have files at all, by its operations. */
export function givesFiles({ operations }) {
  return operations.some(({ op, crops, tensors }) => op === "thumbnail" || (op === "faces" && crops && crops !== "none") || tensors === "npy");
}

/** Packs and saves the files of the images that have been done, with a dialog that shows how far it is and can be left. */
export async function saveFiles(address, name) {
  const ended = new AbortController();
  const line = h("p", { role: "status" }, "Reading what there is…");
  const dialog = open("Saving the files", [h("progress", { "aria-label": "Progress" }), line, h("div", { class: "actions" }, h("button", { onclick: () => dialog.close() }, "Stop"))]);
  dialog.addEventListener("close", () => ended.abort());
  try {
    const { files, cut } = await listed(address, ended.signal);
    if (files.length === 0) return tell("No image has given a file yet.");
    const bar = dialog.querySelector("progress");
    bar.max = files.length;
    await fetched(files, ended.signal, (done) => {
      bar.value = done;
      write(line, `${number(done)} of ${number(files.length)} files`);
    });
    save(tar(files), name);
    if (cut) tell(`These are the first ${number(files.length)} files. The results name all of them.`);
  } catch (problem) {
    if (!ended.signal.aborted) complain(problem);
  } finally {
    dialog.close();
  }
}

async function listed(address, signal) {
  const [files, taken] = [[], new Set()];
  let sum = 0;
  const reading = new AbortController();
  const response = await ask(`${address}/results`, { signal: AbortSignal.any([signal, reading.signal]) });
  for await (const line of lines(response.body)) {
    const { path, results = [] } = JSON.parse(line);
    for (const artifact of results.flatMap((result) => result.artifacts ?? [])) {
      sum += artifact.bytes;
      if (files.length >= MAX_FILES || sum > MAX_BYTES) {
        reading.abort();
        return { files, cut: true };
      }
      files.push({ path: placeOf(path, artifact.name, taken), url: artifact.url });
    }
  }
  return { files, cut: false };
}

/** `sea/boat.png` and `thumbnail.jpg` are `sea/boat-thumbnail.jpg`; the whole name where two would be the same. Nothing leads out of the archive. */
function placeOf(path, artifact, taken) {
  const steps = path.split("/").filter((step) => step && step !== "." && step !== "..");
  const whole = `${steps.join("/") || "image"}-${artifact}`;
  const short = `${(steps.join("/") || "image").replace(/\.[^./]+$/, "")}-${artifact}`;
  const place = taken.has(short) ? whole : short;
  taken.add(place);
  return place;
}

async function fetched(files, signal, told) {
  let [next, done] = [0, 0];
  const work = async () => {
    while (next < files.length) {
      const file = files[next];
      next += 1;
      file.file = await (await ask(file.url, { signal })).blob();
      told(done += 1);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}
