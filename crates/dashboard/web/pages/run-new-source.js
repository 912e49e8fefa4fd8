// Where the images of a new run come from.

import { h } from "/ui/core/dom.js";
import { number } from "/ui/core/format.js";
import { session } from "/ui/core/session.js";
import { chips } from "/ui/parts/choice.js";
import { labelled } from "/ui/parts/field.js";
import { filesField } from "/ui/pages/run-new-files.js";

/** Addresses of one run, as the server takes them. */
const MAX_ADDRESSES = 100_000;

/**
 * The choice of a source. Gives `{ element, read(), said(), name(), kind() }`: `read` gives `{ source, archive? }` or throws a sentence; `said`
 * says which images these are, `name` is what the run could be called.
 */
export function sourceForm({ query, changed }) {
  const kinds = KINDS.filter(({ role }) => !role || session.may(role)).map((kind) => ({ ...kind, ...kind.make(changed, query) }));
  let chosen = kinds.find(({ value }) => value === query.source) ?? kinds[0];
  const show = () => { for (const kind of kinds) kind.place.hidden = kind !== chosen; };
  const choice = chips({
    label: "Where the images come from", options: kinds.map(({ value, title }) => ({ value, text: title })), value: chosen.value,
    change: (value) => { chosen = kinds.find((kind) => kind.value === value); show(); changed(); },
  });
  for (const kind of kinds) kind.place = h("div", { class: "source-fields" }, kind.fields);
  show();
  return {
    element: h("section", { class: "card" }, h("h2", {}, "Images"), choice, kinds.map(({ place }) => place)),
    read: () => chosen.read(), said: () => chosen.said(), name: () => chosen.name?.() ?? "", kind: () => chosen.value,
  };
}

const KINDS = [
  { value: "computer", title: "From this computer", make: computer },
  { value: "folder", title: "Folder of the server", make: folder },
  { value: "archive", title: "Archive elsewhere", make: archive },
  { value: "urls", title: "List of addresses", make: addresses },
  { value: "prefix", title: "Stored images", role: "operator", make: stored },
];

function computer(changed) {
  const files = filesField(() => { sum.element.hidden = !files.isArchive(); changed(); });
  const sum = checksum(changed);
  sum.element.hidden = true;
  return {
    fields: [files.element, sum.element],
    said: files.said,
    name: () => files.archive()?.name.replace(/\.(tar|zip|tgz|tzst)?(\.gz|\.zst)?$/i, ""),
    read() {
      const packed = files.archive();
      if (!packed) throw new RangeError("Choose a folder, images or an archive first.");
      return { source: { kind: "archive", at: "upload", checksum: files.isArchive() ? sum.read() : undefined }, archive: packed };
    },
  };
}

function folder(changed, query) {
  const path = text({ placeholder: "/srv/photographs", value: query.path, changed });
  const include = text({ placeholder: "**/*.jpg, **/*.png", changed });
  const exclude = text({ placeholder: "drafts/**", changed });
  const flat = h("input", { type: "checkbox", onchange: changed });
  return {
    fields: [labelled("Folder", path, ["A path on the server, below one of those that its setting ", h("code", {}, "sources.roots"), " names."]),
      h("details", {}, h("summary", {}, "Which files"), h("div", { class: "fields" }, labelled("Only paths like", include), labelled("Not paths like", exclude), h("label", { class: "check" }, flat, "Without folders below")))],
    said: () => `what is in ${path.value.trim()}`,
    name: () => path.value.trim().split("/").filter(Boolean).at(-1),
    read: () => ({ source: { kind: "folder", path: needed(path, "Name the folder."), depth: flat.checked ? "flat" : undefined, include: listOf(include), exclude: listOf(exclude) } }),
  };
}

function archive(changed) {
  const at = text({ placeholder: "https://example.org/photographs.tar.gz", changed });
  const sum = checksum(changed);
  return {
    fields: [labelled("Where the archive is", at, "An address, or a path of the server. Tar, tar.gz, tar.zst or zip."), sum.element],
    said: () => "what is in the archive",
    name: () => at.value.trim().split("/").at(-1)?.replace(/\.(tar|zip|tgz|tzst)?(\.gz|\.zst)?$/i, ""),
    read() {
      const place = needed(at, "Say where the archive is.");
      return { source: { kind: "archive", at: place.startsWith("/") ? { file: place } : { url: place }, checksum: sum.read() } };
    },
  };
}

function addresses(changed) {
  const list = h("textarea", { rows: 6, spellcheck: "false", placeholder: "https://example.org/one.jpg\nhttps://example.org/two.png", oninput: changed });
  return {
    fields: [labelled("Addresses of images, one a line", list)],
    said: () => { const { length } = list.value.split(/\s+/).filter(Boolean); return `${number(length)} ${length === 1 ? "address" : "addresses"}`; },
    read() {
      const urls = list.value.split(/\s+/).filter(Boolean);
      if (urls.length === 0) throw new RangeError("Name at least one address.");
      if (urls.length > MAX_ADDRESSES) throw new RangeError("These are too many addresses for one run.");
      return { source: { kind: "urls", urls } };
    },
  };
}

function stored(changed) {
  const prefix = text({ placeholder: "0123abcd", pattern: "[0-9a-f]{0,64}", changed });
  return {
    said: () => (prefix.value.trim() ? `stored images whose address begins with ${prefix.value.trim()}` : "every stored image"),
    fields: [labelled("The first digits of their content address", prefix, "Empty is every image that the server holds, whoever sent it.")],
    read() {
      if (!prefix.validity.valid) throw new RangeError("A content address has the digits 0 to 9 and a to f.");
      return { source: { kind: "prefix", prefix: prefix.value.trim() } };
    },
  };
}

function checksum(changed) {
  const input = text({ placeholder: "sha256:…", changed });
  return {
    element: labelled("Checksum, if you know it", input, "md5:, sha1: or sha256: and the digits. Nothing is worked on before it is right."),
    read() {
      const value = input.value.trim().toLowerCase();
      if (value && !/^(md5:[0-9a-f]{32}|sha1:[0-9a-f]{40}|sha256:[0-9a-f]{64})$/.test(value)) throw new RangeError("A checksum is md5:, sha1: or sha256: with its 32, 40 or 64 digits.");
      return value || undefined;
    },
  };
}

function text({ changed, value, ...props }) {
  return h("input", { type: "text", spellcheck: "false", autocomplete: "off", value: value ?? "", oninput: changed, ...props });
}

function needed(input, sentence) {
  const value = input.value.trim();
  if (!value) throw new RangeError(sentence);
  return value;
}

function listOf(input) {
  const list = input.value.split(",").map((one) => one.trim()).filter(Boolean);
  return list.length ? list : undefined;
}
