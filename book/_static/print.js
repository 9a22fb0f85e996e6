/* Paper: stamps open, and a dark page in light ink; afterwards as the reader had it. */
(() => {
  "use strict";
  const root = document.documentElement;
  let closed = []; // stamps that are open for the paper only
  window.addEventListener("beforeprint", () => {
    closed = closed.concat([...document.querySelectorAll("details.provenance")].filter((stamp) => !stamp.open));
    closed.forEach((stamp) => { stamp.open = true; });
    if (root.dataset.theme !== "dark") return;
    root.dataset.printing = "dark";
    root.dataset.theme = "light";
  });
  window.addEventListener("afterprint", () => {
    closed.forEach((stamp) => { stamp.open = false; });
    closed = [];
    if (!root.dataset.printing) return;
    root.dataset.theme = root.dataset.printing;
    setTimeout(() => { delete root.dataset.printing; }); // after charts.js has looked away from both changes
  });
})();
