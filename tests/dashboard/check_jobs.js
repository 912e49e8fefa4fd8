// Jobs and dead letters: seen live, found, opened, and done again.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open } from "./browser.js";
import { PORTRAIT, cut } from "./seed.js";
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

test("a job that is submitted appears, and ends, without a reload", async () => {
  const { page, finish } = await open(browser, server, "#/jobs");
  await page.getByRole("heading", { name: "Jobs" }).waitFor();
  await page.getByText("Live").waitFor();
  await server.submit(PORTRAIT, { name: "seen-live.png" });
  const row = page.getByRole("row").filter({ hasText: "seen-live.png" });
  await row.getByText("succeeded").waitFor({ timeout: 20_000 });
  await row.getByRole("link", { name: /seen-live/ }).click();
  await page.getByRole("heading", { name: "seen-live.png" }).waitFor();
  await page.getByText(/decode/i).first().waitFor();
  await finish();
});

test("a broken image waits among the dead letters, and is requeued from there", async () => {
  const { id } = await server.submit(cut(PORTRAIT), { name: "half.png", wait: 30 });
  const { page, finish } = await open(browser, server, "#/dead");
  const row = page.getByRole("row").filter({ hasText: "half.png" });
  await row.waitFor();
  await row.getByText(/undecodable/i).first().waitFor();
  await row.getByRole("button", { name: /requeue|retry/i }).click();
  await waitFor(async () => {
    const job = await server.api(`/v1/jobs/${id}`);
    return job.attempts.length === 2 && job.state === "failed";
  });
  await finish();
});

test("jobs are found by state and name, and the address keeps it", async () => {
  await server.submit(PORTRAIT, { name: "needle.png", wait: 30 });
  const { page, finish } = await open(browser, server, "#/jobs?q=needle&state=succeeded");
  await page.getByRole("row").filter({ hasText: "needle.png" }).waitFor();
  assert.equal(await page.getByRole("row").filter({ hasText: "half.png" }).count(), 0);
  await finish();
});

test("all failed jobs are done again at once, however many they are", async () => {
  const many = 300;
  const broken = cut(PORTRAIT);
  for (let left = many; left > 0; left -= 25) {
    await Promise.all(Array.from({ length: 25 }, (_, index) => server.submit(broken, { name: `many-${left}-${index}.png` })));
  }
  await waitFor(async () => (await server.api("/v1/stats")).jobs.failed >= many);
  const { page, finish } = await open(browser, server, "#/dead");
  await page.getByRole("button", { name: /requeue all/i }).first().click();
  const question = page.getByRole("dialog");
  await question.getByRole("button", { name: /requeue/i }).click();
  await waitFor(async () => {
    const { jobs } = await server.api("/v1/jobs?q=many-&limit=1000");
    return jobs.length === many && jobs.every((job) => job.state === "failed" && job.started_at > job.created_at)
      && (await server.api(`/v1/jobs/${jobs[0].id}`)).attempts.length === 2;
  });
  await finish();
});

/** Asks again and again until something is so. */
async function waitFor(is) {
  for (let left = 300; left > 0; left -= 1) {
    if (await is()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`not so in time: ${is}`);
}
