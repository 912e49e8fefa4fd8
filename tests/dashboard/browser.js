// A browser that notices what people would not: errors of scripts, refusals by the policy, requests that fail.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

/** What does not appear within so many milliseconds will not, however busy the machine is. */
const TIMEOUT = 60_000;

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM, args: ARGS });

/**
 * Opens a page of its own at `hash`, signed in by `token` if there is one, and gives `{ page, faults, finish }`. `faults` are what went wrong so far; `finish`
 * demands that there are none, except those that match `expected`.
 */
export async function open(browser, server, hash = "#/", { token, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  if (token) await context.addInitScript((value) => location.protocol === "http:" && localStorage.setItem("darkroom.token", value), token);
  context.setDefaultTimeout(TIMEOUT);
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(String(error)));
  await page.goto(`${server.url}/${hash}`);
  const finish = async (expected = /^$/) => {
    await context.close();
    assert.deepEqual(faults.filter((fault) => !expected.test(fault)), []);
  };
  return { page, faults, finish };
}

/** Signs in by the form, and waits until that has happened. */
export async function signIn(page, name, password) {
  await fillIn(page, name, password);
  await page.locator(".who").getByText(name, { exact: true }).waitFor();
}

/** Fills in the form and sends it. */
export async function fillIn(page, name, password) {
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
}

/** What a scan for accessibility finds serious in the page as it stands (WCAG 2.1 A and AA). */
export async function barriers(page) {
  // In the page's own world but not as a script of the page: its policy stays as it is.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
  }));
  return violations.filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3).join(" | ")}`);
}
