/* What scrolls sideways can be reached and scrolled with the keyboard: wide formulas, charts, tables and code. A formula in
   a line scrolls where it is wider than the page. What is no figure fades out at the side where it goes on. And what opens
   a part of the contents has a name. */
(() => {
  "use strict";
  const WIDE = "mjx-container[display=true], .wide-formula, figure.vl-figure, figure.rooms, .companion-table, .pst-scrollable-table-container, div.highlight pre";
  const EDGE = 4; // pixels that are not worth a scroll
  const IN_LINE = "article mjx-container:not([display=true])";
  const mark = () => {
    document.querySelectorAll(IN_LINE).forEach((formula) => {
      const room = formula.parentElement.clientWidth;
      formula.classList.toggle("wide-formula", room > 0 && (formula.firstElementChild?.getBoundingClientRect().width ?? 0) > room);
    });
    document.querySelectorAll(WIDE).forEach((part) => {
      const scrolls = part.scrollWidth > part.clientWidth && getComputedStyle(part).overflowX !== "visible";
      if (scrolls) part.tabIndex = 0;
      else part.removeAttribute("tabindex");
      if (part.matches("figure")) return; // with words below that do not scroll
      const fade = () => part.classList.toggle("goes-on", scrolls && part.scrollLeft + part.clientWidth < part.scrollWidth - EDGE);
      part.onscroll = fade;
      fade();
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
