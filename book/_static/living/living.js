/* The living model's page: wakes the model on request, holds what the reader chose, and shows what becomes of it. */
(() => {
  "use strict";
  const Living = (window.Living ??= {});
  const SCENE = [
    { category: 1, color: 0, material: 1, size: 1, cell: 3 }, { category: 0, color: 2, material: 0, size: 1, cell: 2 },
    { category: 2, color: 3, material: 2, size: 1, cell: 7 },
  ];
  const WORDS = { thing: "box", first: "blue", second: "red" };
  const LOOKERS = [["last", "the last position"], ["question", "the question"], ["none", "nobody"]];
  const SPANS = [["last", "last position"], ["question", "question"], ["image", "image"]];

  /* Runs one after another, always the latest wish: what was asked for meanwhile and is outdated is left out. */
  const latest = (work) => {
    let busy = false, waiting = false;
    return async () => {
      waiting = true;
      if (busy) return;
      busy = true;
      try {
        while (waiting) { waiting = false; await work(); }
      } finally { busy = false; }
    };
  };

  const page = (host, model) => {
    const { make, select, slider } = Living;
    const { families, words: kinds, layers } = model.tables;
    const state = {
      scene: SCENE, question: { family: "ChooseAttr", form: families[0].forms[0], words: WORDS },
      cuts: new Set(), window: [0, layers - 1], shown: layers, looker: "last", mapped: "last",
    };
    let now = null, before = null;

    const changed = (some) => { Object.assign(state, some); inputs(); run(); };
    const scene = Living.sceneBoard(model, (next) => changed({ scene: next }));
    const question = Living.questionLine(model, () => state.scene, (next) => changed({ question: next }));
    const mask = Living.maskBoard(model, changed);
    const bars = Living.answerBars(), lines = Living.layerChart(model, (layer) => look({ shown: layer })), map = Living.mapChart(model);
    const depth = slider("look after layer", layers, state.shown, (layer) => look({ shown: layer }));
    const sums = make("p", { class: "sums" });
    const fresh = make("button", { type: "button", onclick: () => {
      const drawn = Living.randomScene(kinds);
      state.scene = drawn;
      changed({ question: { ...state.question, words: Living.randomWords(state.question.form, drawn, kinds) } });
    } }, "Another scene");
    const block = (title, ...nodes) => make("section", { class: "part" }, make("h2", { class: "part-name" }, title), ...nodes);
    host.replaceChildren(
      block("The scene", ...scene.nodes, fresh), block("The question", ...question.nodes, ...bars.nodes),
      block("What may be read", ...mask.nodes), block("Through the layers", ...lines.nodes, depth.node),
      block("Attention", make("label", { class: "pick" }, "over the scene: where looks ", select("who looks", LOOKERS, "last", (looker) => look({ looker }))), sums),
      block("The layer's map", make("label", { class: "pick" }, "states of the ", select("whose states", SPANS, "last", (mapped) => look({ mapped }))), ...map.nodes));

    const inputs = () => { scene.show(state.scene); question.show(state.question); mask.show(state); };
    const look = (some) => { Object.assign(state, some); depth.set(state.shown); outputs(); };

    const rows = () => {
      const options = Living.options(state.question.form, state.question.words, kinds);
      const at = options.map((word) => model.tables.vocabulary[word]);
      const of = (read, pick) => read && read.probabilities.map(pick);
      const rest = (shares) => 1 - at.reduce((sum, id) => sum + shares[id], 0);
      return [...options.map((name, n) => ({ name, look: Living.LOOKS[n % 3], shares: of(now, (shares) => shares[at[n]]), before: of(before, (shares) => shares[at[n]]) })),
        { name: "other", look: Living.OTHER, shares: of(now, rest), before: of(before, rest) }];
    };

    const verdict = () => {
      const names = Object.fromEntries(Object.entries(model.tables.vocabulary).map(([word, id]) => [id, word]));
      const says = (read) => { const shares = read.probabilities[layers], best = shares.indexOf(Math.max(...shares)); return [names[best], shares[best]]; };
      const [word, share] = says(now), right = Living.rightAnswer(state.question.form, state.question.words, state.scene, kinds);
      const judged = right.word === undefined ? `No answer is right here: ${right.why}.` : right.word === word ? "Right." : `Wrong: it is ${right.word}.`;
      const uncut = before ? ` Untouched it says ${says(before)[0]} (${Living.percent(says(before)[1])}).` : "";
      return ["The model says ", make("strong", {}, word), ` (${Living.percent(share)}). ${judged}${uncut}`];
    };

    const outputs = () => {
      if (!now) return;
      const shown = rows(), last = layers;
      bars.show(shown.map((row) => ({ ...row, share: row.shares[last], before: row.before && row.before[last] })), verdict());
      lines.show(shown, state.shown, state.cuts.size ? state.window : null);
      const looks = Object.fromEntries(shown.slice(0, -1).map((row) => [row.name, row.look]));
      map.show(state.question.family, state.mapped, state.shown, now, before, looks);
      attention();
    };

    const attention = () => {
      if (state.looker === "none" || state.shown === 0) {
        scene.showHeat(null);
        sums.textContent = state.shown === 0 ? "No layer has read anything yet." : "";
        return;
      }
      const shares = now.attends(state.looker, state.shown - 1);
      const [start, stop] = now.spans.image;
      scene.showHeat([...shares.slice(start, stop)]);
      const total = ([from, to]) => shares.slice(from, to).reduce((sum, share) => sum + share, 0);
      const parts = Living.SPANS.map((span) => `${span} ${Living.percent(total(now.spans[span]))}`);
      sums.textContent = `In layer ${state.shown - 1} it is shared out so: ${parts.join(", ")}.`;
    };

    const run = latest(async () => {
      const asked = { scene: state.scene, text: Living.sentence(state.question.form, state.question.words), window: state.window };
      const begun = performance.now();
      const cut = await model.run({ ...asked, cuts: state.cuts });
      const whole = state.cuts.size ? await model.run({ ...asked, cuts: new Set() }) : null;
      [now, before] = [cut, whole];
      outputs();
      host.dataset.milliseconds = Math.round(performance.now() - begun);
    });
    inputs();
    return run();
  };

  const start = () => {
    for (const host of document.querySelectorAll(".living-model")) {
      const { make } = Living;
      const told = make("p", { role: "status" });
      const button = make("button", { type: "button", class: "wake", onclick: async () => {
        button.disabled = true;
        try {
          await page(host, await Living.wake(host.dataset.folder, (words) => { told.textContent = words; }));
          host.dataset.awake = "";
        } catch (error) {
          told.textContent = `The model does not wake in this browser (${error.message}); the pictures below tell the same story.`;
          console.error(error);
        }
      } }, "Wake the model");
      host.replaceChildren(make("p", {}, `${host.dataset.megabytes} MB are loaded from beside this page, once; nothing is sent anywhere.`), button, told);
    }
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
