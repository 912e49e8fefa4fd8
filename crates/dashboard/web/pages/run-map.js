// The embeddings of a run as a map: images that look alike to the model lie near each other.

import { h, fill, write } from "/ui/core/dom.js";
import { go } from "/ui/core/router.js";
import { number, percent } from "/ui/core/format.js";
import { loading, problemCard } from "/ui/parts/notice.js";
import { twoComponents } from "/ui/parts/components.js";
import { load, preview } from "/ui/parts/picture.js";
import { embeddings, MAX_DOTS } from "/ui/pages/run-rows.js";

/** A run up to this many images is drawn unasked once it has ended. */
const UNASKED = 2000;

/** So few images are drawn as small pictures, each with the colour of its folder around it. */
const PICTURED = 48;

/** The sides of these pictures, and of the previews that are asked for, in the drawing's and in the screen's pixels. */
const [SIDE, BOX] = [52, 80];

/** Folders that are named in the legend. */
const NAMED = 12;

/** The drawing's own size; it is scaled to its place. */
const [WIDTH, HEIGHT, EDGE] = [1000, 560, 40];

/** The golden angle, in degrees: each next hue lies far from those before it. */
const GOLDEN = 137.508;

/** The card of the map; hidden for runs that gather no vectors. */
export function mapCard(address, signal) {
  const body = h("div", { class: "map" });
  const line = h("p", { class: "quiet", role: "status" });
  const button = h("button", { class: "small", onclick: () => load() }, "Draw the map");
  const element = h("section", { class: "card", hidden: true, "aria-label": "Map of embeddings" }, h("header", { class: "head" }, h("div", {}, h("h2", {}, "Map of embeddings"), line), button), body);
  let [spec, drawn] = [null, ""];
  const load = async () => {
    button.disabled = true;
    fill(body, loading(4));
    try {
      const { rows, read, cut } = await embeddings(address, spec, { signal, progress: (count) => write(line, `Reading: ${number(count)} images`) });
      draw({ rows, read, cut, body, line });
      write(button, "Draw it anew");
    } catch (problem) {
      if (!signal.aborted) fill(body, problemCard(problem, load));
    } finally {
      button.disabled = false;
    }
  };
  write(line, "Images that the model finds alike lie near each other.");
  return {
    element,
    show(run) {
      spec = run.aggregates.find(({ kind }) => kind === "mean" || kind === "mean_by_folder") ?? null;
      element.hidden = !spec || run.counts.succeeded < 3;
      const ended = ["succeeded", "failed", "cancelled"].includes(run.state) ? `${run.finished_at}` : "";
      if (element.hidden || !ended || ended === drawn || run.total > UNASKED) return;
      drawn = ended;
      load();
    },
  };
}

function draw({ rows, read, cut, body, line }) {
  if (rows.length < 3) {
    fill(body);
    return write(line, `${number(rows.length)} of ${number(read)} images have an embedding; a map needs three.`);
  }
  const { points, held } = twoComponents(rows.map((row) => row.vector));
  const folders = foldersOf(rows);
  const placed = place(points).map(([x, y], index) => ({ ...rows[index], x, y, folder: folders.get(rows[index].folder) }));
  write(line, `${number(rows.length)} of ${number(read)} images${cut ? `, the first ${number(MAX_DOTS)}` : ""}, along the two directions in which they differ most (${percent(held[0], 0)} and ${percent(held[1], 0)} of the variance).`);
  fill(body, plot(placed), legend(folders));
}

/** A colour a folder: neighbours differ most. */
function foldersOf(rows) {
  const counts = new Map();
  for (const { folder } of rows) counts.set(folder, (counts.get(folder) ?? 0) + 1);
  const names = [...counts.keys()].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  return new Map(names.map((name, index) => [name, { name, count: counts.get(name), hue: Math.round(index * GOLDEN + 30) % 360 }]));
}

/** Points in the drawing, with the same scale both ways, so that distances are true. */
function place(points) {
  const range = (axis) => [Math.min(...points.map((point) => point[axis])), Math.max(...points.map((point) => point[axis]))];
  const [[left, right], [low, high]] = [range(0), range(1)];
  const scale = Math.min((WIDTH - 2 * EDGE) / Math.max(right - left, 1e-9), (HEIGHT - 2 * EDGE) / Math.max(high - low, 1e-9));
  const [midX, midY] = [(left + right) / 2, (low + high) / 2];
  return points.map(([x, y]) => [WIDTH / 2 + (x - midX) * scale, HEIGHT / 2 - (y - midY) * scale]);
}

/** Dots that are pointed at, or walked over with the arrow keys: one stop of the tab key for all of them. */
function plot(placed) {
  const card = h("div", { class: "dot-card", hidden: true });
  const dots = placed.map((row, index) => h("circle", { cx: row.x.toFixed(1), cy: row.y.toFixed(1), r: 7, style: { "--hue": row.folder.hue }, dataset: { index } }));
  const pictured = placed.length <= PICTURED;
  const drawn = pictured ? placed.map((row, index) => h("g", {}, dots[index], face(row))) : dots;
  const svg = h("svg", { class: pictured && "pictured", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "application", tabindex: "0", "aria-label": `Map of ${number(placed.length)} embeddings. Arrow keys go from image to image, Enter opens one.` }, drawn);
  const frame = h("div", { class: "plot" }, svg, card);
  let chosen = null;
  const choose = (index) => {
    if (chosen !== null) dots[chosen].classList.remove("lit");
    chosen = index;
    card.hidden = index === null;
    if (index === null) return;
    dots[index].classList.add("lit");
    show(card, placed[index], frame);
  };
  const at = (event) => event.target.closest?.("circle")?.dataset.index;
  svg.addEventListener("pointerover", (event) => at(event) !== undefined && choose(Number(at(event))));
  svg.addEventListener("pointerleave", () => choose(null));
  svg.addEventListener("blur", () => choose(null));
  svg.addEventListener("click", (event) => at(event) !== undefined && go(`/jobs/${placed[Number(at(event))].job}`));
  svg.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && chosen !== null) return go(`/jobs/${placed[chosen].job}`);
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way) return;
    event.preventDefault();
    choose(chosen === null ? 0 : nearest(placed, chosen, way) ?? chosen);
  });
  return frame;
}

/** The picture of an image in its dot, once it is there. */
function face({ job, x, y }) {
  const image = h("image", { x: x - SIDE / 2, y: y - SIDE / 2, width: SIDE, height: SIDE, preserveAspectRatio: "xMidYMid slice" });
  // Without a preview the dot stays a dot.
  load(`/v1/jobs/${job}/preview?size=${BOX}`).then((address) => image.setAttribute("href", address), () => image.remove());
  return image;
}

/** The nearest dot that lies in a direction, within 45 degrees of it; null where there is none. */
function nearest(placed, from, [wayX, wayY]) {
  let [best, least] = [null, Infinity];
  for (const [index, { x, y }] of placed.entries()) {
    const [dx, dy] = [x - placed[from].x, y - placed[from].y];
    const along = dx * wayX + dy * wayY;
    const across = Math.abs(dx * wayY) + Math.abs(dy * wayX);
    if (index === from || along <= 0 || across > along || along + across >= least) continue;
    [best, least] = [index, along + across];
  }
  return best;
}

function show(card, row, frame) {
  fill(card, preview(row.job, { size: 160, width: 120, height: 120, alt: "" }), h("strong", { class: "cut" }, row.path), h("span", { class: "quiet", role: "status" }, row.folder.name || "at the top"));
  const share = frame.clientWidth / WIDTH;
  const [x, y] = [row.x * share, row.y * share];
  card.style.left = `${Math.max(0, Math.min(x + 14, frame.clientWidth - card.offsetWidth))}px`;
  card.style.top = `${Math.max(0, y + 14 + card.offsetHeight > frame.clientHeight ? y - 14 - card.offsetHeight : y + 14)}px`;
}

function legend(folders) {
  const all = [...folders.values()];
  if (all.length < 2) return null;
  return h("ul", { class: "legend" }, all.slice(0, NAMED).map(({ name, count, hue }) => h("li", { class: "hued", style: { "--hue": hue } }, h("span", { class: "cut" }, name || "at the top"), ` ${number(count)}`)),
    all.length > NAMED && h("li", { class: "others" }, `and ${number(all.length - NAMED)} more folders`));
}
