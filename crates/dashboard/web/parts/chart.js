// Charts as drawings of lines and bars. Each has a table of the same numbers behind it for those who cannot see it.

import { h, fill } from "/ui/core/dom.js";
import { number } from "/ui/core/format.js";
import { marksOf, topOf } from "/ui/parts/scale.js";

const MARGIN = { top: 10, right: 4, bottom: 22, left: 50 };

/** Pixels between the marks of the time axis at least, and half of what one takes. */
const [APART, HALF] = [76, 18];

/** The least height of a column, in pixels: one failure among thousands is seen. */
const LEAST = 1.5;

/**
 * A chart over time that follows the width of its place. `series`: `[{ name, tone }]` with tones `good`, `bad`, `busy`,
 * `waiting`, `quiet`, `accent`; `kind` is `lines`, or `columns` that stand on each other; `unit` is that of the values, as `topOf`
 * has them. Gives `{ element, show({ at, values }) }`: `at` are times in milliseconds, `values[series][point]` numbers or null where
 * nothing was measured. `note` says below the title what is counted.
 */
export function timeChart({ title, note, series, kind = "lines", unit = "count", format = number, height = 180 }) {
  const plot = h("svg", { role: "img", "aria-label": title, height, width: "100%" });
  const tip = h("div", { class: "tip", hidden: true });
  const frame = h("div", { class: "plot" }, plot, tip);
  const table = h("details", { class: "numbers" }, h("summary", {}, "As a table"), h("div", { class: "scroll", tabindex: "0" }));
  const legend = h("ul", { class: "legend" }, series.map(({ name, tone }) => h("li", { class: tone }, name)));
  const element = h("figure", { class: "chart" }, h("figcaption", {}, title, note && h("span", { class: "caption" }, note), legend), frame, table);
  let data = { at: [], values: series.map(() => []) };
  const draw = () => drawPlot(plot, { data, series, kind, unit, format, height, width: frame.clientWidth });
  new ResizeObserver(draw).observe(frame);
  table.addEventListener("toggle", () => table.open && fill(table.lastChild, numbers(data, series, format)));
  frame.addEventListener("pointermove", (event) => point(event, { frame, tip, plot, data, series, format }));
  frame.addEventListener("pointerleave", () => { tip.hidden = true; plot.querySelector(".cross")?.remove(); });
  return {
    element,
    show: (next) => {
      data = next;
      draw();
      if (table.open) fill(table.lastChild, numbers(data, series, format));
    },
  };
}

function drawPlot(plot, { data, series, kind, unit, format, height, width }) {
  if (!width) return;
  const { at, values } = data;
  plot.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const layers = kind === "columns" ? stacked(values) : values.map((line) => line.map((value) => [0, value]));
  const top = topOf(Math.max(0, ...layers.flat().map(([, upper]) => upper ?? 0)), unit);
  const place = { x: (index) => middle(index, at.length, width), y: (value) => height - MARGIN.bottom - (value / top) * (height - MARGIN.top - MARGIN.bottom), band: inner(width) / Math.max(1, at.length) };
  const shape = kind === "columns" ? columns : line;
  const measured = values.some((one) => one.some((value) => value !== null && value !== undefined));
  fill(plot, grid({ top, format, y: place.y, width }), timeAxis({ at, width, height, x: place.x }),
    !measured && h("text", { x: width / 2, y: height / 2, class: "void" }, "Nothing yet"),
    layers.map((layer, index) => shape(layer, { ...place, tone: series[index].tone })));
}

const inner = (width) => width - MARGIN.left - MARGIN.right;

/** Each point has a band of its own, and stands in the middle of it. */
const middle = (index, count, width) => MARGIN.left + ((index + 0.5) / Math.max(1, count)) * inner(width);

/** Each layer stands on those before it; as pairs of lower and upper edge. */
function stacked(values) {
  const ground = (values[0] ?? []).map(() => 0);
  return values.map((layer) => layer.map((value, index) => {
    const lower = ground[index];
    ground[index] += value ?? 0;
    return [lower, ground[index]];
  }));
}

function columns(layer, { x, y, band, tone }) {
  const wide = Math.max(1, band * 0.72);
  const one = ([lower, upper], index) => {
    if (upper <= lower) return "";
    const [low, high] = [y(lower), Math.min(y(upper), y(lower) - LEAST)];
    return `M${(x(index) - wide / 2).toFixed(1)},${low.toFixed(1)}V${high.toFixed(1)}h${wide.toFixed(1)}V${low.toFixed(1)}Z`;
  };
  return h("path", { class: `columns ${tone}`, d: layer.map(one).join("") });
}

function line(layer, { x, y, tone }) {
  let path = "";
  let pen = false;
  const alone = [];
  for (const [index, [, value]] of layer.entries()) {
    if (value === null || value === undefined) { pen = false; continue; }
    path += `${pen ? "L" : "M"}${x(index).toFixed(1)},${y(value).toFixed(1)}`;
    const neighbour = layer[index + 1]?.[1] ?? null;
    if (!pen && neighbour === null) alone.push(h("circle", { class: `dot ${tone}`, cx: x(index), cy: y(value), r: 2.5 }));
    pen = true;
  }
  return [h("path", { class: `line ${tone}`, d: path }), alone];
}

function grid({ top, format, y, width }) {
  return [0, 0.5, 1].map((share) => [
    h("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(top * share), y2: y(top * share) }),
    h("text", { class: "tick left", x: MARGIN.left - 6, y: y(top * share) + 4 }, share === 0 ? "0" : format(top * share)),
  ]);
}

function timeAxis({ at, x, width, height }) {
  if (at.length < 2) return null;
  const place = (time) => x(((time - at[0]) / (at.at(-1) - at[0])) * (at.length - 1));
  return marksOf(at[0], at.at(-1), Math.max(2, Math.floor(width / APART)))
    .filter((mark) => place(mark.at) > MARGIN.left + HALF && place(mark.at) < width - HALF)
    .map((mark) => [
      h("line", { class: "grid", x1: place(mark.at), x2: place(mark.at), y1: height - MARGIN.bottom, y2: height - MARGIN.bottom + 4 }),
      h("text", { class: "tick", x: place(mark.at), y: height - 4, "text-anchor": "middle" }, mark.text)]);
}

function timeText(time) {
  return new Date(time).toLocaleString("en-GB", { weekday: "short", hour: "2-digit", minute: "2-digit" });
}

function point(event, { frame, tip, plot, data, series, format }) {
  const { at, values } = data;
  if (at.length < 2) return;
  const box = frame.getBoundingClientRect();
  const index = Math.floor(((event.clientX - box.left - MARGIN.left) / inner(box.width)) * at.length);
  if (index < 0 || index >= at.length) return;
  const x = middle(index, at.length, box.width);
  plot.querySelector(".cross")?.remove();
  plot.append(h("line", { class: "cross", x1: x, x2: x, y1: MARGIN.top, y2: plot.clientHeight - MARGIN.bottom }));
  fill(tip, h("strong", {}, timeText(at[index])), series.map(({ name, tone }, which) => h("div", { class: tone },
    `${name}: ${values[which][index] === null || values[which][index] === undefined ? "–" : format(values[which][index])}`)));
  tip.hidden = false;
  tip.style.left = `${Math.min(Math.max(0, x - tip.offsetWidth / 2), box.width - tip.offsetWidth)}px`;
}

function numbers({ at, values }, series, format) {
  const rows = at.map((time, index) => h("tr", {}, h("th", { scope: "row" }, timeText(time)),
    series.map((_, which) => h("td", {}, values[which][index] === null || values[which][index] === undefined ? "–" : format(values[which][index])))));
  return h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Time"), series.map(({ name }) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, rows.reverse()));
}

/**
 * Horizontal bars with their numbers: scores, reasons, classes. `items`: `[{ label, value, tone?, href? }]`; `top` is the value
 * of a full bar, the largest unless said.
 */
export function bars(items, { format = number, top } = {}) {
  const full = top ?? Math.max(1e-9, ...items.map((item) => item.value));
  return h("ul", { class: "bars" }, items.map(({ label, value, tone = "accent", href }) => h("li", {},
    h("span", { class: "label", title: String(label) }, href ? h("a", { href }, label) : label),
    h("span", { class: ["bar", tone] }, h("span", { style: { width: `${Math.min(100, (value / full) * 100)}%` } })),
    h("span", { class: "value" }, format(value)))));
}

/** How far something is, in parts of one whole: `[{ name, value, tone }]`; `total` is the whole. */
export function progress(parts, total) {
  const done = parts.reduce((sum, part) => sum + part.value, 0);
  const share = total ? Math.min(1, done / total) : 0;
  return h("div", { class: "progress", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.floor(share * 100), "aria-label": "Progress" },
    parts.map(({ name, value, tone }) => h("span", { class: tone, title: `${name}: ${number(value)}`, style: { width: `${total ? (value / total) * 100 : 0}%` } })));
}
