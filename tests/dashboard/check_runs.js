// Runs: begun from the page and followed to their end.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open } from "./browser.js";
import { photographs, startRun } from "./seed.js";
import { photos, startServer } from "./server.js";

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

test("a folder is worked through from nothing to its results", async () => {
  const { page, finish } = await open(browser, server, "#/");
  await page.getByRole("link", { name: "Start a run" }).first().click();
  await page.getByRole("heading", { name: "Start a run" }).waitFor();
  await page.getByRole("radio", { name: "Folder of the server" }).check();
  await page.getByLabel("Folder", { exact: true }).fill(photos);
  await page.getByRole("button", { name: /start/i }).last().click();
  await page.getByText("succeeded", { exact: true }).first().waitFor({ timeout: 60_000 });
  const [run] = (await server.api("/v1/runs")).runs;
  assert.equal(run.total, photographs());
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: /csv/i }).or(page.getByRole("link", { name: /csv/i })).first().click();
  assert.match((await download).suggestedFilename(), /\.csv$/);
  await finish();
});

test("a run of faces shows its mean and where the faces lie", async () => {
  const run = await startRun(server, undefined, [{ op: "faces" }]);
  const { page, finish } = await open(browser, server, `#/runs/${run.id}`);
  await page.getByText(/mean/i).first().waitFor();
  await page.getByRole("img", { name: /embedding|mean|128/i }).first().waitFor();
  await finish();
});

test("a run is cancelled from its page", async () => {
  const { page, finish } = await open(browser, server, "#/queues");
  await server.api("/v1/queues/default/pause", { method: "POST" });
  const body = JSON.stringify({ source: { kind: "folder", path: photos }, operations: [{ op: "thumbnail", width: 64, height: 64 }] });
  const run = await server.api("/v1/runs", { method: "POST", headers: { "content-type": "application/json" }, body });
  await page.goto(`${server.url}/#/runs/${run.id}`);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("dialog").getByRole("button", { name: /cancel/i }).click();
  await page.getByText("cancelled", { exact: true }).first().waitFor();
  assert.equal((await server.api(`/v1/runs/${run.id}`)).state, "cancelled");
  await server.api("/v1/queues/default/resume", { method: "POST" });
  await finish();
});
