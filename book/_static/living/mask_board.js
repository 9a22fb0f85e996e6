/* The mask as a picture to click on: a row for who reads, a column for what is read, a window of layers for the cuts. */
(() => {
  "use strict";
  const Living = (window.Living ??= {});
  const SHARES = { system: 2, image: 6, gap: 2, question: 4, tail: 2, last: 2 }; // widths as drawn, not as counted
  const LEAST = { system: 2.3, question: 3.3 }; // rem, so that names fit over them
  const PRESETS = {
    "Nothing cut": [],
    "Image→Question": ["image->question"],
    "… and the gap (strict)": ["image->gap", "image->question"],
    "Image→Last": ["image->last"],
    "Question→Last": ["question->last"],
    "No way for the image": ["image->gap", "image->question", "image->tail", "image->last"],
  };

  /* `change({ cuts, window })` is called with every new choice. */
  Living.maskBoard = (model, change) => {
    const { make, select } = Living;
    const spans = Living.SPANS;
    let state = null;
    const track = spans.map((span) => `minmax(${LEAST[span] ?? 1.75}rem, ${SHARES[span]}fr)`).join(" ");
    const grid = make("div", { class: "mask", role: "group", "aria-label": "Pathways: press one to cut it", style: `--tracks: ${track}` });
    const cells = new Map();
    grid.append(make("span", { class: "corner", "aria-hidden": "true" }, "reads ↓"), ...spans.map((span) => make("span", { class: "of", "aria-hidden": "true" }, span)));
    spans.forEach((target, row) => {
      grid.append(make("span", { class: "who", "aria-hidden": "true" }, target));
      spans.forEach((source, column) => {
        const look = `block of-${source}${row === column ? " itself" : ""}`;
        if (column > row) grid.append(make("span", { class: "future", "aria-hidden": "true" }));
        else if (source === "system" || (source === target && ["gap", "tail"].includes(source))) {
          grid.append(make("span", { class: `${look} kept`, "aria-hidden": "true" }));
        } else {
          const name = Living.pathway(source, target);
          const button = make("button", { type: "button", class: look, "aria-label": `${source} to ${target}`,
            title: `${target} reads ${source}`, onclick: () => toggle(name) });
          cells.set(name, button);
          grid.append(button);
        }
      });
    });

    const toggle = (name) => {
      const cuts = new Set(state.cuts);
      if (!cuts.delete(name)) cuts.add(name);
      change({ cuts, window: state.window });
    };
    const same = (names) => names.length === state.cuts.size && names.every((name) => state.cuts.has(name));
    const last = model.tables.layers - 1;
    const from = Living.slider("from layer", last, 0, (layer) => change({ cuts: state.cuts, window: [layer, Math.max(layer, state.window[1])] }));
    const to = Living.slider("to layer", last, last, (layer) => change({ cuts: state.cuts, window: [Math.min(layer, state.window[0]), layer] }));
    const presets = make("div", { class: "choices" });

    const show = (shown) => {
      state = shown;
      for (const [name, button] of cells) button.setAttribute("aria-pressed", state.cuts.has(name));
      const named = Object.entries(PRESETS).find(([, names]) => same(names));
      const focused = presets.contains(document.activeElement);
      presets.replaceChildren(select("what is cut", [...Object.keys(PRESETS), ...(named ? [] : ["Your own"])].map((name) => [name, name]),
        named ? named[0] : "Your own", (name) => { if (PRESETS[name]) change({ cuts: new Set(PRESETS[name]), window: state.window }); }));
      if (focused) presets.firstChild.focus();
      from.set(state.window[0]);
      to.set(state.window[1]);
    };
    return { nodes: [presets, grid, from.node, to.node], show };
  };
})();
