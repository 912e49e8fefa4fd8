// Runs before the first paint, so that a chosen theme does not flash up after another. No module: those wait for the page.

(() => {
  const theme = localStorage.getItem("darkroom.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
