// A real server with a data folder of its own.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

const { CROWD, DARKROOM, DARKROOM_MODELS, DARKROOM_RUNTIME, DARKROOM_PHOTOS } = process.env;

export const photos = DARKROOM_PHOTOS;

/** Starts a server; `settings` are those of the configuration, `users` are made before: `[[name, password, role]]`. */
export async function startServer({ settings = {}, users = [] } = {}) {
  const server = new Server(await freePort(), settings);
  for (const [name, password, role] of users) server.addUser(name, password, role);
  await server.start();
  return server;
}

/** Why there can be no server with many workers, if so. */
export const crowdMissing = !existsSync(CROWD) && `SKIPPED: ${CROWD} is not there (cargo build --package darkroom-server --example crowd)`;

/** Starts a server that many workers have sessions with. */
export async function startCrowd(workers) {
  const server = new Server(await freePort(), {});
  server.command = [CROWD, server.listen, String(workers)];
  await server.start();
  return server;
}

class Server {
  /** What starts it, where that is not `darkroom serve`. */
  command = null;

  constructor(port, settings) {
    this.folder = mkdtempSync(path.join(tmpdir(), "darkroom-dashboard-"));
    this.url = `http://127.0.0.1:${port}`;
    this.settings = {
      "models.dir": DARKROOM_MODELS, "models.runtime": DARKROOM_RUNTIME, "sources.roots": DARKROOM_PHOTOS,
      "quota.requests_per_second": 0, ...settings,
    };
    this.listen = `127.0.0.1:${port}`;
  }

  get log() {
    return readFileSync(path.join(this.folder, "log"), "utf8");
  }

  #data() {
    return ["--data-dir", path.join(this.folder, "data")];
  }

  addUser(name, password, role) {
    const made = spawnSync(DARKROOM, ["users", "add", name, "--role", role, "--password-stdin", ...this.#data()], { input: password });
    if (made.status !== 0) throw new Error(String(made.stderr));
  }

  async start() {
    const log = openSync(path.join(this.folder, "log"), "a");
    const set = Object.entries(this.settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
    const [program, ...words] = this.command ?? [DARKROOM, "serve", "--listen", this.listen, ...this.#data(), ...set];
    this.process = spawn(program, words, { stdio: ["ignore", log, log] });
    for (let left = 900; left > 0; left -= 1) {
      if (this.process.exitCode !== null) throw new Error(`the server ended:\n${this.log}`);
      if (await fetch(`${this.url}/livez`).then((answer) => answer.ok, () => false)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`the server does not answer:\n${this.log}`);
  }

  /** Ends the process: SIGTERM, or another signal. */
  async stop(signal = "SIGTERM") {
    const ended = once(this.process, "exit");
    this.process.kill(signal);
    await ended;
  }

  /** Ends it and removes what it has kept; its log must have no fault in it. */
  async finish() {
    await this.stop();
    const faults = this.log.split("\n").filter((line) => /panicked|request failed/.test(line));
    rmSync(this.folder, { recursive: true });
    if (faults.length) throw new Error(faults.join("\n"));
  }

  /** Asks the API; the answer as JSON. */
  async api(address, { token, ...options } = {}) {
    const headers = { ...options.headers, ...(token ? { authorization: `Bearer ${token}` } : {}) };
    const answer = await fetch(this.url + address, { ...options, headers });
    if (!answer.ok) throw new Error(`${address}: ${answer.status} ${await answer.text()}`);
    return answer.status === 204 ? null : answer.json();
  }

  /** A token of this user. */
  async token(username, password) {
    const body = new URLSearchParams({ username, password });
    return (await this.api("/token", { method: "POST", body })).access_token;
  }

  /** Submits an image as a job; `file` is a path or bytes. */
  submit(file, { name = "picture.png", operations = [{ op: "thumbnail", width: 96, height: 96 }], wait, token } = {}) {
    const form = new FormData();
    form.append("operations", new Blob([JSON.stringify(operations)], { type: "application/json" }));
    form.append("image", new Blob([typeof file === "string" ? readFileSync(file) : file]), name);
    return this.api(`/v1/jobs${wait ? `?wait=${wait}` : ""}`, { method: "POST", body: form, token });
  }
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
