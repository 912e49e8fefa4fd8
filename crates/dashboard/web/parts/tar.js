// Files of this computer as one archive, which the browser reads piece by piece while it is sent.

/** The size of a record (POSIX.1-2001, pax: ustar interchange format). */
const RECORD = 512;

/** Bytes of a name that the header itself holds. */
const MAX_NAME = 100;

const encoder = new TextEncoder();

/** A tar archive of `[{ path, file }]` as a blob. Nothing is read yet: the files stay where they are. */
export function tar(entries) {
  const parts = [];
  for (const { path, file } of entries) {
    const name = encoder.encode(path);
    if (name.length > MAX_NAME) {
      const long = record("path", path);
      parts.push(header({ name: encoder.encode("pax"), size: long.length, type: "x" }), ...padded(long, long.length));
    }
    parts.push(header({ name: name.slice(0, MAX_NAME), size: file.size, type: "0" }), ...padded(file, file.size));
  }
  parts.push(new Uint8Array(2 * RECORD));
  return new Blob(parts, { type: "application/x-tar" });
}

function padded(content, size) {
  const rest = size % RECORD;
  return rest ? [content, new Uint8Array(RECORD - rest)] : [content];
}

/** One entry of an extended header: its own length in decimal, a blank, `name=value`, a line feed. */
function record(name, value) {
  const rest = encoder.encode(` ${name}=${value}\n`).length;
  let length = rest + String(rest).length;
  if (rest + String(length).length > length) length += 1;
  return encoder.encode(`${length} ${name}=${value}\n`);
}

function header({ name, size, type }) {
  const bytes = new Uint8Array(RECORD);
  const put = (text, at) => bytes.set(encoder.encode(text), at);
  bytes.set(name, 0);
  put("0000644\0", 100);
  put("0000000\0", 108);
  put("0000000\0", 116);
  putSize(bytes, size);
  put("00000000000\0", 136);
  put("        ", 148);
  put(type, 156);
  put("ustar\u000000", 257);
  const sum = bytes.reduce((all, byte) => all + byte, 0);
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return bytes;
}

/** Twelve bytes: octal digits up to 8 GiB, from there on the number itself with the first bit set, as GNU tar does. */
function putSize(bytes, size) {
  if (size < 8 ** 11) return bytes.set(encoder.encode(`${size.toString(8).padStart(11, "0")}\0`), 124);
  bytes[124] = 0x80;
  for (let at = 135, rest = size; rest > 0; at -= 1, rest = Math.floor(rest / 256)) bytes[at] = rest % 256;
}
