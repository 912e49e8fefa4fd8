// When to look again at a list that the server changes.

import { live } from "/ui/core/live.js";

/** A list is looked at again at most this often, in milliseconds. */
const AT_MOST = 1000;

/** And this often where no event says that something has changed, in milliseconds. */
const FLOOR = 5000;

/** Calls `work` when the server says that something has changed, at most once a second, and only while the page is seen. */
export function whenChanged(work, signal) {
  let [timer, last] = [null, 0];
  const soon = () => {
    if (timer || document.hidden) return;
    timer = setTimeout(async () => {
      await work();
      last = Date.now();
      timer = null;
    }, Math.max(0, last + AT_MOST - Date.now()));
  };
  live.addEventListener("stats", soon, { signal });
  document.addEventListener("visibilitychange", soon, { signal });
  const floor = setInterval(() => live.connection !== "open" && soon(), FLOOR);
  signal.addEventListener("abort", () => { clearInterval(floor); clearTimeout(timer); });
}
