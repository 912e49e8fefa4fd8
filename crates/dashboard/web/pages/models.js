// The models that are installed: what each is, how fast it answers, and what is wrong with those that do not load.

import { fill, h, keyed, write } from "/ui/core/dom.js";
import { api } from "/ui/core/api.js";
import { live } from "/ui/core/live.js";
import { number } from "/ui/core/format.js";
import { nothing, problemCard } from "/ui/parts/notice.js";
import { drawModel, makeModel } from "/ui/pages/models-card.js";

/** How often the models are asked for at most while jobs come and go, and at least, in milliseconds. */
const [FLOOR, IDLE] = [3000, 15_000];

export async function page({ signal }) {
  const [summary, list, none] = [h("p", { class: "quiet" }), h("ul", { class: "models" }), h("div", { hidden: true })];
  const root = h("div", { class: "page" }, h("header", { class: "head" }, h("div", {}, h("h1", {}, "Models"), summary)), none, list);
  let asked = 0;
  const show = async () => {
    asked = performance.now();
    const { models } = await api.get("/v1/models", {}, { signal });
    keyed(list, brokenFirst(models), { key: ({ name, version }) => `${name}@${version}`, make: makeModel, update: drawModel });
    write(summary, counted(models));
    instead(models.length === 0 && h("div", { class: "card" }, emptiness()));
  };
  const instead = (content) => {
    none.hidden = !content;
    fill(none, content);
  };
  await show();
  const again = (age) => {
    if (!document.hidden && performance.now() - asked > age) show().catch((problem) => problem.status && !signal.aborted && instead(problemCard(problem, () => again(0))));
  };
  const timer = setInterval(() => again(IDLE), FLOOR);
  signal.addEventListener("abort", () => clearInterval(timer));
  live.addEventListener("stats", () => again(FLOOR), { signal });
  return root;
}

function brokenFirst(models) {
  return [...models].sort((a, b) => (b.state === "broken") - (a.state === "broken"));
}

function counted(models) {
  const of = (state) => models.filter((model) => model.state === state).length;
  const [loaded, broken] = [of("loaded"), of("broken")];
  return `${number(models.length)} installed, ${number(loaded)} in memory${broken ? `, ${number(broken)} broken` : ""}. A model is loaded when it is first asked.`;
}

function emptiness() {
  return nothing("No model is installed.", h("code", {}, "darkroom models fetch"), " brings those that are known, ", h("code", {}, "darkroom models import"), " an ONNX model of your own.");
}
