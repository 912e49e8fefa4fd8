// An operation in words: what of its parameters tells most. The raw document has all of them.

import { h } from "/ui/core/dom.js";

const SAID = {
  thumbnail: ({ width, height, mode, format, frames }) => [`${width ?? "any"} × ${height ?? "any"}`, mode, format, frames === "all" && "all frames"],
  classify: ({ model, top }) => [model, top && `top ${top}`],
  digit: ({ model }) => [model],
  faces: ({ model, embedder, which, crops }) => [model, embedder, which !== "all" && which, crops && crops !== "none" && `cut out as ${crops}`],
  model: ({ model }) => [model],
};

/** Operations as a list, each with what tells most about it; all of it when pointed at. */
export function operationList(operations) {
  return h("ul", { class: "operation-list" }, operations.map(({ op, ...parameters }) => h("li", { title: inFull(parameters) },
    h("strong", {}, op), " ", h("span", { class: "quiet" }, (SAID[op]?.(parameters) ?? []).filter(Boolean).join(", ")))));
}

function inFull(parameters) {
  return Object.entries(parameters).filter(([, value]) => value !== null).map(([name, value]) => `${name}: ${value}`).join("\n");
}
