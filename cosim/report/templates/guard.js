"use strict";
// Anything that goes wrong on the page is kept where a test and a reader can see it.
(() => {
  const found = [];
  const keep = (text) => {
    found.push(String(text));
    document.documentElement.dataset.errors = JSON.stringify(found);
    const banner = document.getElementById("trouble");
    if (banner) banner.hidden = false;
  };
  addEventListener("error", (event) => keep(event.message || "a resource failed to load"), true);
  addEventListener("unhandledrejection", (event) => keep(event.reason));
  addEventListener("securitypolicyviolation", (event) =>
    keep(`blocked: ${event.violatedDirective} ${event.blockedURI}`));
  let theme = null;
  try { theme = localStorage.getItem("cosim-theme"); } catch { /* files may have no storage */ }
  const asked = /^#theme=(light|dark)$/.exec(location.hash);
  if (asked) theme = asked[1];
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
