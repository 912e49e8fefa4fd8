// A server with something to see: jobs of every kind, failures, runs, users, questions in the log.

import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { photos } from "./server.js";

const EVERYTHING = [
  { op: "thumbnail", width: 256, height: 256 },
  { op: "classify", model: "efficientnet-lite0", top: 5 },
  { op: "faces" },
];

/** The photograph with a face. */
export const PORTRAIT = path.join(photos, "astronaut.png");

/** Fills the server; gives ids that pages are opened with. */
export async function seed(server, token) {
  const portrait = await server.submit(PORTRAIT, { name: "astronaut.png", operations: EVERYTHING, wait: 60, token });
  for (const name of ["chelsea.png", "coffee.png", "rocket.jpg"]) {
    await server.submit(path.join(photos, name), { name, operations: EVERYTHING.slice(0, 2), wait: 60, token });
  }
  const hostile = '<img src=x onerror="document.title=1"><script>document.title=1</script>.png';
  await server.submit(readFileSync(path.join(photos, "coins.png")), { name: hostile, wait: 60, token });
  const long = `${"a-very-long-name-".repeat(10)}.jpg`;
  const broken = await server.submit(cut(path.join(photos, "camera.png")), { name: long, wait: 60, token });
  await server.submit(cut(path.join(photos, "coins.png")), { name: "coins-cut-in-half.png", wait: 60, token });
  const run = await startRun(server, token);
  return { portrait: portrait.id, broken: broken.id, run: run.id };
}

/** Half of a file: its head is fine, its pixels are not. */
export function cut(file) {
  const bytes = readFileSync(file);
  return bytes.subarray(0, bytes.length / 2);
}

/** Works the folder of photographs through, to the end. */
export async function startRun(server, token, operations = [{ op: "thumbnail", width: 128, height: 128 }, { op: "faces" }]) {
  const body = JSON.stringify({ name: "Photographs", source: { kind: "folder", path: photos }, operations });
  let run = await server.api("/v1/runs", { method: "POST", headers: { "content-type": "application/json" }, body, token });
  for (let left = 1500; left > 0 && !["succeeded", "failed", "cancelled"].includes(run.state); left -= 1) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    run = await server.api(`/v1/runs/${run.id}`, { token });
  }
  return run;
}

/** How many photographs there are. */
export const photographs = () => readdirSync(photos).filter((name) => !name.startsWith(".")).length;
