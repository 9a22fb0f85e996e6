/* Turns the static picture of every chart into the live chart, in the ink of the page's theme.
   Whatever goes wrong, the picture stays. Loaded only on pages with charts, after Vega. */
(() => {
  "use strict";
  const NARROW = 560; // below this width in pixels a legend has two columns, or one where two are too wide
  const BESIDE = 70; // axis labels and title beside a panel
  const SMALLEST = 140; // a panel narrower than this takes a row of its own
  const UNUSED = 24; // as much room beside panels goes to them
  const LETTER = 6.2; // mean width in pixels of a letter of an axis title
  const INK = { text: "#d5dbe1", faint: "#3d4756", axis: "#8a94a3" };
  const DARK = {
    axis: { labelColor: INK.text, titleColor: INK.text, gridColor: INK.faint, domainColor: INK.axis, tickColor: INK.axis },
    legend: { labelColor: INK.text, titleColor: INK.text },
    header: { labelColor: INK.text, titleColor: INK.text },
    title: { color: INK.text, subtitleColor: INK.text },
    text: { color: INK.text },
    rule: { color: INK.axis },
    tick: { color: INK.axis },
    style: { interval: { color: INK.text, stroke: INK.text } },
  };
  /* Vega calls marks a picture that it gives no words; the chart's own words say what they show. */
  const UNSPOKEN = "svg [role=graphics-symbol]:not([aria-label])";
  const isDark = () => document.documentElement.dataset.theme === "dark";

  const merge = (base, over) => {
    const result = { ...base };
    for (const [key, value] of Object.entries(over)) {
      const nested = value && typeof value === "object" && !Array.isArray(value);
      result[key] = nested ? merge(result[key] ?? {}, value) : value;
    }
    return result;
  };

  /* Tables come by columns, repeated texts written once (analysis_lib/report/packed_tables.py). */
  const unpack = (spec) => {
    for (const [name, table] of Object.entries(spec.datasets ?? {})) {
      if (Array.isArray(table)) continue;
      const columns = Object.entries(table.columns)
        .map(([column, values]) => [column, Array.isArray(values) ? values : values.at.map((place) => values.of[place])]);
      spec.datasets[name] = Array.from({ length: table.length },
        (_, row) => Object.fromEntries(columns.map(([column, values]) => [column, values[row]])));
    }
    return spec;
  };

  /* As wide as the page; panels get narrower, then fewer to a row. The width is a number that changes when the page
     does: Vega's own "container" width reads the container while the old chart still holds it open. */
  const fit = (spec, width, { columns, wider = 0, narrow = width - BESIDE }) => {
    const panels = spec.spec ? [spec.spec] : spec.concat ?? [];
    if (spec.width === "container") {
      spec.width = width;
      spec.autosize = { type: "fit-x", contains: "padding" };
      spec.padding = { left: 0, right: 8, top: 5, bottom: 5 }; // marks and labels at the right end stay whole
    } else if (panels.length === 0) {
      shrink(spec, width - BESIDE);
    }
    if (panels.length > 0) {
      let across = spec.columns ?? 1;
      while (across > 1 && width / across - BESIDE < SMALLEST) across -= 1;
      spec.columns = across;
      panels.forEach((panel) => {
        shrink(panel, width / across - BESIDE);
        if (wider) panel.width += Math.floor(wider / across);
      });
    }
    breakLongTitles(spec, narrow);
    if (columns) {
      letLegendsFlow(spec);
      spec.config = merge(spec.config ?? {}, { legend: { columns } });
    }
    return spec;
  };

  /* Titles of horizontal axes that are wider than their panel, in lines; the upright ones come broken (long_titles.py). */
  const breakLongTitles = (part, room) => {
    if (!part || typeof part !== "object") return;
    if (typeof part.width === "number") room = Math.min(room, part.width);
    const x = part.encoding?.x;
    const letters = Math.floor(room / LETTER);
    if (typeof x?.title === "string" && x.title.length > letters) {
      const lines = [""];
      x.title.split(" ").forEach((word) => {
        const longer = `${lines.at(-1)} ${word}`.trim();
        if (longer.length <= letters) lines[lines.length - 1] = longer;
        else lines.push(word);
      });
      x.title = lines.filter(Boolean);
    }
    Object.entries(part).forEach(([key, value]) => { if (key !== "datasets") breakLongTitles(value, room); });
  };

  /* Legends with a number of columns of their own would not take the page's. */
  const letLegendsFlow = (part) => {
    if (!part || typeof part !== "object") return;
    delete part.legend?.columns;
    Object.entries(part).forEach(([key, value]) => { if (key !== "datasets") letLegendsFlow(value); });
  };

  const shrink = (view, room) => {
    if (typeof view.width !== "number" || view.width <= room) return;
    if (view.height === view.width) view.height = room; // a square stays one
    view.width = room;
  };

  const draw = (figure, host, looks) => {
    const spec = fit(unpack(JSON.parse(figure.querySelector("script.vl-spec").textContent)), figure.companionWidth, looks);
    if (isDark()) spec.config = merge(spec.config ?? {}, DARK);
    return window.vegaEmbed(host, spec, {
      renderer: "svg",
      tooltip: { theme: isDark() ? "dark" : "light" },
      actions: { export: true, source: false, compiled: false, editor: false },
      downloadFileName: "chart",
    });
  };

  /* What the drawn chart shows to be better: long words in a legend of two columns make a chart wider than the page, and
     all its words small, or are cut; the button that saves the chart lies on a legend; long labels of rows leave no room for
     the title below; panels in a row leave room that nobody knew of before. */
  const improved = (figure, host, { spec, view }, looks) => {
    const svg = view.container().querySelector("svg");
    const room = figure.companionWidth - svg.width.baseVal.value;
    const end = svg.getBoundingClientRect().right + 1;
    const words = [...svg.querySelectorAll(".role-legend-label text")].map((word) => word.getBoundingClientRect());
    const button = host.querySelector("summary")?.getBoundingClientRect();
    const covered = button && words.some(({ right, top }) => right > button.left && top < button.bottom);
    if ((room < 0 || words.some(({ right }) => right > end)) && looks.columns > 1) return { ...looks, columns: 1 };
    if (covered && looks.columns === 2) return { ...looks, columns: 1 };
    if (covered && !looks.columns) return { ...looks, columns: Math.ceil(words.length / 2) };
    const cut = [...svg.querySelectorAll(".role-axis-title text")].some((title) => title.getBoundingClientRect().right > end);
    if (cut && !looks.narrow) {
      const panels = [...svg.querySelectorAll(".mark-group.role-frame path.background, .mark-group.role-scope path.background")];
      return { ...looks, narrow: Math.min(...panels.map((panel) => panel.getBoundingClientRect().width).filter((wide) => wide > 0)) };
    }
    const grows = spec.facet && typeof spec.spec.width === "number";
    if (room > UNUSED && grows && !looks.wider) return { ...looks, wider: room };
    return undefined;
  };

  const mount = async (figure) => {
    const picture = figure.querySelector("img.vl-static");
    const previous = figure.querySelector(".vl-live");
    const host = document.createElement("div");
    host.className = "vl-live";
    figure.insertBefore(host, picture);
    try {
      figure.companionWidth = figure.clientWidth;
      let looks = figure.companionWidth < NARROW ? { columns: 2 } : {};
      let embedded = await draw(figure, host, looks);
      for (let better; (better = improved(figure, host, embedded, looks)); looks = better) {
        embedded.finalize();
        embedded = await draw(figure, host, better);
      }
      host.querySelector("summary")?.setAttribute("aria-label", "Save this chart as a picture");
      host.querySelectorAll(UNSPOKEN).forEach((marks) => marks.setAttribute("aria-hidden", "true"));
      keepChoices(previous, host);
      picture.hidden = true;
      previous?.remove();
      figure.companionView?.finalize();
      figure.companionView = embedded.view;
      figure.dispatchEvent(new CustomEvent("chart-drawn", { bubbles: true })); // selection.js sets what the reader chose
    } catch (error) {
      host.remove();
      picture.hidden = previous !== null;
      console.error("a chart stays a picture:", error);
    }
  };

  /* A change of theme draws the chart anew; what the reader chose in its menus and sliders stays chosen. */
  const CONTROLS = ".vega-bindings :is(select, input[type=range])";
  const keepChoices = (previous, host) => {
    previous?.querySelectorAll(CONTROLS).forEach((menu, place) => {
      const fresh = host.querySelectorAll(CONTROLS)[place];
      if (fresh && fresh.value !== menu.value) {
        fresh.value = menu.value;
        fresh.dispatchEvent(new Event("input", { bubbles: true }));
        fresh.dispatchEvent(new Event("change", { bubbles: true }));
      }
    });
  };

  const start = () => {
    if (!window.vegaEmbed) return;
    const figures = [...document.querySelectorAll("figure.vl-figure")];
    const mountAll = () => figures.forEach(mount);
    let theme = isDark();
    mountAll();
    new MutationObserver(() => {
      if (document.documentElement.dataset.printing) return; // print.js shows the pictures
      if (theme !== isDark()) { theme = isDark(); mountAll(); }
    }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    let pending;
    const resized = new ResizeObserver(() => {
      clearTimeout(pending);
      pending = setTimeout(() => {
        figures.filter((figure) => Math.abs(figure.clientWidth - figure.companionWidth) > 4).forEach(mount);
      }, 150);
    });
    figures.forEach((figure) => resized.observe(figure));
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
