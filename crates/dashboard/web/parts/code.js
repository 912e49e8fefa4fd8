// The request that the page sends, written for those who will send it from elsewhere.

import { h, write } from "/ui/core/dom.js";
import { session } from "/ui/core/session.js";
import { copyButton } from "/ui/parts/copy.js";
import { segmented } from "/ui/parts/choice.js";

/** What it is written for: the name, how, and what is needed to run it. */
const LANGUAGES = [
  { name: "curl", write: curl, needs: "In a shell." },
  { name: "Python", write: python, needs: "With the package requests." },
  { name: "JavaScript", write: javascript, needs: "As a file request.mjs for Node 20 or newer." },
];

const SIGNED_IN = "The token comes from the variable DARKROOM_TOKEN; a key from Users and keys does as well.";

/** Where the reader's choice is kept. */
const KEY = "darkroom.code";

/**
 * A card with the request in three languages. `show(request)`: `{ path, headers, fields, files }` is a form (`fields` are texts, or
 * values that are sent as JSON; `files` are names of files), `{ path, headers, json }` a JSON body, and `{ path, base64: { field, file } }` a
 * JSON body with a file in it.
 */
export function codeCard() {
  const text = h("code");
  const block = h("pre", { tabindex: "0", "aria-label": "The request as code" }, text);
  const note = h("p", { class: "quiet" });
  let [request, chosen] = [null, LANGUAGES.find(({ name }) => name === localStorage.getItem(KEY)) ?? LANGUAGES[0]];
  const draw = () => {
    if (!request) return;
    write(text, chosen.write(request));
    write(note, session.me?.signed_in ? `${chosen.needs} ${SIGNED_IN}` : chosen.needs);
  };
  const choice = segmented({
    label: "Language", value: chosen.name, options: LANGUAGES.map(({ name }) => ({ value: name, text: name })),
    change: (name) => { chosen = LANGUAGES.find((language) => language.name === name); localStorage.setItem(KEY, name); draw(); },
  });
  const copy = copyButton(() => text.textContent, { chosen: () => getSelection().selectAllChildren(block) });
  const element = h("section", { class: "card code", "aria-label": "The same request as code" },
    h("div", { class: "row" }, h("h2", {}, "The same request"), h("span", { class: "spring" }), choice, copy), block, note);
  return { element, show: (next) => { request = next; draw(); } };
}

function curl({ path, headers, fields, files, json, base64 }) {
  const lines = Object.entries(headers ?? {}).map(([name, value]) => `-H ${shell(`${name}: ${value}`)}`);
  if (session.me?.signed_in) lines.push('-H "Authorization: Bearer $DARKROOM_TOKEN"');
  for (const [name, value] of Object.entries(fields ?? {})) lines.push(`--form-string ${shell(`${name}=${asText(value)}`)}`);
  for (const [name, file] of Object.entries(files ?? {})) lines.push(`-F ${shell(`${name}=@${formName(file)}`)}`);
  if (json || base64) lines.push("-H 'Content-Type: application/json'");
  if (json) lines.push(`-d ${shell(JSON.stringify(json))}`);
  if (base64) lines.push("-d @-");
  const call = [`curl -s ${shell(location.origin + path)}`, ...lines].join(" \\\n  ");
  if (!base64) return call;
  return `printf '{"${base64.field}":"%s"}' "$(base64 < ${shell(base64.file)} | tr -d '\\n')" |\n${call}`;
}

function python({ path, headers, fields, files, json, base64 }) {
  const sent = { ...headers };
  const shownHeaders = [...Object.entries(sent).map(([name, value]) => `${quoted(name)}: ${quoted(value)}`),
    ...(session.me?.signed_in ? ['"Authorization": "Bearer " + os.environ["DARKROOM_TOKEN"]'] : [])];
  const lines = [`    ${quoted(location.origin + path)},`];
  if (shownHeaders.length) lines.push(`    headers={${shownHeaders.join(", ")}},`);
  if (fields) lines.push(`    data={${Object.entries(fields).map(([name, value]) => `${quoted(name)}: ${typeof value === "string" ? quoted(value) : `json.dumps(${literal(value)})`}`).join(", ")}},`);
  if (files) lines.push(`    files={${Object.entries(files).map(([name, file]) => `${quoted(name)}: open(${quoted(file)}, "rb")`).join(", ")}},`);
  if (json) lines.push(`    json=${literal(json)},`);
  if (base64) lines.push(`    json={${quoted(base64.field)}: base64.b64encode(open(${quoted(base64.file)}, "rb").read()).decode()},`);
  const imports = ["json", ...(base64 ? ["base64"] : []), ...(session.me?.signed_in ? ["os"] : [])].sort();
  return [...imports.map((name) => `import ${name}`), "", "import requests", "", "answer = requests.post(", ...lines, ")",
    "answer.raise_for_status()", "print(json.dumps(answer.json(), indent=2))"].join("\n");
}

function javascript({ path, headers, fields, files, json, base64 }) {
  const lines = [];
  if (files) lines.push('import { openAsBlob } from "node:fs";', "");
  if (base64) lines.push('import { readFile } from "node:fs/promises";', "");
  const sent = { ...headers, ...(json || base64 ? { "Content-Type": "application/json" } : {}) };
  const shownHeaders = Object.entries(sent).map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  if (session.me?.signed_in) shownHeaders.push("Authorization: `Bearer ${process.env.DARKROOM_TOKEN}`");
  let body = "body";
  if (fields || files) {
    lines.push("const body = new FormData();");
    for (const [name, value] of Object.entries(fields ?? {})) lines.push(`body.set(${JSON.stringify(name)}, ${typeof value === "string" ? JSON.stringify(value) : `JSON.stringify(${JSON.stringify(value)})`});`);
    for (const [name, file] of Object.entries(files ?? {})) lines.push(`body.set(${JSON.stringify(name)}, await openAsBlob(${JSON.stringify(file)}), ${JSON.stringify(file)});`);
    lines.push("");
  }
  if (json) body = `body: JSON.stringify(${JSON.stringify(json)})`;
  if (base64) body = `body: JSON.stringify({ ${base64.field}: (await readFile(${JSON.stringify(base64.file)})).toString("base64") })`;
  lines.push(`const answer = await fetch(${JSON.stringify(location.origin + path)}, {`, '  method: "POST",');
  if (shownHeaders.length) lines.push(`  headers: { ${shownHeaders.join(", ")} },`);
  lines.push(`  ${body},`, "});", "if (!answer.ok) throw new Error(await answer.text());", "console.log(JSON.stringify(await answer.json(), null, 2));");
  return lines.join("\n");
}

function asText(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A word of a shell's line, whatever is in it. */
function shell(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A file's name as curl's forms take it: names with commas or semicolons stand in quotes. */
function formName(file) {
  return /[,;"\\]/.test(file) ? `"${file.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"` : file;
}

/** A text as Python's: the escapes of JSON are all among its own. */
function quoted(text) {
  return JSON.stringify(text);
}

function literal(value) {
  if (value === null) return "None";
  if (value === true || value === false) return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([key, one]) => `${quoted(key)}: ${literal(one)}`).join(", ")}}`;
  return typeof value === "string" ? quoted(value) : String(value);
}
