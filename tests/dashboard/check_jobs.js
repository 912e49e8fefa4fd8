// Jobs and dead letters: seen live, found, opened, and done again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { scene, until } from "./scene.js";
import { PORTRAIT, cut } from "./seed.js";

const site = scene();

test("a job that is submitted appears, and ends, without a reload", async () => {
  const { page, finish } = await site.open("#/jobs");
  await page.getByRole("heading", { name: "Jobs" }).waitFor();
  await page.getByText("Live").waitFor();
  await site.server.submit(PORTRAIT, { name: "seen-live.png" });
  const row = page.getByRole("row").filter({ hasText: "seen-live.png" });
  await row.getByText("succeeded").waitFor();
  await row.getByRole("link", { name: /seen-live/ }).click();
  await page.getByRole("heading", { name: "seen-live.png" }).waitFor();
  await page.getByText(/decode/i).first().waitFor();
  await finish();
});

test("a broken image waits among the dead letters, and is requeued from there", async () => {
  const { id } = await site.server.submit(cut(PORTRAIT), { name: "half.png", wait: 30 });
  const { page, finish } = await site.open("#/dead");
  const row = page.getByRole("row").filter({ hasText: "half.png" });
  await row.waitFor();
  await row.getByText(/undecodable/i).first().waitFor();
  await row.getByRole("button", { name: /requeue|retry/i }).click();
  await until(async () => {
    const job = await site.server.api(`/v1/jobs/${id}`);
    return job.attempts.length === 2 && job.state === "failed";
  });
  await finish();
});

test("jobs are found by state and name, and the address keeps it", async () => {
  await site.server.submit(PORTRAIT, { name: "needle.png", wait: 30 });
  const { page, finish } = await site.open("#/jobs?q=needle&state=succeeded");
  await page.getByRole("row").filter({ hasText: "needle.png" }).waitFor();
  assert.equal(await page.getByRole("row").filter({ hasText: "half.png" }).count(), 0);
  await finish();
});

test("all failed jobs are done again at once, however many they are", async () => {
  const many = 300;
  const broken = cut(PORTRAIT);
  for (let left = many; left > 0; left -= 25) {
    await Promise.all(Array.from({ length: 25 }, (_, index) => site.server.submit(broken, { name: `many-${left}-${index}.png` })));
  }
  await until(async () => (await site.server.api("/v1/stats")).jobs.failed >= many);
  const { page, finish } = await site.open("#/dead");
  await page.getByRole("button", { name: /requeue all/i }).first().click();
  const question = page.getByRole("dialog");
  await question.getByRole("button", { name: /requeue/i }).click();
  await until(async () => {
    const { jobs } = await site.server.api("/v1/jobs?q=many-&limit=1000");
    return jobs.length === many && jobs.every((job) => job.state === "failed" && job.started_at > job.created_at)
      && (await site.server.api(`/v1/jobs/${jobs[0].id}`)).attempts.length === 2;
  });
  await finish();
});

test("new jobs do not move what is read: they wait behind a button", async () => {
  const { page, finish } = await site.open("#/jobs");
  await page.getByRole("row").nth(20).waitFor();
  await page.mouse.move(600, 500);
  await page.mouse.wheel(0, 1500);
  await page.waitForFunction(() => scrollY > 1000);
  const read = () => page.evaluate(() => document.elementFromPoint(600, 500).closest("tr")?.querySelector(".name")?.textContent);
  const place = await read();
  await site.server.submit(PORTRAIT, { name: "came-later.png", wait: 30 });
  await page.getByRole("button", { name: "1 new job" }).waitFor();
  assert.equal(await read(), place);
  await page.getByRole("button", { name: "1 new job" }).click();
  await page.getByRole("row").filter({ hasText: "came-later.png" }).waitFor();
  await finish();
});

test("thousands of jobs are listed while few rows are drawn", async () => {
  const { page, finish } = await site.open("#/jobs");
  await page.getByRole("row").nth(20).waitFor();
  await until(async () => {
    await page.mouse.wheel(0, 4000);
    return page.evaluate(() => document.documentElement.scrollHeight > 200 * 52);
  });
  assert.ok(await page.getByRole("row").count() < 80);
  await finish();
});

test("all that a filter matches is deleted after one question with the number", async () => {
  const { page, finish } = await site.open("#/jobs?q=many-&state=failed");
  await page.getByRole("row").nth(5).waitFor();
  await page.getByText("Act on all", { exact: true }).click();
  await page.getByRole("button", { name: /^Delete all that match/ }).click();
  await page.getByRole("button", { name: "Delete 300 jobs" }).click();
  await page.getByText("300 jobs are deleted.").waitFor();
  await page.getByText("No job matches.").waitFor();
  assert.equal((await site.server.api("/v1/jobs?q=many-")).jobs.length, 0);
  await finish();
});
