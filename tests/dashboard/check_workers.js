// A thousand workers: the page of workers and the overview of a server that has them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, launch, open } from "./browser.js";
import { crowdMissing, startCrowd } from "./server.js";

const WORKERS = 1000;

/** Rows that may be drawn at a time, where a thousand are listed. */
const MOST_ROWS = 80;

/** What an answer to a key may take, in milliseconds, or as long as the page takes to open on a machine that is busy. */
const AT_ONCE = 1000;

let browser;
let server;
// In CI nothing may be missing.
const options = { skip: !process.env.CI && crowdMissing };
before(async () => {
  if (options.skip) return console.error(crowdMissing);
  browser = await launch();
  server = await startCrowd(WORKERS);
});
after(async () => {
  await browser?.close();
  await server?.finish();
});

test("a thousand workers are counted, and only those in sight are drawn", options, async () => {
  const { page, finish } = await open(browser, server, "#/workers");
  // The server's own worker is one more.
  await page.getByText("1,001 alive").waitFor();
  const rows = page.locator(".workers tbody tr:has(td)");
  assert.ok(await rows.count() < MOST_ROWS, `${await rows.count()} rows`);
  // The server's own process may have a higher number, and then comes first.
  const highest = page.getByRole("cell", { name: "4999", exact: true });
  assert.equal(await highest.count(), 0, "it is drawn out of sight");
  await page.getByRole("button", { name: "Process" }).click();
  await highest.waitFor();
  await page.getByRole("button", { name: "Process" }).click();
  await page.evaluate(() => scrollTo({ top: document.documentElement.scrollHeight }));
  await highest.waitFor();
  assert.ok(await rows.count() < MOST_ROWS, `${await rows.count()} rows at the end`);
  assert.deepEqual(await barriers(page), []);
  await finish();
});

test("some of a thousand workers are found by their host, at once", options, async () => {
  const begun = performance.now();
  const { page, finish } = await open(browser, server, "#/workers");
  await page.getByText("1,001 alive").waitFor();
  const opened = performance.now() - begun;
  const field = page.getByRole("searchbox", { name: "Find workers" });
  const rows = page.locator(".workers tbody tr:has(td)");
  const found = async (hall) => {
    const typed = performance.now();
    await field.fill(hall);
    await page.waitForFunction((name) => document.querySelectorAll(".workers tbody tr td").length > 0
      && [...document.querySelectorAll(".workers tbody tr:has(td)")].every((row) => row.textContent.includes(`camera-${name}`)), hall);
    assert.equal(await rows.count(), 16);
    return performance.now() - typed;
  };
  // The quickest of three: the machine may have been at something else meanwhile.
  const took = Math.min(await found("hall-030"), await found("hall-031"), await found("hall-032"));
  assert.ok(took < Math.max(AT_ONCE, opened), `${took} ms, and ${opened} ms for the page`);
  await field.fill("nowhere");
  await page.getByText("No worker is called that.").waitFor();
  await finish();
});

test("a thousand workers fit a phone, and the overview sums them up", options, async () => {
  const { page, finish } = await open(browser, server, "#/workers", { viewport: { width: 390, height: 844 } });
  await page.getByText("1,001 alive").waitFor();
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the page is wider than the phone");
  await page.goto(`${server.url}/#/`);
  await page.getByRole("link", { name: "1,001 workers" }).waitFor();
  await finish();
});
