// Choosing what of this computer a run works through: a folder, some files, or one archive.

import { h, fill } from "/ui/core/dom.js";
import { bytes, number } from "/ui/core/format.js";
import { droppable } from "/ui/parts/drop.js";
import { icon } from "/ui/parts/icons.js";
import { tar } from "/ui/parts/tar.js";

/** Files that are sent at once at most; more come as an archive, or from a folder of the server. */
const MAX_FILES = 50_000;

const ARCHIVE = /\.(tar|tar\.gz|tgz|tar\.zst|tzst|zip)$/i;

/** A place to drop or choose files. `changed()` is called after each choice. Gives `{ element, archive(), said(), isArchive() }`:
 * `archive` is a blob and its name, or null; `said` says what was chosen. */
export function filesField(changed) {
  let [entries, reading] = [[], 0];
  const said = h("p", { class: "quiet", role: "status" });
  const take = (found) => {
    entries = found.slice(0, MAX_FILES);
    fill(said, words(entries, found.length > MAX_FILES));
    changed();
  };
  const input = (props) => h("input", { type: "file", class: "unseen", multiple: true, tabindex: "-1", "aria-hidden": "true", onchange: (event) => {
    if (event.target.files.length) take(listed([...event.target.files].map((file) => ({ path: file.webkitRelativePath || file.name, file }))));
  }, ...props });
  const folder = input({ webkitdirectory: true });
  const files = input({});
  const element = droppable(h("div", { class: "drop" }, icon("try"), h("p", { class: "title" }, "Drop a folder, images or an archive here"),
    h("div", { class: "row" }, h("button", { type: "button", onclick: () => folder.click() }, "Choose a folder"), h("button", { type: "button", onclick: () => files.click() }, "Choose files or an archive")), folder, files, said),
  async (event) => {
    const turn = (reading += 1);
    fill(said, "Reading the folder…");
    const found = await dropped(event.dataTransfer);
    if (turn === reading) take(listed(found));
  });
  return { element, archive: () => packed(entries), said: () => words(entries, false), isArchive: () => entries.length === 1 && ARCHIVE.test(entries[0].path) };
}

/** In the order of their paths, without what no one means: hidden files of the system. */
function listed(found) {
  return found.filter(({ path }) => !path.split("/").some((part) => part.startsWith("."))).sort((a, b) => (a.path < b.path ? -1 : 1));
}

function words(entries, cut) {
  if (entries.length === 0) return "There is no file in it.";
  const size = bytes(entries.reduce((sum, { file }) => sum + file.size, 0));
  if (entries.length === 1) return `${entries[0].path}, ${size}`;
  return `${cut ? "The first " : ""}${number(entries.length)} files, ${size}`;
}

/** One archive is sent as it is; anything else is packed while it is sent. */
function packed(entries) {
  if (entries.length === 0) return null;
  if (entries.length === 1 && ARCHIVE.test(entries[0].path)) return { blob: entries[0].file, name: entries[0].file.name };
  const [first] = entries[0].path.split("/");
  const shared = entries.every(({ path }) => path.startsWith(`${first}/`));
  const inside = shared ? entries.map(({ path, file }) => ({ path: path.slice(first.length + 1), file })) : entries;
  return { blob: tar(inside), name: `${shared ? first : "images"}.tar` };
}

/** Everything that was dropped, folders with all that is below. */
async function dropped({ items, files }) {
  const roots = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (roots.length === 0) return [...files].map((file) => ({ path: file.name, file }));
  const found = [];
  const open = roots;
  while (open.length > 0 && found.length <= MAX_FILES) {
    const entry = open.shift();
    if (entry.isFile) found.push({ path: entry.fullPath.slice(1), file: await new Promise((resolve, reject) => entry.file(resolve, reject)) });
    else open.push(...await inFolder(entry));
  }
  return found;
}

/** A folder tells its entries some at a time. */
async function inFolder(entry) {
  const reader = entry.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0 || all.length > MAX_FILES) return all;
    all.push(...some);
  }
}
