/* The layer's map: other questions of the kind as dots, this one where its states now are, and where they were. */
(() => {
  "use strict";
  const Living = (window.Living ??= {});
  const SIZE = 300, MARGIN = 14;
  const MAPPED = ["image", "question", "last"];

  Living.mapChart = (model) => {
    const { draw, marker } = Living;
    const picture = draw("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img", class: "map" });
    const unpacked = new Map();
    const mapsOf = (family) => {
      if (!unpacked.has(family)) {
        const { answers, means, axes, places } = model.tables.maps[family];
        unpacked.set(family, { answers, means: Living.unpacked(means), axes: Living.unpacked(axes), places: Living.unpacked(places) });
      }
      return unpacked.get(family);
    };
    const projected = (maps, base, state) => {
      const hidden = model.tables.hidden;
      return [0, 1].map((axis) => state.reduce((sum, value, at) =>
        sum + (value - maps.means.values[base * hidden + at]) * maps.axes.values[(base * 2 + axis) * hidden + at], 0));
    };

    /* `now` and `before` (or null) are runs of the model; `looks` the look of each answer on offer. */
    const show = (family, span, layer, now, before, looks) => {
      const maps = mapsOf(family), base = MAPPED.indexOf(span) * (model.tables.layers + 1) + layer;
      const count = maps.answers.length;
      const dots = maps.answers.map((answer, n) => ({ answer, at: [0, 1].map((axis) => maps.places.values[(base * count + n) * 2 + axis]) }));
      const here = projected(maps, base, now.pooled(span, layer));
      const there = before ? projected(maps, base, before.pooled(span, layer)) : null;
      const ends = [0, 1].map((axis) => {
        const all = [...dots.map((dot) => dot.at[axis]), here[axis], ...(there ? [there[axis]] : [])];
        return [Math.min(...all), Math.max(...all)];
      });
      const place = (at) => at.map((value, axis) => {
        const [low, high] = ends[axis], share = high > low ? (value - low) / (high - low) : 0.5;
        return MARGIN + (SIZE - 2 * MARGIN) * (axis ? 1 - share : share);
      });
      const [x, y] = place(here);
      picture.replaceChildren(
        ...dots.sort((a, b) => Boolean(looks[a.answer]) - Boolean(looks[b.answer])).map((dot) => {
          const look = looks[dot.answer] ?? Living.OTHER;
          return marker(look.shape, ...place(dot.at), looks[dot.answer] ? 3.2 : 2.2, { fill: look.color, class: "dot" });
        }),
        ...(there ? [draw("line", { class: "way", x1: place(there)[0], y1: place(there)[1], x2: x, y2: y }),
          draw("circle", { class: "was", cx: place(there)[0], cy: place(there)[1], r: 7 })] : []),
        draw("circle", { class: "here", cx: x, cy: y, r: 7 }));
      picture.setAttribute("aria-label", `Map of the ${span} states after ${layer} layers: ${count} other questions of ${family} and this one`);
    };
    return { nodes: [picture], show };
  };
})();
