// Every page, light and dark, at a desk and on a phone: no error, nothing wider than the screen, nothing that shuts
// somebody out.

import assert from "node:assert/strict";
import { test } from "node:test";
import { barriers } from "./browser.js";
import { scene } from "./scene.js";
import { seed } from "./seed.js";

let token;
let ids;
const site = scene({
  users: [["ada", "correct horse", "admin"]], settings: { "models.classify": "efficientnet-lite0" },
  filled: async (site) => {
    token = await site.server.token("ada", "correct horse");
    ids = await seed(site.server, token);
  },
});

const PAGES = () => ["#/", "#/try", "#/try?tab=draw", "#/try?tab=compare", "#/jobs", `#/jobs/${ids.portrait}`, `#/jobs/${ids.broken}`, "#/runs",
  "#/runs/new", `#/runs/${ids.run}`, "#/dead", "#/log", "#/models", "#/queues", "#/workers", "#/users", "#/settings", "#/account", "#/nowhere"];

for (const colorScheme of ["light", "dark"]) {
  test(`every page is without error and barrier, ${colorScheme}`, async () => {
    const { page, finish } = await site.open("#/sign-in", { colorScheme, token });
    for (const hash of PAGES()) {
      await show(page, hash);
      assert.deepEqual(await barriers(page), [], `${hash} ${colorScheme}`);
    }
    await finish(/401/);
  });
}

test("no page is wider than a phone", async () => {
  const { page, finish } = await site.open("#/sign-in", { viewport: { width: 390, height: 844 }, token });
  for (const hash of PAGES()) {
    await show(page, hash);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(wide, 0, hash);
  }
  await finish(/401/);
});

test("the page paints at once and is small", async () => {
  const { page, finish } = await site.open("#/sign-in", { token });
  await page.goto("about:blank");
  await page.goto(`${site.server.url}/#/`);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  const sent = await page.evaluate(() => performance.getEntriesByType("resource")
    .filter(({ name }) => name.includes("/ui/")).reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0));
  assert.ok(sent < 300 * 1024, `${sent} bytes`);
  await finish(/401/);
});

async function show(page, hash) {
  await page.goto(`${site.server.url}/${hash}`);
  await page.locator("main:not([aria-busy]) h1, main:not([aria-busy]) h2").first().waitFor();
  assert.equal(await page.locator(".card.problem[role=alert]").count(), 0, hash);
}
