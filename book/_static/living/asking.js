/* Questions of the six families: filled in, cut into tokens, and answered from the scene alone. */
(() => {
  "use strict";
  const Living = (window.Living ??= {});
  const GRID = 3;

  Living.sentence = (form, words) => form.sentence.replace(/\{(\w+)\}/g, (_, gap) => words[gap]);

  Living.tokens = (text, vocabulary) => text.toLowerCase().match(/\n|\w+|[^\w\s]/g)
    .map((word) => vocabulary[word] ?? vocabulary["<unk>"]);

  /* The words that may be answered: those in the named gaps, or all of a kind. */
  Living.options = (form, words, kinds) =>
    [...new Set(form.options.flatMap((name) => (name in form.gaps ? [words[name]] : kinds[name])))].sort();

  /* What a scene makes right: one word, or none and the reason. */
  Living.rightAnswer = (form, words, scene, kinds) => {
    const found = (name) => scene.find((thing) => kinds.category[thing.category] === name);
    const absent = Object.entries(form.gaps)
      .filter(([gap, kind]) => kind === "category" && ["thing", "other"].includes(gap) && !found(words[gap]))
      .map(([gap]) => `there is no ${words[gap]}`);
    if (absent.length) return { why: absent.join(" and ") };
    const right = RULES[form.about in RULES ? form.about : "attribute"](form, words, found, kinds);
    if (right.length === 1) return { word: right[0] };
    return { why: right.length ? `${right.join(" and ")} would both be right` : "none of the answers is right" };
  };

  const has = (thing, kind, word, kinds) => thing !== undefined && kinds[kind][thing[kind]] === word;
  const sides = (across) => (across < 0 ? ["left"] : across > 0 ? ["right"] : []);
  const column = (thing) => thing.cell % GRID, row = (thing) => Math.floor(thing.cell / GRID);
  const either = (words) => [...new Set([words.first, words.second])];

  const RULES = {
    /* ChooseAttr chooses between words, LogicalObj asks whether one of two things has one. */
    attribute: (form, words, found, kinds) => {
      if (form.gaps.thing) return either(words).filter((word) => has(found(words.thing), form.about, word, kinds));
      return [either(words).some((name) => has(found(name), form.about, words.value, kinds)) ? "yes" : "no"];
    },
    category: (_form, words, found, kinds) =>
      either(words).filter((name) => has(found(name), "color", words.value, kinds)),
    across: (_form, words, found) => sides(column(found(words.thing)) - column(found(words.other))),
    along: (_form, words, found) => {
      const down = row(found(words.thing)) - row(found(words.other));
      return down < 0 ? ["above"] : down > 0 ? ["below"] : [];
    },
    common: (_form, words, found, kinds) => (words.thing === words.other ? [] : kinds.common
      .filter((kind) => found(words.thing)[kind] === found(words.other)[kind])),
    side: (_form, words, found) => sides(column(found(words.thing)) - 1),
  };

  /* A scene as training drew them: two to four things of different kinds, of which the first two share one attribute. */
  Living.randomScene = (kinds, random = Math.random) => {
    const below = (n) => Math.floor(random() * n);
    const shuffled = (n) => Array.from({ length: n }, (_, at) => [random(), at]).sort((a, b) => a[0] - b[0])
      .map(([, at]) => at);
    const categories = shuffled(kinds.category.length), cells = shuffled(GRID * GRID);
    const scene = Array.from({ length: 2 + below(3) }, (_, n) => ({
      category: categories[n], cell: cells[n],
      color: below(kinds.color.length), material: below(kinds.material.length), size: below(kinds.size.length),
    }));
    const shared = kinds.common[below(kinds.common.length)];
    for (const kind of kinds.common) {
      const step = kind === shared ? 0 : 1 + below(kinds[kind].length - 1);
      scene[1][kind] = (scene[0][kind] + step) % kinds[kind].length;
    }
    return scene;
  };

  /* Words for every gap of a form such that the scene has one right answer, if some do. */
  Living.randomWords = (form, scene, kinds, random = Math.random) => {
    const pick = (list) => list[Math.floor(random() * list.length)];
    const present = scene.map((thing) => kinds.category[thing.category]);
    let words;
    for (let tries = 0; tries < 200; tries += 1) {
      words = Object.fromEntries(Object.entries(form.gaps).map(([gap, kind]) =>
        [gap, pick(kind === "category" && (gap === "thing" || gap === "other" || random() < 0.7) ? present : kinds[kind])]));
      const twice = words.first !== undefined && words.first === words.second;
      if (!twice && Living.rightAnswer(form, words, scene, kinds).word) return words;
    }
    return words;
  };
})();
