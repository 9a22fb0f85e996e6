/* Paper: stamps open, and a dark page in light ink; afterwards as the reader had it. */
(() => {
  "use strict";
  const root = document.documentElement;
  const stamps = () => document.querySelectorAll("details.provenance");
  window.addEventListener("beforeprint", () => {
    stamps().forEach((stamp) => { stamp.open = true; });
    if (root.dataset.theme !== "dark") return;
    root.dataset.printing = "dark";
    root.dataset.theme = "light";
  });
  window.addEventListener("afterprint", () => {
    stamps().forEach((stamp) => { stamp.open = false; });
    if (!root.dataset.printing) return;
    root.dataset.theme = root.dataset.printing;
    setTimeout(() => { delete root.dataset.printing; }); // after charts.js has looked away from both changes
  });
})();
