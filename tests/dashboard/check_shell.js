// Who is here, what they may see, and what happens when the server or the token goes away.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fillIn, signIn } from "./browser.js";
import { scene } from "./scene.js";

/** Asking without a valid token is answered 401, which the browser writes to its console. */
const REFUSED = /401|403/;

const USERS = [["ada", "correct horse", "admin"], ["olga", "correct horse", "operator"], ["uwe", "correct horse", "user"]];

const site = scene({ users: USERS, settings: { "auth.anonymous": "never" } });

test("a stranger is asked to sign in, and a wrong password is said", async () => {
  const { page, finish } = await site.open("#/workers");
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await fillIn(page, "ada", "wrong horse");
  assert.match(await page.getByRole("alert").innerText(), /name or the password is wrong/);
  await signIn(page, "ada", "correct horse");
  await page.getByRole("heading", { name: "Workers" }).waitFor();
  await finish(REFUSED);
});

test("each role sees its own pages", async () => {
  const seen = {
    ada: { there: ["Overview", "Jobs", "Workers", "Queues", "Settings", "Users and keys"], absent: [] },
    olga: { there: ["Overview", "Jobs", "Workers", "Queues"], absent: ["Settings", "Users and keys"] },
    uwe: { there: ["Overview", "Try it", "Jobs", "Runs"], absent: ["Workers", "Queues", "Settings", "Users and keys"] },
  };
  for (const [name, { there, absent }] of Object.entries(seen)) {
    const { page, finish } = await site.open("#/sign-in");
    await signIn(page, name, "correct horse");
    const menu = page.getByRole("navigation", { name: "Pages" });
    for (const title of there) await menu.getByRole("link", { name: title }).waitFor();
    for (const title of absent) assert.equal(await menu.getByRole("link", { name: title }).count(), 0, `${name}: ${title}`);
    await page.goto(`${site.server.url}/#/settings`);
    const refused = page.getByText("needs the role admin");
    if (absent.length) await refused.waitFor();
    await page.goto(`${site.server.url}/#/account`);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("link", { name: "Sign in" }).waitFor();
    await finish(REFUSED);
  }
});

test("a token that ends while the page is open leads to signing in, and back", async () => {
  const { page, finish } = await site.open("#/workers");
  await signIn(page, "olga", "correct horse");
  await page.getByRole("heading", { name: "Workers" }).waitFor();
  const token = await page.evaluate(() => localStorage.getItem("darkroom.token"));
  await site.server.api("/v1/tokens/revoke", { method: "POST", token });
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await page.getByText("Your session has ended.").waitFor();
  await signIn(page, "olga", "correct horse");
  await page.getByRole("heading", { name: "Workers" }).waitFor();
  await finish(REFUSED);
});

test("a server that goes away is said, and found again without a reload", async () => {
  const { page, finish } = await site.open("#/workers");
  await signIn(page, "ada", "correct horse");
  const line = page.locator(".connection");
  await line.getByText("Live").waitFor();
  await page.evaluate(() => { globalThis.stayed = true; });
  await site.server.stop("SIGKILL");
  await line.getByText("Reconnecting").waitFor();
  await site.server.start();
  await line.getByText("Live").waitFor();
  assert.equal(await page.evaluate(() => globalThis.stayed), true);
  await page.getByRole("cell", { name: "0 of" }).waitFor();
  await finish(/401|ERR_|Failed to load|network/i);
});

test("a page that is opened while the server is away comes by itself once it is back", async () => {
  const { page, finish } = await site.open("#/workers");
  await signIn(page, "ada", "correct horse");
  await page.locator(".connection").getByText("Live").waitFor();
  await site.server.stop("SIGKILL");
  await page.locator(".connection").getByText("Reconnecting").waitFor();
  await page.goto(`${site.server.url}/#/models`);
  await page.getByRole("heading", { name: "The server is away" }).waitFor();
  await site.server.start();
  await page.getByRole("heading", { name: "Models" }).waitFor();
  await finish(/401|ERR_|Failed to (load|fetch)|network/i);
});

test("a page that takes long is announced meanwhile", async () => {
  const token = await site.server.token("ada", "correct horse");
  const { page, finish } = await site.open("#/account", { token });
  await page.getByRole("heading", { name: "ada" }).waitFor();
  let hold;
  const held = new Promise((resolve) => { hold = resolve; });
  await page.route("**/v1/jobs?*", (route) => hold(route));
  await page.goto(`${site.server.url}/#/jobs`);
  await page.getByRole("heading", { name: "Jobs" }).waitFor();
  await page.getByRole("status", { name: "Loading" }).waitFor();
  await (await held).continue();
  await page.getByText("There are no jobs yet.").waitFor();
  await finish(REFUSED);
});

test("a computer whose clock is wrong is told so, and ages are the server's", async () => {
  const { page, finish } = await site.open("#/sign-in");
  await page.clock.install({ time: new Date(Date.now() - 3 * 3600e3) });
  await page.reload();
  await signIn(page, "ada", "correct horse");
  await page.goto(`${site.server.url}/#/workers`);
  await page.getByText(/clock of this computer is (2 h 59 min|3 h).* behind/).waitFor();
  await page.getByRole("cell", { name: /^(now|\d+(\.\d)? s ago)$/ }).first().waitFor();
  await finish(REFUSED);
});

test("the keyboard reaches the content and the menu, which closes on Escape and on a click beside it", async () => {
  const { page, finish } = await site.open("#/sign-in", { viewport: { width: 390, height: 800 } });
  await signIn(page, "ada", "correct horse");
  await page.getByRole("button", { name: "Menu" }).focus();
  await page.keyboard.press("Enter");
  const menu = page.getByRole("navigation", { name: "Pages" });
  await menu.getByRole("link", { name: "Overview" }).waitFor();
  await page.keyboard.press("Escape");
  await menu.waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Menu" }).click();
  await menu.waitFor();
  await page.mouse.click(370, 600);
  await menu.waitFor({ state: "hidden" });
  await finish(REFUSED);
});
