// Numbers, sizes and times for people. Times are shown in the zone of this computer, ages by the server's clock.

import { h } from "/ui/core/dom.js";
import { clock } from "/ui/core/clock.js";

const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** 12,345; from a hundred thousand on 123.5K. */
export function number(value) {
  if (value === null || value === undefined) return "–";
  return Math.abs(value) < 100_000 ? whole.format(value) : short.format(value);
}

/** The same where there is little room: from ten thousand on 12.3K. */
export function brief(value) {
  return Math.abs(value) < 10_000 ? whole.format(value) : short.format(value);
}

/** 0.123 as 12.3 %. */
export function percent(share, digits = 1) {
  return Number.isFinite(share) ? `${(share * 100).toFixed(digits)} %` : "–";
}

/** 1536 as 1.5 KiB. */
export function bytes(value) {
  if (value === null || value === undefined) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit += 1; }
  return `${value.toFixed(unit === 0 || value >= 100 ? 0 : 1)} ${units[unit]}`;
}

/** Microseconds as 850 µs, 12.3 ms or 4.2 s. */
export function micros(value) {
  if (value === null || value === undefined) return "–";
  if (value < 1000) return `${Math.round(value)} µs`;
  return millis(value / 1000);
}

/** Milliseconds as 12.3 ms, 4.2 s or 3 min. */
export function millis(value) {
  if (value === null || value === undefined) return "–";
  if (value < 1000) return `${value < 100 ? Number(value.toFixed(1)) : Math.round(value)} ms`;
  return duration(value / 1000);
}

/** Seconds as 4.2 s, 3 min 12 s, 2 h 5 min or 3 d 4 h. */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  const parts = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const first = parts.findIndex(([, size]) => seconds >= size);
  const [[unit, size], next] = [parts[first], parts[first + 1]];
  const head = Math.floor(seconds / size);
  const tail = next ? Math.floor((seconds % size) / next[1]) : 0;
  return tail ? `${head} ${unit} ${tail} ${next[0]}` : `${head} ${unit}`;
}

/** How long ago a time was, as an element that names the exact time when pointed at. */
export function ago(time) {
  if (!time) return h("span", {}, "–");
  const element = h("time", { datetime: time, title: exact(time) });
  element.textContent = agoText(time);
  return element;
}

/** "12 s ago", "in 3 min", "2 h 5 min ago": of minutes no seconds, so that a list does not flicker. */
export function agoText(time) {
  const seconds = (clock.now() - Date.parse(time)) / 1000;
  if (Math.abs(seconds) < 1) return "now";
  const whole = Math.floor(Math.abs(seconds));
  const words = duration(whole < 60 ? whole : whole - (whole % 60));
  return seconds < 0 ? `in ${words}` : `${words} ago`;
}

/** The date and time in this computer's zone, to the millisecond. */
export function exact(time) {
  const date = new Date(time);
  const two = (value) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** `failed_transiently` as "failed transiently". */
export function words(name) {
  return String(name ?? "").replaceAll("_", " ");
}

/** A word as the beginning of a sentence. */
export function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A text of the server in which what stands between backticks is code. */
export function marked(text) {
  return String(text ?? "").split("`").map((part, index) => (index % 2 ? h("code", {}, part) : part));
}

/** Keeps the ages in `root` true while the page is shown. */
export function keepAges(root, signal) {
  const look = () => {
    for (const element of root.querySelectorAll("time[datetime]")) {
      const text = agoText(element.getAttribute("datetime"));
      if (element.textContent !== text) element.textContent = text;
    }
  };
  const timer = setInterval(look, 1000);
  addEventListener("clock", look, { signal });
  signal.addEventListener("abort", () => clearInterval(timer));
}
