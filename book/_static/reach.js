/* What scrolls sideways can be reached and scrolled with the keyboard: wide formulas, charts, tables and code. And what
   opens a part of the contents has a name. */
(() => {
  "use strict";
  const WIDE = "mjx-container[display=true], figure.vl-figure, figure.rooms, .companion-table, .pst-scrollable-table-container, div.highlight pre";
  const mark = () => {
    document.querySelectorAll(WIDE).forEach((part) => {
      const scrolls = part.scrollWidth > part.clientWidth && getComputedStyle(part).overflowX !== "visible";
      if (scrolls) part.tabIndex = 0;
      else part.removeAttribute("tabindex");
    });
  };
  const name = () => {
    document.querySelectorAll("nav summary").forEach((toggle) => {
      if (toggle.textContent.trim()) return;
      const chapter = toggle.closest("li")?.querySelector("a")?.textContent.trim();
      toggle.setAttribute("aria-label", chapter ? `Pages below ${chapter}` : "Pages below");
    });
  };
  let pending;
  const markSoon = () => { clearTimeout(pending); pending = setTimeout(mark, 150); };
  window.addEventListener("load", () => {
    mark();
    name();
    window.MathJax?.startup?.promise?.then(mark);
    window.addEventListener("resize", markSoon);
    document.addEventListener("toggle", markSoon, true); // what was folded has no width before
  });
})();
