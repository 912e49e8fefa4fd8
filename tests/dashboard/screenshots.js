// Every page as a picture: light and dark, at a desk and on a phone; and what pages look like when something is wrong.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { launch, open } from "./browser.js";
import { until } from "./scene.js";
import { PORTRAIT, cut, seed } from "./seed.js";
import { photos, startServer } from "./server.js";

const WIDTHS = { desk: { width: 1280, height: 860 }, phone: { width: 390, height: 844 } };

/** Pictures are no higher than this, in pixels. */
const MAX_HEIGHT = 6000;

/** How long a page has for what comes in by itself, in milliseconds. */
const SETTLES = 1000;

const folder = process.argv[2];
mkdirSync(folder, { recursive: true });
const browser = await launch();

const empty = await startServer();
await shoot(empty, { "overview-empty": "#/", "jobs-empty": "#/jobs", "dead-empty": "#/dead", "runs-empty": "#/runs", "sign-in": "#/sign-in" });
await empty.finish();

const server = await startServer({ users: [["ada", "correct horse", "admin"], ["uwe", "correct horse", "user"]] });
const token = await server.token("ada", "correct horse");
const { portrait, broken, run } = await seed(server, token);
await shoot(server, {
  overview: "#/", try: "#/try", "try-draw": "#/try?tab=draw", "try-compare": "#/try?tab=compare", jobs: "#/jobs", job: `#/jobs/${portrait}`,
  "job-failed": `#/jobs/${broken}`, runs: "#/runs", "run-new": "#/runs/new", run: `#/runs/${run}`, dead: "#/dead", log: "#/log",
  models: "#/models", queues: "#/queues", workers: "#/workers", users: "#/users", settings: "#/settings", account: "#/account",
}, token);
await server.finish();

await troubles();
await browser.close();

async function shoot(from, pages, token) {
  for (const colorScheme of ["light", "dark"]) {
    for (const [width, viewport] of Object.entries(WIDTHS)) {
      const { page } = await open(browser, from, "#/sign-in", { viewport, colorScheme, hasTouch: width === "phone", token });
      for (const [name, hash] of Object.entries(pages)) await one(page, { from, name, hash, viewport, file: `${name}-${width}-${colorScheme}.png` });
      await page.context().close();
    }
  }
}

async function one(page, { from, name, hash, viewport, file }) {
  await page.setViewportSize(viewport);
  await page.goto(`${from.url}/${hash}`);
  await page.reload();
  await page.locator("main:not([aria-busy])").waitFor();
  if (name === "try") await page.locator("input[type=file]").first().setInputFiles(PORTRAIT);
  if (name === "try-draw") await page.getByRole("button", { name: "Write a 5" }).click();
  await take(page, file);
}

/** The whole page: pictures in it are asked for once they come into sight, so all of it is. */
async function take(page, file) {
  await page.waitForLoadState("load");
  await new Promise((resolve) => setTimeout(resolve, SETTLES));
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  const { width, height: least } = page.viewportSize();
  await page.setViewportSize({ width, height: Math.min(Math.max(least, height), MAX_HEIGHT) });
  await page.evaluate(() => scrollTo(0, 0));
  await until(() => page.evaluate(() => [...document.querySelectorAll("img")].every((image) => image.src || !image.checkVisibility() || image.classList.contains("missing"))));
  await page.evaluate(() => Promise.all([...document.images].filter((image) => image.src).map((image) => image.decode().catch(() => {}))));
  await page.screenshot({ path: path.join(folder, file) });
  console.log(file);
}

/** A server away, a slow one, a full disk, a wrong clock, a token that has ended, a run that was stopped, long and strange names. */
async function troubles() {
  const damaged = mkdtempSync(path.join(tmpdir(), "darkroom-damaged-"));
  for (let file = 0; file < 40; file += 1) writeFileSync(path.join(damaged, `photo-${file}.png`), cut(path.join(photos, "coins.png")));
  const site = await startServer({ users: [["uwe", "correct horse", "user"]], settings: { "sources.roots": `${photos},${damaged}` } });
  const names = [`${"x".repeat(251)}.png`, "صورة من العطلة في البحر.png", "🌅🏖️ at the sea.png", "<script>alert(1)<", "a\u202Egnp.exe"];
  for (const name of names) await site.submit(path.join(photos, "coffee.png"), { name, wait: 60 });
  const [{ id: long }] = (await site.api("/v1/jobs?order=oldest&limit=1")).jobs;
  const body = JSON.stringify({ name: "Stops after ten", source: { kind: "folder", path: damaged }, operations: [{ op: "thumbnail", width: 96 }], on_error: { stop_after: 10 } });
  const stopped = await site.api("/v1/runs", { method: "POST", headers: { "content-type": "application/json" }, body });
  await until(async () => (await site.api(`/v1/runs/${stopped.id}`)).state === "failed");
  await shoot(site, { "names-strange": "#/jobs?state=succeeded", "name-long": `#/jobs/${long}`, "run-stopped": `#/runs/${stopped.id}` });

  const at = async (hash, options) => (await open(browser, site, hash, { viewport: WIDTHS.desk, ...options })).page;
  const slow = await at("#/sign-in");
  await slow.route(/\/v1\/jobs/, () => {});
  await slow.goto(`${site.url}/#/jobs`);
  await take(slow, "loading.png");

  const wrong = await at("#/sign-in");
  const stats = await site.api("/v1/stats");
  Object.assign(stats.system, { disk_free_bytes: 3e9, disk_total_bytes: 250e9 });
  await wrong.route("**/v1/events", () => {});
  await wrong.route("**/v1/stats", (route) => route.fulfill({ json: stats }));
  await wrong.clock.setFixedTime(Date.now() - 3 * 3600e3);
  await wrong.goto(`${site.url}/#/`);
  await wrong.reload();
  await take(wrong, "disk-and-clock.png");

  const token = await site.token("uwe", "correct horse");
  const ended = await at("#/jobs", { token });
  await ended.locator("main:not([aria-busy])").waitFor();
  await site.api("/v1/tokens/revoke", { method: "POST", token });
  await ended.goto(`${site.url}/#/runs`);
  await take(ended, "session-ended.png");

  const left = await at("#/");
  await left.locator(".connection").getByText("Live").waitFor();
  await site.stop("SIGKILL");
  await left.locator(".connection").getByText("Reconnecting").waitFor();
  await left.goto(`${site.url}/#/models`);
  await take(left, "server-away.png");
  rmSync(damaged, { recursive: true });
}
