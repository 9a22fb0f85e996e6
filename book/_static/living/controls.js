/* Small parts of a page: elements, selects, sliders; what every board of the living model is made of. */
(() => {
  "use strict";
  const Living = (window.Living ??= {});
  const SVG = "http://www.w3.org/2000/svg";

  const fill = (node, attributes, children) => {
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return node;
  };

  Living.make = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
  Living.draw = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

  Living.select = (label, values, chosen, changed) => Living.make(
    "select", { "aria-label": label, onchange: (event) => changed(event.target.value) },
    values.map(([value, words]) => Living.make("option", { value, selected: value === chosen }, words)));

  Living.slider = (label, most, value, moved, words = String) => {
    const shown = Living.make("output", {}, words(value));
    const input = Living.make("input", {
      type: "range", min: 0, max: most, step: 1, "aria-label": label, "aria-valuetext": words(value),
      oninput: () => { shown.textContent = words(Number(input.value)); moved(Number(input.value)); },
    });
    input.value = value;
    const set = (next) => {
      input.value = next;
      shown.textContent = words(next);
      input.setAttribute("aria-valuetext", words(next));
    };
    return { node: Living.make("label", { class: "slider" }, Living.make("span", {}, label), input, shown), set };
  };

  Living.percent = (share) => (share > 0 && share < 0.005 ? "< 1 %" : `${Math.round(100 * share)} %`);

  /* The looks of the answers on offer, told apart by shape and dash as well; the last is for every other word. */
  Living.LOOKS = [
    { color: "var(--living-first)", dash: "none", shape: "circle" },
    { color: "var(--living-second)", dash: "7 3", shape: "square" },
    { color: "var(--living-third)", dash: "2 3", shape: "triangle" },
  ];
  Living.OTHER = { color: "var(--living-other)", dash: "1 4", shape: "circle" };

  Living.marker = (shape, x, y, size, attributes = {}) => {
    if (shape === "circle") return Living.draw("circle", { cx: x, cy: y, r: size, ...attributes });
    if (shape === "square") return Living.draw("rect", { x: x - size, y: y - size, width: 2 * size, height: 2 * size, ...attributes });
    return Living.draw("path", { d: `M${x} ${y - 1.2 * size}l${1.2 * size} ${2.1 * size}h${-2.4 * size}z`, ...attributes });
  };
})();
