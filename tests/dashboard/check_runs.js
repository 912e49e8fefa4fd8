// Runs: begun from the page and followed to their end.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { scene } from "./scene.js";
import { photographs, startRun } from "./seed.js";
import { photos } from "./server.js";

const site = scene();

test("a folder is worked through from nothing to its results", async () => {
  const { page, finish } = await site.open("#/");
  await page.getByRole("link", { name: "Start a run" }).first().click();
  await page.getByRole("heading", { name: "Start a run" }).waitFor();
  await page.getByRole("radio", { name: "Folder of the server" }).check();
  await page.getByLabel("Folder", { exact: true }).fill(photos);
  await page.getByRole("button", { name: /start/i }).last().click();
  await page.getByText("succeeded", { exact: true }).first().waitFor({ timeout: 180_000 });
  const [run] = (await site.server.api("/v1/runs")).runs;
  assert.equal(run.total, photographs());
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: /csv/i }).or(page.getByRole("link", { name: /csv/i })).first().click();
  assert.match((await download).suggestedFilename(), /\.csv$/);
  await finish();
});

test("the thumbnails of a run are saved as one archive", async () => {
  const run = await startRun(site.server, undefined, [{ op: "thumbnail", width: 64, height: 64 }]);
  const { page, finish } = await site.open(`#/runs/${run.id}`);
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Files of the images" }).click()]);
  const listed = spawnSync("tar", ["-tf", await file.path()], { encoding: "utf8" });
  assert.equal(listed.status, 0, listed.stderr);
  const names = listed.stdout.trim().split("\n");
  assert.equal(names.length, run.counts.succeeded);
  assert.ok(names.includes("astronaut-thumbnail.jpg"), listed.stdout);
  await finish();
});

test("a run of faces shows its mean and where the faces lie", async () => {
  const run = await startRun(site.server, undefined, [{ op: "faces" }]);
  const { page, finish } = await site.open(`#/runs/${run.id}`);
  await page.getByText(/mean/i).first().waitFor();
  await page.getByRole("img", { name: /embedding|mean|128/i }).first().waitFor();
  await finish();
});

test("a run is cancelled from its page", async () => {
  const { page, finish } = await site.open("#/queues");
  await site.server.api("/v1/queues/default/pause", { method: "POST" });
  const body = JSON.stringify({ source: { kind: "folder", path: photos }, operations: [{ op: "thumbnail", width: 64, height: 64 }] });
  const run = await site.server.api("/v1/runs", { method: "POST", headers: { "content-type": "application/json" }, body });
  await page.goto(`${site.server.url}/#/runs/${run.id}`);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("dialog").getByRole("button", { name: /cancel/i }).click();
  await page.getByText("cancelled", { exact: true }).first().waitFor();
  assert.equal((await site.server.api(`/v1/runs/${run.id}`)).state, "cancelled");
  await site.server.api("/v1/queues/default/resume", { method: "POST" });
  await finish();
});

test("images of this computer are packed, sent along and worked through", async () => {
  const { page, finish } = await site.open("#/runs/new");
  await page.getByRole("radio", { name: "From this computer" }).check();
  await page.locator("input[type=file]").nth(1).setInputFiles(["astronaut.png", "rocket.jpg", "coins.png"].map((name) => path.join(photos, name)));
  await page.getByText(/^3 files/).waitFor();
  await page.getByRole("region", { name: "The run" }).getByLabel("Name").fill("<b>Three</b> of mine");
  await page.getByRole("button", { name: "Start the run" }).click();
  await page.getByRole("heading", { name: "<b>Three</b> of mine" }).waitFor();
  await page.getByText("succeeded", { exact: true }).first().waitFor({ timeout: 180_000 });
  const [run] = (await site.server.api("/v1/runs")).runs;
  assert.deepEqual([run.total, run.counts.succeeded, run.name], [3, 3, "<b>Three</b> of mine"]);
  const { jobs } = await site.server.api(`/v1/jobs?run=${run.id}`);
  assert.deepEqual(jobs.map((job) => job.path).sort(), ["astronaut.png", "coins.png", "rocket.jpg"]);
  await finish();
});

test("an upload that is cancelled begins nothing", async () => {
  const before = (await site.server.api("/v1/runs")).runs.length;
  const { page, finish } = await site.open("#/runs/new");
  const client = await page.context().newCDPSession(page);
  await client.send("Network.enable");
  await page.locator("input[type=file]").nth(1).setInputFiles(site.largeFile("large.tar", 20 << 20));
  await client.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 256 << 10 });
  await page.getByRole("button", { name: "Start the run" }).click();
  await page.getByText(/of 20.0 MiB/).waitFor();
  await page.getByRole("button", { name: "Cancel the upload" }).click();
  await page.getByText(/upload was ended/).waitFor();
  assert.equal((await site.server.api("/v1/runs")).runs.length, before);
  await finish();
});

test("embeddings are drawn as a map, and an image opens from it", async () => {
  const run = await startRun(site.server, undefined, [{ op: "faces" }]);
  const many = run.counts.succeeded;
  const { page, finish } = await site.open(`#/runs/${run.id}`);
  const { aggregates } = await site.server.api(`/v1/runs/${run.id}/aggregate`);
  const faces = aggregates[0].count;
  assert.ok(many > faces);
  if (faces < 3) await page.getByText(/a map needs three/).waitFor();
  else {
    await page.locator(".map circle").nth(faces - 1).waitFor();
    assert.equal(await page.locator(".map circle").count(), faces);
    await page.getByRole("application", { name: /Map of/ }).focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Attempts" }).waitFor();
  }
  await finish();
});

test("failures of a run are shown by reason, and lead to their jobs", async () => {
  const body = JSON.stringify({ name: "No digits", source: { kind: "folder", path: photos, include: ["coffee.png", "chelsea.png"] }, operations: [{ op: "digit" }] });
  const { id } = await site.server.api("/v1/runs", { method: "POST", headers: { "content-type": "application/json" }, body });
  const { page, finish } = await site.open(`#/runs/${id}`);
  await page.getByRole("heading", { name: "Failures by reason" }).waitFor();
  await page.getByRole("link", { name: /coffee.png/ }).first().waitFor();
  await page.getByRole("link", { name: "Show all" }).click();
  await page.getByRole("heading", { name: "Jobs" }).waitFor();
  await page.getByRole("row").filter({ hasText: "coffee.png" }).waitFor();
  assert.equal(await page.getByRole("combobox", { name: "State" }).inputValue(), "failed");
  await finish();
});
