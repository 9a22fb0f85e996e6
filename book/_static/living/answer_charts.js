/* What the model says: bars for the answers on offer, and their probabilities through the layers. */
(() => {
  "use strict";
  const Living = (window.Living ??= {});
  const WIDTH = 360, HEIGHT = 200, LEFT = 34, RIGHT = 62, TOP = 10, BOTTOM = 32;

  Living.answerBars = () => {
    const { make, percent } = Living;
    const said = make("p", { class: "said", role: "status" }), bars = make("div", { class: "bars" });
    const bar = (name, share, before, look) => make("div", { class: "bar" },
      make("span", { class: "name" }, name),
      make("span", { class: "track", "aria-hidden": "true" },
        make("span", { class: "filled", style: `width: ${(100 * share).toFixed(1)}%; background: ${look.color}` }),
        before === null ? null : make("span", { class: "before", style: `left: ${(100 * before).toFixed(1)}%` })),
      make("span", { class: "share" }, percent(share)));

    /* `rows`: name, share, share before anything was cut (or null) and look of each answer. */
    const show = (rows, words) => {
      said.replaceChildren(...words);
      bars.replaceChildren(...rows.map((row) => bar(row.name, row.share, row.before, row.look)));
    };
    return { nodes: [said, bars], show };
  };

  Living.layerChart = (model, chooseLayer) => {
    const { make, draw } = Living;
    const last = model.tables.layers;
    const x = (layer) => LEFT + ((WIDTH - LEFT - RIGHT) * layer) / last;
    const y = (share) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - share);
    const picture = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", class: "lines",
      onclick: (event) => {
        const box = picture.getBoundingClientRect(), at = ((event.clientX - box.left) / box.width) * WIDTH;
        chooseLayer(Math.min(last, Math.max(0, Math.round(((at - LEFT) * last) / (WIDTH - LEFT - RIGHT)))));
      } });
    const path = (shares) => shares.map((share, layer) => `${layer ? "L" : "M"}${x(layer)} ${y(share).toFixed(1)}`).join("");
    const text = (at, words, more) => draw("text", { x: at[0], y: at[1], ...more }, words);

    /* `rows`: name, shares by layer, those before anything was cut (or null) and look of each answer. */
    const show = (rows, shown, window) => {
      const ends = rows.map((row) => row.shares[last]);
      const order = ends.map((_, n) => n).sort((a, b) => ends[b] - ends[a]);
      let above = -Infinity; // labels at the lines' ends keep apart
      const heights = [];
      for (const n of order) heights[n] = above = Math.max(y(ends[n]) + 4, above + 13);
      picture.replaceChildren(
        ...(window ? [draw("rect", { class: "window", x: x(window[0]), y: TOP, width: x(window[1] + 1) - x(window[0]), height: HEIGHT - TOP - BOTTOM })] : []),
        ...[0, 0.5, 1].flatMap((share) => [
          draw("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(share), y2: y(share) }),
          text([LEFT - 5, y(share) + 4], `${100 * share}%`, { "text-anchor": "end" })]),
        ...Array.from({ length: last + 1 }, (_, layer) => text([x(layer), HEIGHT - BOTTOM + 15], String(layer), { "text-anchor": "middle" })),
        text([(LEFT + WIDTH - RIGHT) / 2, HEIGHT - 3], "after so many layers", { "text-anchor": "middle" }),
        draw("line", { class: "shown", x1: x(shown), x2: x(shown), y1: TOP, y2: HEIGHT - BOTTOM }),
        ...rows.filter((row) => row.before).map((row) => draw("path", { class: "before", d: path(row.before), stroke: row.look.color })),
        ...rows.map((row) => draw("path", { class: "now", d: path(row.shares), stroke: row.look.color, "stroke-dasharray": row.look.dash })),
        ...rows.map((row, n) => text([WIDTH - RIGHT + 5, heights[n]], row.name, { fill: row.look.color, class: "end" })));
      picture.setAttribute("aria-label", `Probability of each answer after 0 to ${last} layers; after the last: ${
        rows.map((row) => `${row.name} ${Living.percent(row.shares[last])}`).join(", ")}`);
    };
    return { nodes: [picture], show };
  };
})();
