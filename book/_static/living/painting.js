/* Scenes to pixels, as analysis_lib/worlds/mini/scene_pictures.py paints them: the same bytes, in the same rounding. */
(() => {
  "use strict";
  const Living = (window.Living ??= {});
  const GRID = 3;
  const round = Math.fround;

  Living.bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

  /* An array as analysis_lib/living/world_tables.py packs it. */
  Living.unpacked = ({ shape, type, data }) => {
    const raw = Living.bytes(data);
    if (type === "float32") return { shape, values: new Float32Array(raw.buffer) };
    const size = shape.reduce((product, length) => product * length, 1);
    return { shape, values: Uint8Array.from({ length: size }, (_, at) => (raw[at >> 3] >> (7 - (at & 7))) & 1) };
  };

  /* A painter made from the tables: `paint(scene, look)` gives RGB bytes, row by row, three to a pixel. */
  Living.makePainter = (tables) => {
    const side = tables.cell;
    const masks = Living.unpacked(tables.masks), textures = Living.unpacked(tables.textures);
    const colors = Living.unpacked(tables.colors).values, grain = Living.unpacked(tables.grain).values;
    const reach = (masks.shape[2] - 1) / 2;
    const width = GRID * side;

    const plain = (scene) => ({
      tint: [0, 0, 0], grain,
      jitter: scene.map(() => [0, 0]), phase: scene.map(() => [0, 0]), cast: scene.map(() => [0, 0, 0]),
    });

    const stamp = (picture, thing, jitter, phase, cast) => {
      const [, sizes, downs, rights] = masks.shape;
      const place = ((thing.category * sizes + thing.size) * downs + jitter[0] + reach) * rights + jitter[1] + reach;
      const rgb = [0, 1, 2].map((channel) =>
        Math.min(1, Math.max(0, colors[3 * thing.color + channel] + tables.cast * cast[channel])));
      const top = Math.floor(thing.cell / GRID) * side, left = (thing.cell % GRID) * side;
      for (let y = 0; y < side; y += 1) {
        for (let x = 0; x < side; x += 1) {
          if (!masks.values[(place * side + y) * side + x]) continue;
          const shade = textures.values[(thing.material * 2 * side + y + phase[0]) * 2 * side + x + phase[1]];
          const at = 3 * ((top + y) * width + left + x);
          for (let channel = 0; channel < 3; channel += 1) picture[at + channel] = shade * rgb[channel];
        }
      }
    };

    const paint = (scene, look = plain(scene)) => {
      const picture = new Float32Array(3 * width * width);
      for (let at = 0; at < picture.length; at += 1) picture[at] = tables.background + tables.tint * look.tint[at % 3];
      scene.forEach((thing, n) => stamp(picture, thing, look.jitter[n], look.phase[n], look.cast[n]));
      const noise = round(tables.noise);
      return Uint8Array.from(picture, (value, at) => {
        const shown = round(value + round(noise * look.grain[at]));
        return round(Math.min(1, Math.max(0, shown)) * 255);
      });
    };

    /* Bytes to the model's input: (3, height, width), normalised as its image processor does. */
    const normalised = (picture) => {
      const area = width * width;
      const pixels = new Float32Array(3 * area);
      for (let at = 0; at < area; at += 1) {
        for (let channel = 0; channel < 3; channel += 1) {
          pixels[channel * area + at] = (picture[3 * at + channel] / 255 - tables.mean[channel]) / tables.std[channel];
        }
      }
      return pixels;
    };
    return { paint, normalised, width };
  };
})();
