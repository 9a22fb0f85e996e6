/* The model itself: its scripts fetched when they are first wanted, a session of ONNX Runtime Web, one prompt at a time. */
(() => {
  "use strict";
  const Living = (window.Living ??= {});

  const load = (address) => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${address} cannot be loaded`));
    document.head.append(script);
  });

  const unsqueezed = async (text) => {
    const stream = new Blob([Living.bytes(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };

  /* Probabilities of the words at the last position after each number of layers. */
  const probabilities = (logits, [rows, words]) => Array.from({ length: rows }, (_, row) => {
    const scores = logits.subarray(row * words, (row + 1) * words);
    const largest = scores.reduce((most, score) => Math.max(most, score));
    const weights = Array.from(scores, (score) => Math.exp(score - largest));
    const total = weights.reduce((sum, weight) => sum + weight);
    return weights.map((weight) => weight / total);
  });

  /* Means of rows [start, stop) of a (rows, columns) part of an array that begins at `base`. */
  Living.meanOfRows = (values, base, columns, [start, stop]) => {
    const mean = new Float64Array(columns);
    for (let row = start; row < stop; row += 1) {
      for (let column = 0; column < columns; column += 1) mean[column] += values[base + row * columns + column] / (stop - start);
    }
    return mean;
  };

  /* Wake the model. `told` is called with what is being done; scripts come from beside the page. */
  Living.wake = async (folder, told = () => {}) => {
    const parts = (window.livingParts ??= {});
    const scripts = { world: "the world", model: "the model", runtime: "the runtime" };
    for (const [name, words] of Object.entries(scripts)) {
      told(`Loading ${words} …`);
      if (!parts[name]) await load(`${folder}/living-${name}.js`);
    }
    told("Starting the model …");
    const { ort, binary, loader } = parts.runtime;
    ort.env.wasm.wasmBinary = (await unsqueezed(binary)).buffer;
    ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(new Blob([await unsqueezed(loader)], { type: "text/javascript" })) };
    ort.env.wasm.numThreads = 1;
    const session = await ort.InferenceSession.create(await unsqueezed(parts.model), { executionProviders: ["wasm"] });
    parts.model = parts.runtime = null; // megabytes that nobody needs any more
    const tables = parts.world;
    const painter = Living.makePainter(tables.drawing);
    return { tables, painter, run: (asked) => run(session, ort, tables, painter, asked) };
  };

  /* One prompt. `asked`: scene, look (optional), text, cuts, window. */
  const run = async (session, ort, tables, painter, asked) => {
    const words = Living.tokens(asked.text, tables.vocabulary);
    const ids = [...tables.prompt.before, ...words, ...tables.prompt.after];
    const spans = Living.spansOf(tables.prompt, words.length);
    const pixels = painter.normalised(painter.paint(asked.scene, asked.look));
    const results = await session.run({
      pixels: new ort.Tensor("float32", pixels, [1, 3, painter.width, painter.width]),
      tokens: new ort.Tensor("int64", BigInt64Array.from(ids, BigInt), [1, ids.length]),
      masks: new ort.Tensor("float32", Living.masks(tables, spans, asked.cuts, asked.window), [tables.layers, ids.length, ids.length]),
    });
    const { logits, states, attention } = results;
    return {
      spans, ids,
      logits: logits.data, probabilities: probabilities(logits.data, logits.dims),
      /* The pooled state of a span after so many layers. */
      pooled: (span, layer) => Living.meanOfRows(states.data, layer * ids.length * tables.hidden, tables.hidden, spans[span]),
      /* How a span's positions share out their attention in a layer, on average. */
      attends: (span, layer) => Living.meanOfRows(attention.data, layer * ids.length * ids.length, ids.length, spans[span]),
    };
  };
})();
