/* The question: which kind, in which words, with a choice in every gap of the sentence. */
(() => {
  "use strict";
  const Living = (window.Living ??= {});

  /* `change({ family, form, words })` is called with every new question; `scene()` is the scene it is asked about. */
  Living.questionLine = (model, scene, change) => {
    const { make, select } = Living;
    const { families, words: kinds } = model.tables;
    const head = make("div", { class: "choices" }), line = make("p", { class: "sentence" });
    let question = null;

    const labelled = (form) => form.sentence.replace(/\{\w+\}/g, "…");
    const asked = (family, form) => change({ family, form, words: Living.randomWords(form, scene(), kinds) });

    const show = (shown) => {
      question = shown;
      const family = families.find((one) => one.name === question.family);
      const at = family.forms.indexOf(question.form);
      head.replaceChildren(
        select("kind of question", families.map((one) => [one.name, one.name]), family.name, (name) => {
          const chosen = families.find((one) => one.name === name);
          asked(name, chosen.forms[0]);
        }),
        select("its wording", family.forms.map((form, n) => [String(n), form.about === "size" || form.about === "color"
          ? `${labelled(form)} (${form.about})` : labelled(form)]), String(at),
        (n) => asked(family.name, family.forms[Number(n)])),
        make("button", { type: "button", onclick: () => asked(question.family, question.form) }, "Other words"));
      const parts = question.form.sentence.split(/\{(\w+)\}/);
      line.replaceChildren(...parts.map((part, n) => (n % 2 === 0 ? part : select(
        `word for ${part}`, kinds[question.form.gaps[part]].map((word) => [word, word]), question.words[part],
        (word) => change({ ...question, words: { ...question.words, [part]: word } })))));
    };
    /* Where the focus was in a part that is drawn anew, it stays. */
    const keeping = (shown) => {
      const held = [head, line].map((part) => [part, [...part.children].indexOf(document.activeElement)]);
      show(shown);
      held.forEach(([part, place]) => part.children[place]?.focus());
    };
    return { nodes: [head, line], show: keeping };
  };
})();
