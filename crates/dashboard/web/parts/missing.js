// Where a model is not there yet: the command that fetches it, in place of an error.

import { h } from "/ui/core/dom.js";
import { marked } from "/ui/core/format.js";
import { copyButton } from "/ui/parts/copy.js";

/** What the models do that an operation asks, and the command that fetches them with the library that runs them. */
const NEEDS = {
  classify: { tasks: ["classify"], command: "darkroom models fetch onnxruntime resnet50-int8" },
  faces: { tasks: ["detect_faces", "embed_face"], command: "darkroom models fetch onnxruntime yunet sface" },
  digit: { tasks: ["digit"], command: "darkroom models fetch onnxruntime" },
  model: { tasks: [], command: "darkroom models fetch" },
};

/** Codes of problems and kinds of failures that say so. */
const SAYS_SO = new Set(["unknown_model", "model_unavailable", "model_missing"]);

/** A notice with the command where `models` lacks what `operation` needs; null where nothing is missing. */
export function missingModels(operation, models) {
  const needs = NEEDS[operation];
  if (!needs) return null;
  const there = needs.tasks.every((task) => models.some((model) => model.task === task)) && models.length > 0;
  return there ? null : command(needs.command, "The model for this is not installed yet.");
}

/** The same for a problem or a failure of these operations; null where it is of another kind. */
export function missingFor(problem, names) {
  if (!SAYS_SO.has(problem.code ?? problem.kind)) return null;
  const which = names.find((name) => name !== "thumbnail" && NEEDS[name]) ?? "model";
  return command(NEEDS[which].command, problem.message);
}

function command(line, why) {
  const code = h("code", {}, line);
  return h("div", { class: "missing-model", role: "note" }, h("p", {}, marked(why)), h("p", {}, "This command fetches it, on the server; then load this page again:"),
    h("div", { class: "command" }, code, copyButton(line, { chosen: () => getSelection().selectAllChildren(code) })));
}
