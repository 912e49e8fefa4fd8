// Icons as strokes of a 24 by 24 grid. They say nothing alone: a text is always beside them or in a label.

import { h } from "/ui/core/dom.js";

const PATHS = {
  brand: "M12 3a9 9 0 1 0 0 18 9 9 0 1 0 0-18M12 3v18M12 7.5h5.5M12 12h8.5M12 16.5h5.5",
  menu: "M4 6h16M4 12h16M4 18h16",
  overview: "M4 19V9M9.5 19V5M15 19v-7M20 19V8",
  try: "M12 4v10M8 8l4-4 4 4M4 15v4a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-4",
  jobs: "M4 6h16M4 12h16M4 18h10",
  runs: "M4 5h7v6H4zM13 5h7v6h-7zM4 13h7v6H4zM13 13h7v6h-7z",
  dead: "M12 3l9.5 17h-19zM12 10v4M12 17v.5",
  log: "M6 3h9l4 4v14H6zM14 3v5h5M9 12h7M9 16h7",
  models: "M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9",
  queues: "M4 7h10M4 12h10M4 17h10M18 6v12M15.5 15.5L18 18l2.5-2.5",
  workers: "M4 5h16v6H4zM4 13h16v6H4zM8 8v.1M8 16v.1",
  users: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 1 0 0 7M3 20c0-4 3-6 6-6s6 2 6 6M16 4.5a3.5 3.5 0 0 1 0 6.5M17.5 14.5c2 .8 3.5 2.600 3.500 5.500",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4",
  light: "M12 8a4 4 0 1 0 0 8 4 4 0 1 0 0-8M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400",
  dark: "M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500",
  system: "M3.500 5h17v11h-17zM9 20h6M12 16v4",
  close: "M6 6l12 12M18 6L6 18",
  check: "M5 12.500l4.500 4.500L19 7.500",
  retry: "M20 12a8 8 0 1 1-2.500-5.800M20 3v5h-5",
  trash: "M5 7h14M10 4h4M7 7l1 13h8l1-13M10 11v5M14 11v5",
  download: "M12 4v11M8 11l4 4 4-4M4 19h16",
  pause: "M8 5v14M16 5v14",
  limit: "M4 18a8.5 8.5 0 1 1 16 0M12 17l4.500-6",
  play: "M7 5l12 7-12 7z",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 1 0 0-14M16.500 16.500L21 21",
  broken: "M4 4h16v7l-4 3-4-3-4 3-4-3zM4 15.500l4 2 4-2.500 4 2.500 4-2V20H4zM9 8v.1",
  copy: "M8 8h12v12H8zM16 8V4H4v12h4",
  columns: "M4 5h16v14H4zM10 5v14M15 5v14",
};

/** An icon by its name, of the size of the text. */
export function icon(name) {
  return h("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" }, h("path", { d: PATHS[name] ?? "" }));
}
