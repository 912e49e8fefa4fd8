// The page for trying: a picture, a digit drawn by hand, two faces.

import assert from "node:assert/strict";
import { test } from "node:test";
import { scene } from "./scene.js";
import { PORTRAIT, cut } from "./seed.js";

const site = scene({ settings: { "models.classify": "efficientnet-lite0" } });

/** Gives the page a file as if it had been picked. */
const pick = (page, files) => page.locator("input[type=file]").first().setInputFiles(files);

test("a picture that is picked is shown with its thumbnail, its labels and its face", async () => {
  const { page, finish } = await site.open("#/try?op=thumbnail,classify,faces");
  await page.getByRole("heading", { name: "Try it" }).waitFor();
  await pick(page, PORTRAIT);
  const card = page.getByRole("article", { name: "astronaut.png" });
  await card.getByText(/helmet|military uniform|space shuttle/i).first().waitFor({ timeout: 180_000 });
  await card.getByRole("img", { name: /face/i }).first().waitFor();
  await card.getByRole("link", { name: /job/i }).first().click();
  await page.getByRole("heading", { name: "astronaut.png" }).waitFor();
  await finish();
});

test("a file that is no image gets the server's reason, beside one that is", async () => {
  const { page, finish } = await site.open("#/try?op=thumbnail");
  await page.getByRole("heading", { name: "Try it" }).waitFor();
  await pick(page, [{ name: "letter.png", mimeType: "image/png", buffer: Buffer.from("Dear site.server, this is no image.") },
    { name: "half.png", mimeType: "image/png", buffer: cut(PORTRAIT) }]);
  await page.getByRole("article", { name: "letter.png" }).getByText(/not an image|format|not supported|unknown/i).first().waitFor();
  await page.getByRole("article", { name: "half.png" }).getByText(/damaged|end|cut|decod/i).first().waitFor();
  await finish(/4\d\d/);
});

test("a name with markup in it is a text", async () => {
  const { page, finish } = await site.open("#/try?op=thumbnail");
  await page.getByRole("heading", { name: "Try it" }).waitFor();
  const name = "<img src=x onerror=document.title='taken'>.png";
  await pick(page, [{ name, mimeType: "image/png", buffer: cut(PORTRAIT) }]);
  await page.getByText(name).first().waitFor();
  assert.doesNotMatch(await page.title(), /taken/);
  await finish(/4\d\d/);
});

test("a digit that is drawn with the pointer is read while it is drawn", async () => {
  const { page, finish } = await site.open("#/try?tab=draw");
  const paper = page.getByRole("img", { name: /Paper/ });
  await paper.waitFor();
  await paper.scrollIntoViewIfNeeded();
  for (const { digit, strokes } of DRAWN) {
    await page.getByRole("button", { name: "Clear" }).click();
    const box = await paper.boundingBox();
    for (const [first, ...others] of strokes) {
      await page.mouse.move(box.x + first[0] * box.width, box.y + first[1] * box.height);
      await page.mouse.down();
      for (const [x, y] of others) await page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 6 });
      await page.mouse.up();
    }
    await page.locator(".guess").getByText(String(digit), { exact: true }).waitFor();
  }
  await finish();
});

/** Strokes as parts of the paper's sides. */
const DRAWN = [
  { digit: 1, strokes: [[[0.5, 0.2], [0.5, 0.8]]] },
  { digit: 7, strokes: [[[0.28, 0.25], [0.7, 0.25], [0.45, 0.8]]] },
  { digit: 4, strokes: [[[0.35, 0.2], [0.3, 0.55], [0.7, 0.55]], [[0.62, 0.3], [0.6, 0.85]]] },
];

test("an upload that takes long shows how far it is, and can be ended", async () => {
  const { page, finish } = await site.open("#/try?op=thumbnail");
  await page.getByRole("heading", { name: "Try it" }).waitFor();
  // A line of 500 kB a second: the file is on its way for many seconds.
  const session = await page.context().newCDPSession(page);
  await session.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 500_000 });
  await pick(page, site.largeFile("large.png", 40 << 20));
  const card = page.getByRole("article", { name: "large.png" });
  await card.getByRole("progressbar").first().waitFor();
  await card.getByRole("button", { name: /cancel|remove|stop/i }).first().click();
  await card.getByRole("progressbar").first().waitFor({ state: "hidden" });
  await finish(/abort|4\d\d|ERR_/i);
});
