// Overview, queues, models, users and keys, settings, the inference log, and the theme.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { signIn } from "./browser.js";
import { scene, until } from "./scene.js";
import { PORTRAIT, cut } from "./seed.js";

const USERS = [["ada", "correct horse", "admin"], ["uwe", "correct horse", "user"]];

const site = scene({ users: USERS, settings: { "models.classify": "efficientnet-lite0" } });

test("the overview invites while there is nothing, and counts the first job without a reload", async () => {
  const { page, finish } = await site.open("#/");
  await page.getByRole("heading", { name: "Try it with one image" }).waitFor();
  await page.locator(".connection").getByText("Live").waitFor();
  await site.server.submit(PORTRAIT, { name: "first.png", operations: [{ op: "classify" }] });
  await page.getByRole("link", { name: /^Succeeded\s*1$/ }).waitFor();
  await page.getByRole("heading", { name: "Try it with one image" }).waitFor({ state: "hidden" });
  await page.getByText("24 h").click();
  await page.getByText("Each point is 15 minutes.").waitFor();
  assert.match(page.url(), /span=day/);
  await page.getByText("As a table").first().click();
  const rows = page.locator(".chart").first().getByRole("row");
  await rows.nth(96).waitFor();
  assert.equal(await rows.count(), 97);
  await page.getByRole("link", { name: /^Succeeded\s*1$/ }).click();
  await page.getByRole("row").filter({ hasText: "first.png" }).waitFor();
  await finish();
});

test("a user's overview is their own jobs", async () => {
  const token = await site.server.token("uwe", "correct horse");
  await site.server.submit(PORTRAIT, { name: "of-uwe.png", wait: 30, token });
  const { page, finish } = await site.open("#/sign-in");
  await signIn(page, "uwe", "correct horse");
  await page.getByRole("row").filter({ hasText: "of-uwe.png" }).waitFor();
  assert.equal(await page.getByRole("row").filter({ hasText: "first.png" }).count(), 0);
  await finish();
});

test("dead letters that are chosen are deleted, and the others stay", async () => {
  for (const name of ["goes-1.png", "goes-2.png", "stays.png"]) await site.server.submit(cut(PORTRAIT), { name, wait: 30 });
  const { page, finish } = await site.open("#/dead?failure=undecodable");
  const row = (name) => page.getByRole("row").filter({ hasText: name });
  for (const name of ["goes-1.png", "goes-2.png"]) await row(name).getByRole("checkbox").check();
  await page.getByText("2 chosen").waitFor();
  await page.locator(".bar-of-chosen").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await row("goes-1.png").waitFor({ state: "detached" });
  await row("goes-2.png").waitFor({ state: "detached" });
  await row("stays.png").getByRole("link", { name: "stays.png" }).click();
  await page.getByRole("heading", { name: "stays.png" }).waitFor();
  await finish();
});

test("a queue is paused and resumed, and its jobs wait meanwhile", async () => {
  const { page, finish } = await site.open("#/queues");
  const row = page.getByRole("row").filter({ hasText: "default" });
  await row.getByRole("button", { name: "Pause default" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await row.getByText("paused").waitFor();
  const { id } = await site.server.submit(PORTRAIT, { name: "held.png" });
  assert.equal((await site.server.api(`/v1/jobs/${id}`)).state, "held");
  await row.getByRole("button", { name: "Resume default" }).click();
  await row.getByText("open").waitFor();
  assert.equal((await until(() => ended(id))).state, "succeeded");
  await finish();
});

test("a model says what it takes, how long it took, and leads to trying it", async () => {
  const { page, finish } = await site.open("#/models");
  const card = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "efficientnet-lite0", exact: true }) });
  await card.getByText("Loaded").waitFor();
  await card.getByText("Half within").waitFor();
  await card.getByText("What it takes and gives").click();
  await card.getByText("FP32 [any, 3, 224, 224]").waitFor();
  await card.getByRole("link", { name: "Try efficientnet-lite0" }).click();
  await page.getByRole("heading", { name: "Try it" }).waitFor();
  await finish();
});

test("a user is added, changed and removed, and a key opens the server until it is revoked", async () => {
  const { page, finish } = await site.open("#/users");
  await signIn(page, "ada", "correct horse");
  await page.getByRole("button", { name: "Add a user" }).click();
  await page.getByLabel("Name", { exact: true }).fill("olga");
  await page.getByLabel("Password", { exact: true }).fill("correct horse");
  await page.getByRole("dialog").getByLabel("Role").selectOption("operator");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByLabel("Role of olga").waitFor();
  await page.getByRole("button", { name: "Make a key" }).click();
  await page.getByLabel("What it is for").fill("<script>import</script>");
  await page.getByLabel("Whose it is").selectOption("olga");
  await page.getByRole("button", { name: "Make it" }).click();
  const token = await page.getByLabel("The key", { exact: true }).inputValue();
  await page.getByRole("button", { name: "I have it" }).click();
  assert.deepEqual(await site.server.api("/v1/me", { token }), { name: "olga", role: "operator", signed_in: true });
  await page.getByLabel("Role of olga").selectOption("user");
  await page.getByText("olga has the role user now.").waitFor();
  assert.equal((await site.server.api("/v1/me", { token })).role, "user");
  await page.getByRole("button", { name: /^Revoke/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByText("Every key is revoked or has ended.").waitFor();
  await assert.rejects(site.server.api("/v1/me", { token }), /401/);
  await page.getByRole("button", { name: "Remove olga" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await page.getByLabel("Role of olga").waitFor({ state: "detached" });
  await finish();
});

test("the last administrator stays, and the page says why", async () => {
  const { page, finish } = await site.open("#/users");
  await signIn(page, "ada", "correct horse");
  await page.getByRole("button", { name: "Disable ada" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Disable" }).click();
  await page.getByText("Nobody could administer users any more.").waitFor();
  await finish(/409/);
});

test("settings are found by their words, with where they come from", async () => {
  const { page, finish } = await site.open("#/settings");
  await signIn(page, "ada", "correct horse");
  await page.getByRole("searchbox").fill("models.classify");
  const row = page.getByRole("listitem").filter({ hasText: "models.classify" });
  await row.getByText("efficientnet-lite0").waitFor();
  await row.getByText("command line").waitFor();
  assert.equal(await page.locator(".settings-list > li").count(), 1);
  await finish();
});

test("the inference log is narrowed, and saved as it is shown", async () => {
  const { page, finish } = await site.open("#/log");
  await page.getByRole("combobox", { name: /^Model/ }).selectOption("efficientnet-lite0");
  const row = page.getByRole("row").filter({ hasText: "first.png" });
  await row.getByText("%").waitFor();
  await page.getByRole("combobox", { name: /^Outcome/ }).selectOption("answered");
  await row.waitFor();
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByLabel("Download as CSV").click()]);
  const lines = (await readFile(await file.path(), "utf8")).trim().split("\r\n");
  assert.equal(lines.length, 2);
  assert.match(lines[1], /"first\.png"/);
  await page.getByRole("combobox", { name: /^Outcome/ }).selectOption("failed");
  await page.getByText("No entry matches.").waitFor();
  await finish();
});

test("a theme that is chosen stays, in this tab and after a reload", async () => {
  const { page, finish } = await site.open("#/models", { colorScheme: "light" });
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await ground();
  await page.getByRole("radio", { name: "Dark" }).check({ force: true });
  const dark = await ground();
  assert.notEqual(dark, light);
  await page.reload();
  assert.equal(await ground(), dark);
  await page.getByRole("radio", { name: "As the system" }).check({ force: true });
  assert.equal(await ground(), light);
  await finish();
});

/** The job, if it has ended. */
async function ended(id) {
  const job = await site.server.api(`/v1/jobs/${id}`);
  return job.finished_at ? job : null;
}
