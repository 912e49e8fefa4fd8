// A browser and a server for the tests of one file, and waiting for what happens between the two.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before } from "node:test";
import { launch, open } from "./browser.js";
import { startServer } from "./server.js";

/** How often, and how many times, something is looked at that is to become so: two minutes. */
const [AGAIN, TIMES] = [100, 1200];

/**
 * Starts both before the tests and ends them after; `filled(site)` puts into the server what the tests look at. Gives
 * `{ browser, server, open(hash, options), largeFile(name, bytes) }`, the first two once the tests begin.
 */
export function scene({ settings, users, filled } = {}) {
  const folder = mkdtempSync(path.join(tmpdir(), "darkroom-files-"));
  const site = {
    open: (hash, options) => open(site.browser, site.server, hash, options),
    largeFile: (name, bytes) => largeFile(path.join(folder, name), bytes),
  };
  before(async () => {
    site.browser = await launch();
    site.server = await startServer({ settings, users });
    await filled?.(site);
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await site.browser?.close();
    await site.server?.finish();
  });
  return site;
}

/** A file of nothing, which the browser reads itself: as bytes it would go to the browser as text. */
function largeFile(file, bytes) {
  writeFileSync(file, "");
  truncateSync(file, bytes);
  return file;
}

/** Asks again and again until `is()` gives something, and gives it. */
export async function until(is) {
  for (let left = TIMES; left > 0; left -= 1) {
    const found = await is();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, AGAIN));
  }
  return assert.fail(`not so in time: ${is}`);
}
