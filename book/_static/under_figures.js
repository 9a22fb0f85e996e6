/* The row under a chart: its table as a file, its link with what is chosen, and the way to it when such a link is opened.
   Loaded only on pages with charts, after them. */
(() => {
  "use strict";
  const FORMULA_SIGNS = /^\s*[=+\-@]/; // text that a spreadsheet would compute (report/page/tables.py)

  const columnsOf = (table) => {
    if (!Array.isArray(table)) {
      return Object.entries(table.columns)
        .map(([name, values]) => [name, Array.isArray(values) ? values : values.at.map((place) => values.of[place])]);
    }
    const names = [...new Set(table.flatMap((row) => Object.keys(row)))];
    return names.map((name) => [name, table.map((row) => row[name])]);
  };

  const cell = (value) => {
    if (value === null || value === undefined) return "";
    if (typeof value !== "string") return String(value);
    const text = FORMULA_SIGNS.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };

  const csvOf = (columns) => {
    const rows = columns[0][1].map((_, row) => columns.map(([, values]) => cell(values[row])));
    return [columns.map(([name]) => cell(name)), ...rows].map((row) => `${row.join(",")}\r\n`).join("");
  };

  const save = (text, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };

  const offerData = (row, figure) => {
    const spec = JSON.parse(figure.querySelector("script.vl-spec").textContent);
    const tables = Object.values(spec.datasets ?? {}).map(columnsOf).filter((columns) => columns.length > 0);
    const page = location.pathname.split("/").pop().replace(/\.html$/, "");
    const buttons = tables.map((columns, at) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = tables.length > 1 ? `data ${at + 1} (CSV)` : "data (CSV)";
      button.title = columns.map(([name]) => name).join(", ");
      const part = tables.length > 1 ? `-${at + 1}` : "";
      button.addEventListener("click", () => save(csvOf(columns), `${page}-${figure.id}${part}.csv`));
      return button;
    });
    row.querySelector(".figure-link").after(...buttons);
  };

  const copyLink = (link) => link.addEventListener("click", async () => {
    const address = new URL(link.getAttribute("href"), location.href).href; // the page's own address holds the choice
    try {
      await navigator.clipboard.writeText(address);
      link.textContent = "link copied";
      setTimeout(() => { link.textContent = "link"; }, 2000);
    } catch { /* it stands in the address bar */ }
  });

  /* Pictures that turn into charts move what is below them; until the reader moves, the asked figure stays in sight. */
  const stayAtTarget = () => {
    const target = location.hash.startsWith("#figure-") && document.getElementById(location.hash.slice(1));
    if (!target) return;
    const back = () => target.scrollIntoView();
    const moved = ["wheel", "touchmove", "keydown", "pointerdown"];
    const letGo = () => {
      document.removeEventListener("chart-drawn", back);
      moved.forEach((kind) => window.removeEventListener(kind, letGo));
    };
    document.addEventListener("chart-drawn", back);
    moved.forEach((kind) => window.addEventListener(kind, letGo, { passive: true }));
    back();
  };

  document.querySelectorAll(".under-figure").forEach((row) => {
    const figure = document.getElementById(row.dataset.figure);
    copyLink(row.querySelector(".figure-link"));
    try { offerData(row, figure); } catch (error) { console.error("a chart's table cannot be read:", error); }
  });
  stayAtTarget();
})();
