// Scales of charts: tops and marks that are read at a glance.

/** Tops within a power of ten; the half of each is as round. */
const ROUND = [1, 2, 4, 6, 8, 10];

/** Tops of times from a minute to a day, in seconds. */
const LONG = [60, 120, 240, 600, 1200, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400];

/** Between marks of a time axis, in milliseconds: 5 minutes to 4 days. */
const BETWEEN = [5, 10, 15, 20, 30, 60, 120, 180, 360, 720, 1440, 2880, 5760].map((minutes) => minutes * 60_000);

const DAY = 86_400_000;

/** The top of an axis that `value` fits under. `unit` is what it counts: `count`, `milliseconds` or `seconds`. */
export function topOf(value, unit) {
  if (unit === "milliseconds") return value < 1000 ? round(Math.max(1, value)) : topOf(value / 1000, "seconds") * 1000;
  if (unit === "seconds" && value > 10) return LONG.find((top) => top >= value) ?? round(value / LONG.at(-1)) * LONG.at(-1);
  return round(Math.max(unit === "count" ? 2 : 1, value));
}

function round(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return ROUND.map((step) => step * power).find((step) => step >= value * 0.999999);
}

/** The times between two others that are marked, at most `most`: full hours and their parts in this computer's zone, with their texts. */
export function marksOf(from, to, most) {
  const apart = BETWEEN.find((step) => (to - from) / step <= most) ?? BETWEEN.at(-1);
  const zone = new Date(from).getTimezoneOffset() * 60_000;
  const first = Math.ceil((from - zone) / apart) * apart + zone;
  const count = Math.max(0, Math.floor((to - first) / apart) + 1);
  return Array.from({ length: count }, (_, index) => first + index * apart).map((at) => ({ at, text: markText(at, zone) }));
}

function markText(at, zone) {
  const midnight = (at - zone) % DAY === 0;
  return new Date(at).toLocaleString("en-GB", midnight ? { weekday: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit" });
}
