/* The scene: pixels as the model sees them, things to drag or to move with the arrow keys, attention laid over it. */
(() => {
  "use strict";
  const Living = (window.Living ??= {});
  const GRID = 3, FEWEST = 2, MOST = 4;
  const PLACES = ["top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right"];
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const KEYS = { s: "category", c: "color", m: "material", z: "size" };
  const NAMES = { category: "shape", color: "colour", material: "material", size: "size" };

  /* `change(scene)` is called with every new scene. */
  Living.sceneBoard = (model, change) => {
    const { make, draw } = Living;
    const kinds = model.tables.words;
    const canvas = make("canvas", { width: model.painter.width, height: model.painter.width, role: "img" });
    const heat = draw("svg", { class: "heat", viewBox: "0 0 6 6", "aria-hidden": "true" });
    const layer = make("div", { class: "things" });
    const board = make("div", { class: "board" }, canvas, heat, layer);
    const editor = make("div", { class: "editor" });
    let scene = [], chosen = 0, buttons = [];

    const word = (thing, kind) => kinds[kind][thing[kind]];
    const named = (thing) => `${word(thing, "size")} ${word(thing, "color")} ${word(thing, "material")} ${word(thing, "category")}`;
    const others = (at) => scene.filter((_, n) => n !== at);

    /* A thing goes to a cell; what stands there takes its place. */
    const moved = (from, at, cell) => from.map((thing, n) =>
      n === at ? { ...thing, cell } : thing.cell === cell ? { ...thing, cell: from[at].cell } : thing);
    const next = (at, kind) => {
      const taken = kind === "category" ? others(at).map((thing) => thing.category) : [];
      let value = scene[at][kind];
      do value = (value + 1) % kinds[kind].length; while (taken.includes(value));
      return value;
    };
    const set = (at, kind, value) => change(scene.map((thing, n) => (n === at ? { ...thing, [kind]: value } : thing)));

    const pressed = (event, at) => {
      const step = STEPS[event.key];
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (step) {
        const x = (scene[at].cell % GRID) + step[0], y = Math.floor(scene[at].cell / GRID) + step[1];
        if (x >= 0 && x < GRID && y >= 0 && y < GRID) change(moved(scene, at, y * GRID + x));
      } else if (KEYS[event.key.toLowerCase()]) set(at, KEYS[event.key.toLowerCase()], next(at, KEYS[event.key.toLowerCase()]));
      else if (event.key === "Delete" && scene.length > FEWEST) change(others(at));
      else return;
      event.preventDefault();
    };

    /* The thing follows from cell to cell as the pointer crosses them, so that the answer can be watched meanwhile. */
    const dragged = (event, at) => {
      choose(at);
      const button = event.currentTarget, begun = scene, box = board.getBoundingClientRect();
      button.setPointerCapture(event.pointerId);
      let last = scene[at].cell;
      const move = (to) => {
        const place = (value, from, size) => Math.min(GRID - 1, Math.max(0, Math.floor((GRID * (value - from)) / size)));
        const cell = place(to.clientY, box.top, box.height) * GRID + place(to.clientX, box.left, box.width);
        if (cell !== last) { last = cell; change(moved(begun, at, cell)); }
      };
      const end = () => { button.removeEventListener("pointermove", move); button.classList.remove("dragged"); };
      button.classList.add("dragged");
      button.addEventListener("pointermove", move);
      button.addEventListener("lostpointercapture", end, { once: true });
    };

    const choose = (at) => { chosen = at; edit(); buttons.forEach((button, n) => button.classList.toggle("chosen", n === at)); };

    const edit = () => {
      const thing = scene[chosen];
      const taken = others(chosen).map((other) => other.category);
      const selects = Object.entries(NAMES).map(([kind, name]) => Living.select(
        `${name} of the ${word(thing, "category")}`,
        kinds[kind].map((value, n) => [String(n), value]).filter(([n]) => kind !== "category" || !taken.includes(Number(n))),
        String(thing[kind]), (value) => set(chosen, kind, Number(value))));
      const free = PLACES.map((_, cell) => cell).find((cell) => !scene.some((other) => other.cell === cell));
      const unused = kinds.category.findIndex((_, n) => !scene.some((other) => other.category === n));
      const focused = [...editor.children].indexOf(document.activeElement);
      editor.replaceChildren(
        ...selects,
        make("button", { type: "button", disabled: scene.length <= FEWEST, onclick: () => change(others(chosen)) }, "Remove"),
        make("button", { type: "button", disabled: scene.length >= MOST,
          onclick: () => { const grown = [...scene, { category: unused, color: 0, material: 0, size: 1, cell: free }];
            chosen = scene.length; change(grown); } }, "Add one"));
      editor.children[focused]?.focus();
    };

    const show = (shown) => {
      scene = shown;
      chosen = Math.min(chosen, scene.length - 1);
      const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
      model.painter.paint(scene).forEach((value, at) => { image.data[Math.floor(at / 3) * 4 + (at % 3)] = value; });
      for (let at = 3; at < image.data.length; at += 4) image.data[at] = 255;
      context.putImageData(image, 0, 0);
      canvas.setAttribute("aria-label", `The scene: ${scene.map((thing) => `${named(thing)}, ${PLACES[thing.cell]}`).join("; ")}`);
      while (buttons.length > scene.length) buttons.pop().remove();
      while (buttons.length < scene.length) {
        const at = buttons.length;
        buttons.push(make("button", { type: "button", onkeydown: (event) => pressed(event, at),
          onpointerdown: (event) => dragged(event, at), onfocus: () => { if (chosen !== at) choose(at); } }));
        layer.append(buttons[at]);
      }
      scene.forEach((thing, at) => {
        buttons[at].style.setProperty("--x", thing.cell % GRID);
        buttons[at].style.setProperty("--y", Math.floor(thing.cell / GRID));
        buttons[at].setAttribute("aria-label", `${named(thing)}, ${PLACES[thing.cell]}; arrow keys move it`);
        buttons[at].classList.toggle("chosen", at === chosen);
      });
      edit();
    };

    /* Attention over the patches, the darkest the most; none hides it. */
    const showHeat = (shares) => {
      const most = Math.max(...(shares ?? [0]), 1e-9);
      heat.replaceChildren(...(shares ?? []).map((share, at) => draw("rect", {
        x: at % 6, y: Math.floor(at / 6), width: 1, height: 1, "fill-opacity": (0.85 * share / most).toFixed(3) })));
    };
    return { nodes: [board, editor], show, showHeat };
  };
})();
