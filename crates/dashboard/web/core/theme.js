// Light, dark, or as the computer has it. `first.js` reads what is kept here before anything is drawn.

import { segmented } from "/ui/parts/choice.js";

const KEY = "darkroom.theme";

const THEMES = [
  { value: "light", text: "Light", icon: "light" },
  { value: "dark", text: "Dark", icon: "dark" },
  { value: "system", text: "As the system", icon: "system" },
];

/** The switch. */
export function themeSwitch() {
  return segmented({ label: "Colours", options: THEMES, value: localStorage.getItem(KEY) ?? "system", icons: "only", change: choose });
}

function choose(theme) {
  if (theme === "system") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, theme);
  show(theme);
}

function show(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

// One choice for all tabs.
addEventListener("storage", (event) => event.key === KEY && show(event.newValue ?? "system"));
