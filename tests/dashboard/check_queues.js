// Queues: how much of them runs, and since when their oldest jobs wait.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, launch, open } from "./browser.js";
import { PORTRAIT } from "./seed.js";
import { startServer } from "./server.js";

let browser;
let server;
before(async () => {
  browser = await launch();
  server = await startServer();
});
after(async () => {
  await browser.close();
  await server.finish();
});

test("a queue is limited and freed, and says since when its oldest job waits", async () => {
  await server.submit(PORTRAIT, { name: "in-the-queue.png", wait: 30 });
  const { page, finish } = await open(browser, server, "#/queues");
  const row = page.getByRole("row").filter({ hasText: "default" });
  const told = async () => (await server.api("/v1/queues")).queues.find(({ name }) => name === "default");
  await row.getByRole("button", { name: "Limit default" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("spinbutton").fill("0");
  await dialog.getByRole("button", { name: "Set the limit" }).click();
  assert.equal(await dialog.getByRole("spinbutton").evaluate((field) => field.validity.rangeUnderflow), true, "the browser refuses it");
  await dialog.getByRole("spinbutton").fill("3");
  assert.deepEqual(await barriers(page), []);
  await dialog.getByRole("button", { name: "Set the limit" }).click();
  await row.getByText("0 of 3").waitFor();
  assert.equal((await told()).max_running, 3);
  await server.api("/v1/queues/default/pause", { method: "POST" });
  await server.submit(PORTRAIT, { name: "oldest.png" });
  const oldest = row.getByRole("link").filter({ has: page.locator("time") });
  await oldest.waitFor();
  assert.equal(await oldest.locator("time").getAttribute("datetime"), (await told()).oldest_queued);
  await server.api("/v1/queues/default/resume", { method: "POST" });
  await oldest.waitFor({ state: "detached" });
  await row.getByRole("button", { name: "Limit default" }).click();
  await dialog.getByLabel("Any number").check();
  await dialog.getByRole("button", { name: "Set the limit" }).click();
  await row.getByText("0 of 3").waitFor({ state: "detached" });
  assert.equal((await told()).max_running, null);
  await finish();
});
