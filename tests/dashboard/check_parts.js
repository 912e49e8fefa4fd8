// What pages are made of, by itself: lists that change, scales of charts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { scene } from "./scene.js";

const site = scene();

test("what stays in a list is not moved when others come and go, and keeps the focus", async () => {
  const { page, finish } = await site.open("#/sign-in");
  const seen = await page.evaluate(async () => {
    const { h, keyed } = await import("/ui/core/dom.js");
    const list = h("ul");
    document.body.append(list);
    const show = (...names) => keyed(list, names, { key: (name) => name, make: (name) => h("li", { tabindex: "0" }, name) });
    show("a", "b", "c", "d");
    const kept = [...list.children].slice(1);
    kept[1].focus();
    const moved = [];
    new MutationObserver((changes) => changes.forEach(({ addedNodes }) => moved.push(...[...addedNodes].map((node) => node.textContent)))).observe(list, { childList: true });
    show("b", "c", "d", "e", "f");
    show("f", "c", "b");
    await new Promise((resolve) => setTimeout(resolve));
    return { names: list.innerText.split("\n"), same: list.children[1] === kept[1], focused: document.activeElement.textContent, moved: moved.slice(0, 2) };
  });
  assert.deepEqual(seen, { names: ["f", "c", "b"], same: true, focused: "c", moved: ["e", "f"] });
  await finish();
});

test("axes end at numbers that are read at a glance, and so do their halves", async () => {
  const { page, finish } = await site.open("#/sign-in");
  const tops = await page.evaluate(async () => {
    const { topOf } = await import("/ui/parts/scale.js");
    return [[0, "count"], [1, "count"], [3, "count"], [37, "count"], [10_001, "count"], [0.4, "milliseconds"], [812, "milliseconds"], [2300, "milliseconds"],
      [9, "seconds"], [61, "seconds"], [4000, "seconds"], [200_000, "seconds"]].map((one) => topOf(...one));
  });
  assert.deepEqual(tops, [2, 2, 4, 40, 20_000, 1, 1000, 4000, 10, 120, 7200, 345_600]);
  await finish();
});

test("marks of time stand at full hours and their parts, in the zone of the computer", async () => {
  const { page, finish } = await site.open("#/sign-in", { timezoneId: "Asia/Kolkata" });
  const marks = await page.evaluate(async () => {
    const { marksOf } = await import("/ui/parts/scale.js");
    const from = Date.parse("2026-03-01T10:07:00+05:30");
    return [marksOf(from, from + 3600e3, 4), marksOf(from, from + 7 * 86_400e3, 4)].map((list) => list.map(({ text }) => text));
  });
  assert.deepEqual(marks, [["10:15", "10:30", "10:45", "11:00"], ["Mon 2", "Wed 4", "Fri 6", "Sun 8"]]);
  await finish();
});
