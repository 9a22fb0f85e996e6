/* One selection for the whole page: model, task, layer and condition are chosen once, for every chart that has a menu of
   them; the choice stands in the page's address and goes along to the book's other pages. Whatever is unknown in an
   address is left alone. Loaded on every page: a text without charts passes the choice on. */
(() => {
  "use strict";
  const SHARED = ["model", "task", "layer", "condition"];
  const LONGEST = 200; // characters of a value that goes along
  const FOLLOWS = "Charts that have the choice follow, the text does not.";
  const ABSENT = "What the address asks for is not on this page.";

  /* The menu of a column in a chart: its values, the one that it starts at, and the signal that holds the chosen one. */
  const menuOf = (parameter, column) => {
    const { bind, name, value } = parameter;
    const values = bind.input === "range"
      ? Array.from({ length: Math.floor((bind.max - bind.min) / bind.step) + 1 }, (_, at) => bind.min + at * bind.step)
      : bind.options;
    return parameter.select
      ? { column, values, first: value[0][column], signal: `${name}_${column}` }
      : { column, values, first: value, signal: name };
  };

  const menusOf = (spec) => SHARED.flatMap((column) => {
    const found = (spec.params ?? []).find(({ name, bind }) => name === `choose_${column}` && bind?.input);
    return found ? [menuOf(found, column)] : [];
  });

  /* What a chart's tables hold of a column for which it has no menu. */
  const valuesIn = (spec, column) => new Set(Object.values(spec.datasets ?? {}).flatMap((table) => {
    const held = Array.isArray(table) ? table.map((row) => row[column]) : table.columns[column];
    return (Array.isArray(held) ? held : held?.of ?? []).filter((value) => value !== undefined);
  }));

  const read = (figure) => {
    const spec = JSON.parse(figure.querySelector("script.vl-spec").textContent);
    const menus = menusOf(spec);
    const held = SHARED.filter((column) => !menus.some((menu) => menu.column === column))
      .map((column) => [column, valuesIn(spec, column)]);
    return { figure, menus, held: held.filter(([, values]) => values.size > 0) };
  };

  const charts = new Map(); // figure -> its menus
  const choices = new Map(); // column -> the page's values and the select that shows them
  let words;

  const collect = () => {
    document.querySelectorAll("figure.vl-figure").forEach((figure) => {
      try { charts.set(figure, read(figure)); } catch { /* a chart that cannot be read stays a picture */ }
    });
    const menus = [...charts.values()].flatMap((chart) => chart.menus);
    SHARED.forEach((column) => {
      const own = menus.filter((menu) => menu.column === column);
      if (own.length === 0) return;
      const values = [...new Set(own.flatMap((menu) => menu.values))];
      if (values.every((value) => typeof value === "number")) values.sort((one, other) => one - other);
      choices.set(column, { values, first: own[0].first });
    });
  };

  const chosen = (column) => {
    const { values, select } = choices.get(column);
    return values[select.selectedIndex];
  };

  const asked = () => new URLSearchParams(location.search);

  const build = () => {
    collect();
    if (choices.size === 0) return;
    const bar = document.createElement("div");
    bar.className = "page-selection";
    const controls = document.createElement("div");
    controls.setAttribute("role", "group");
    controls.setAttribute("aria-label", "What the charts of this page show");
    let absent = false;
    choices.forEach((choice, column) => {
      const label = document.createElement("label");
      label.append(column[0].toUpperCase() + column.slice(1));
      choice.select = document.createElement("select");
      choice.select.name = column;
      choice.select.autocomplete = "off";
      choice.values.forEach((value) => choice.select.add(new Option(String(value))));
      const place = choice.values.map(String).indexOf(asked().get(column));
      absent ||= place < 0 && asked().has(column);
      choice.select.selectedIndex = place < 0 ? choice.values.indexOf(choice.first) : place;
      choice.select.addEventListener("change", () => choose(column));
      label.append(choice.select);
      controls.append(label);
    });
    const note = document.createElement("small");
    note.textContent = absent ? ABSENT : FOLLOWS;
    words = document.createElement("p");
    controls.append(note);
    bar.append(controls, words);
    say();
    place(bar);
  };

  /* Before the first chart that follows, where it sticks to the top for all that comes after it. */
  const place = (bar) => {
    const first = [...charts.values()].find((chart) => chart.menus.length > 0).figure;
    const main = first.closest("article > section, article, main, body");
    let part = first;
    while (part.parentElement !== main) part = part.parentElement;
    part.before(bar);
  };

  const say = () => {
    const parts = [...choices.keys()].map((column) => `${column} ${chosen(column)}`);
    words.textContent = `Chosen for the charts that have it: ${parts.join(", ")}.`;
  };

  const choose = (column) => {
    const address = asked();
    address.set(column, chosen(column));
    try { history.replaceState(null, "", `?${address}${location.hash}`); } catch { /* the charts follow all the same */ }
    say();
    charts.forEach(apply);
  };

  const apply = ({ figure, menus, held }) => {
    const view = figure.companionView;
    if (!view || choices.size === 0) return;
    const lacking = menus.filter((menu) => !menu.values.includes(chosen(menu.column)));
    menus.forEach((menu) => {
      const control = [...figure.querySelectorAll(".vega-bind")].find((one) => one.querySelector(`[name="${menu.signal}"]`));
      if (control) control.hidden = true;
      const value = lacking.includes(menu) ? menu.first : chosen(menu.column);
      if (view.signal(menu.signal) !== value) view.signal(menu.signal, value).runAsync();
    });
    const notes = lacking.map((menu) => [menu.column, menu.first]);
    held.forEach(([column, values]) => {
      if (!choices.has(column) || values.has(chosen(column))) return;
      notes.push([column, values.size === 1 ? [...values][0] : undefined]);
    });
    tell(figure, notes.map(([column, shown]) =>
      `This chart has no ${column} ${chosen(column)}${shown === undefined ? "" : `; it shows ${shown}`}.`).join(" "));
  };

  const tell = (figure, text) => {
    let line = figure.querySelector(".figure-lacks");
    if (!line && !text) return;
    if (!line) {
      line = document.createElement("p");
      line.className = "figure-lacks";
      figure.prepend(line);
    }
    line.textContent = text;
    line.hidden = !text;
  };

  /* Charts arrive one by one, and anew with every change of theme or width. */
  let ready = false;
  const prepare = () => {
    if (ready) return;
    ready = true;
    if (window.vegaEmbed) build();
  };
  document.addEventListener("chart-drawn", (event) => {
    prepare();
    if (charts.has(event.target)) apply(charts.get(event.target));
  });
  document.addEventListener("DOMContentLoaded", prepare); // when Vega, which is loaded after this, is there or is not

  /* A link to another page of the book takes the choice along, however it is opened. */
  const carry = (event) => {
    const link = event.target.closest?.("a[href]");
    if (!(link instanceof HTMLAnchorElement) || link.download || link.getAttribute("href").startsWith("#")) return;
    const elsewhere = link.protocol !== location.protocol || link.host !== location.host;
    if (elsewhere || !link.pathname.endsWith(".html")) return;
    const to = new URLSearchParams(link.search);
    SHARED.forEach((column) => {
      const choice = choices.get(column);
      const value = asked().get(column);
      if (value === null || value.length > LONGEST) return;
      if (!choice || choice.values.map(String).includes(value)) to.set(column, value);
    });
    if (String(to)) link.search = to;
  };
  ["click", "auxclick", "contextmenu"].forEach((kind) => document.addEventListener(kind, carry, true));
})();
