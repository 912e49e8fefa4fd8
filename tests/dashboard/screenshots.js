// Every page as a picture: light and dark, at a desk and on a phone.

import { mkdirSync } from "node:fs";
import path from "node:path";
import { launch, open } from "./browser.js";
import { PORTRAIT, seed } from "./seed.js";
import { startServer } from "./server.js";

const WIDTHS = { desk: { width: 1280, height: 860 }, phone: { width: 390, height: 844 } };
const SETTLES = 1500;

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
await browser.close();

async function shoot(from, pages, token) {
  for (const colorScheme of ["light", "dark"]) {
    for (const [width, viewport] of Object.entries(WIDTHS)) {
      const { page } = await open(browser, from, "#/sign-in", { viewport, colorScheme });
      if (token) await page.evaluate((value) => localStorage.setItem("darkroom.token", value), token);
      for (const [name, hash] of Object.entries(pages)) await one(page, { from, name, hash, file: `${name}-${width}-${colorScheme}.png` });
      await page.context().close();
    }
  }
}

async function one(page, { from, name, hash, file }) {
  await page.goto(`${from.url}/${hash}`);
  await page.reload();
  await page.locator("main:not([aria-busy])").waitFor();
  if (name === "try") await page.locator("input[type=file]").first().setInputFiles(PORTRAIT);
  if (name === "try-draw") await page.getByRole("button", { name: "Write a 5" }).click();
  // What comes in by itself: previews, charts, the first statistics.
  await page.waitForLoadState("load");
  await new Promise((resolve) => setTimeout(resolve, SETTLES));
  await page.screenshot({ path: path.join(folder, file), fullPage: true });
  console.log(file);
}
