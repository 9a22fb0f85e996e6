/* Who may read whom: the masks of every layer, as analysis_lib/activations makes them from knockouts. */
(() => {
  "use strict";
  const Living = (window.Living ??= {});

  Living.SPANS = ["system", "image", "gap", "question", "tail", "last"];

  /* Half-open ranges of a prompt whose question has so many tokens; here the tail ends before the last position. */
  Living.spansOf = (prompt, nQuestion) => {
    const start = prompt.before.length, stop = start + nQuestion, length = stop + prompt.after.length;
    return { ...prompt.spans, question: [start, stop], tail: [stop, length - 1], last: [length - 1, length] };
  };

  Living.pathway = (source, target) => `${source}->${target}`;

  /* One mask a layer, (layers, length, length), to be added to the attention's scores.
     `cuts` holds pathways, `window` the first and the last layer in which they are cut. */
  Living.masks = (tables, spans, cuts, window) => {
    const length = spans.last[1];
    const masks = new Float32Array(tables.layers * length * length);
    const pairs = [...cuts].map((cut) => cut.split("->"));
    for (let layer = 0; layer < tables.layers; layer += 1) {
      const base = layer * length * length;
      for (let row = 0; row < length; row += 1) masks.fill(tables.blocked, base + row * length + row + 1, base + (row + 1) * length);
      if (layer < window[0] || layer > window[1]) continue;
      for (const [source, target] of pairs) {
        for (let row = spans[target][0]; row < spans[target][1]; row += 1) {
          const end = Math.min(spans[source][1], source === target ? row + 1 : row);
          if (end > spans[source][0]) masks.fill(tables.blocked, base + row * length + spans[source][0], base + row * length + end);
        }
      }
    }
    return masks;
  };
})();
