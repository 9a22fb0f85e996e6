/* What scrolls sideways can be reached and scrolled with the keyboard: wide formulas, charts, tables and code. */
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
  let pending;
  const markSoon = () => { clearTimeout(pending); pending = setTimeout(mark, 150); };
  window.addEventListener("load", () => {
    mark();
    window.MathJax?.startup?.promise?.then(mark);
    window.addEventListener("resize", markSoon);
  });
})();
