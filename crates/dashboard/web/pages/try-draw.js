// The tab for digits: what is drawn is read while it is drawn.

import { h, fill, write } from "/ui/core/dom.js";
import { Problem, api } from "/ui/core/api.js";
import { millis, percent } from "/ui/core/format.js";
import { complain, problemCard } from "/ui/parts/notice.js";
import { codeCard } from "/ui/parts/code.js";
import { missingFor, missingModels } from "/ui/parts/missing.js";
import { paper } from "/ui/pages/try-paper.js";
import { catchAll, dropZone } from "/ui/pages/try-pick.js";
import { written } from "/ui/pages/try-strokes.js";

/** Milliseconds between two questions at least: eight a second. */
const APART = 125;

/** The side of the picture that is sent, in pixels. The model looks at 28; more only makes the way longer. */
const SENT_SIDE = 112;

/** What the code calls the picture. */
const FILE = "digit.png";

const REQUEST = { path: "/mnist/", base64: { field: "base64", file: FILE } };

/** The tab. */
export async function panel({ signal, active, keep }) {
  const { models } = await api.get("/v1/models", {}, { signal });
  const scores = scoreBars();
  const trouble = h("div");
  const sheet = paper({ changed: () => ask() });
  const ask = asker({ signal, picture: () => sheet.picture(SENT_SIDE), show: (answer) => { scores.show(answer); fill(trouble); }, fail: (problem) => {
    scores.show(null);
    fill(trouble, missingFor(problem, ["digit"]) ?? problemCard(problem, ask));
  } });
  const add = ([{ file }]) => file && sheet.lay(file).then(ask, () => fill(trouble, problemCard(new Problem({ detail: "This browser cannot show that file as a picture." }))));
  const zone = dropZone({ add, words: "Or drop a picture of a digit" });
  catchAll({ zone, add, active, signal });
  document.addEventListener("keydown", (event) => {
    if (!active() || event.key !== "z" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    sheet.undo();
  }, { signal });
  const code = codeCard();
  code.show(REQUEST);
  keep({});
  const element = h("div", { class: "draw-columns" },
    h("section", { class: "card", "aria-label": "Paper" }, missingModels("digit", models), sheet.element, tools(sheet)),
    h("section", { class: "card", "aria-label": "Scores" }, scores.element, trouble),
    h("section", { class: "card", "aria-label": "Without a pen" }, writers(sheet, ask), zone), code.element);
  scores.show(null);
  return { element, query: () => ({}) };
}

function tools(sheet) {
  const width = h("input", { type: "range", min: 3, max: 16, value: 8, oninput: () => sheet.thickness(width.value / 100) });
  return h("div", { class: "row tools" },
    h("button", { class: "small", onclick: sheet.undo }, "Undo"), h("button", { class: "small", onclick: sheet.clear }, "Clear"),
    h("label", { class: "pen" }, "Pen", width), h("button", { class: "small", title: `Save as ${FILE}`, onclick: () => save(sheet) }, "Save"));
}

/** For those who cannot draw with a pointer, or do not want to. */
function writers(sheet, ask) {
  const write = (digit) => { sheet.put(written(digit, 0.08)); ask(); };
  return h("div", { class: "writers", role: "group", "aria-label": "Have a digit written" }, h("span", { class: "quiet" }, "Write one for me:"),
    Array.from({ length: 10 }, (_, digit) => h("button", { class: "small", "aria-label": `Write a ${digit}`, onclick: () => write(digit) }, digit)));
}

function save(sheet) {
  const image = sheet.picture(SENT_SIDE);
  if (image) h("a", { href: image, download: FILE }).click();
  else complain("The paper is empty.");
}

/**
 * Asks what is drawn, at most every `APART`, one question at a time; what changes meanwhile is asked next. So no old answer comes
 * after a newer one.
 */
function asker({ signal, picture, show, fail }) {
  let [busy, again, last, timer] = [false, false, 0, 0];
  signal.addEventListener("abort", () => clearTimeout(timer));

  async function send() {
    const image = picture();
    if (!image) return show(null);
    last = performance.now();
    try {
      const answer = await api.post("/mnist/", { base64: image }, { signal });
      // What was cleared meanwhile has no scores any more.
      show(picture() ? { ...answer, took: performance.now() - last } : null);
    } catch (problem) {
      if (!signal.aborted) fail(problem);
    }
  }

  return function ask() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    again = false;
    timer = setTimeout(async () => {
      await send();
      busy = false;
      if (again && !signal.aborted) ask();
    }, Math.max(0, last + APART - performance.now()));
  };
}

function scoreBars() {
  const best = h("span", { class: "guess" }, "?");
  const about = h("p", { class: "quiet", role: "status" });
  const rows = Array.from({ length: 10 }, (_, digit) => {
    const fillOf = h("span");
    const value = h("span", { class: "value" });
    return { fillOf, value, element: h("li", {}, h("span", { class: "label" }, digit), h("span", { class: "bar accent" }, fillOf), value) };
  });
  return {
    element: h("div", { class: "scores" }, h("div", { class: "verdict" }, best, about), h("ul", { class: "bars" }, rows.map((row) => row.element))),
    show: (answer) => {
      write(best, answer ? answer.digit : "?");
      best.classList.toggle("sure", Boolean(answer && answer.score >= 0.5));
      write(about, answer ? `${percent(answer.score)} sure, in ${millis(answer.took)}` : "Draw a digit from 0 to 9. The scores follow the pen.");
      rows.forEach(({ element, fillOf, value }, digit) => {
        const score = answer?.scores[digit] ?? 0;
        fillOf.style.width = `${score * 100}%`;
        write(value, answer ? percent(score) : "–");
        element.classList.toggle("best", answer?.digit === digit);
      });
    },
  };
}
