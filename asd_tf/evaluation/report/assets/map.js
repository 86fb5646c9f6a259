/* The map of the embeddings, drawn on a canvas from the data block of the page. */
{
  const data = JSON.parse(document.getElementById("map-data").textContent);
  const canvas = document.getElementById("map-canvas");
  const controls = document.getElementById("map-controls");
  const legend = document.getElementById("map-legend");
  const note = document.getElementById("map-note");
  const tip = document.getElementById("map-tip");
  const GRID = 2047;
  const MARGIN = 14;

  // Colors after Okabe and Ito for seven machines; the next seven have the same with another shape.
  const COLORS = ["#1a80c4", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999"];
  const SHAPES = ["circle", "square", "triangle", "diamond"];
  const LABELS = { normal: ["--normal", "circle"], anomalous: ["--anomalous", "triangle"] };
  const DOMAINS = { source: ["--source", "circle"], target: ["--target", "triangle"] };

  let current = [];
  let chosen = null;

  const styleOf = (coloring, code) => {
    const theme = getComputedStyle(document.documentElement);
    if (coloring === "machine") {
      return [COLORS[code % COLORS.length], SHAPES[Math.floor(code / COLORS.length) % SHAPES.length]];
    }
    const known = coloring === "label" ? LABELS : DOMAINS;
    const name = data.names[coloring][code];
    const [variable, shape] = Object.hasOwn(known, name) ? known[name] : ["--unlabeled", "square"];
    return [theme.getPropertyValue(variable).trim(), shape];
  };

  const outline = (context, shape, x, y, r) => {
    context.beginPath();
    if (shape === "circle") context.arc(x, y, r, 0, 2 * Math.PI);
    else if (shape === "square") context.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8);
    else {
      const corners = {
        triangle: [[0, -1.25], [1.15, 0.8], [-1.15, 0.8]],
        diamond: [[0, -1.35], [1.35, 0], [0, 1.35], [-1.35, 0]],
      }[shape];
      corners.forEach(([dx, dy], k) => context[k ? "lineTo" : "moveTo"](x + dx * r, y + dy * r));
      context.closePath();
    }
  };

  const valueOf = (name) => controls.elements[name]?.value;

  const viewOf = () => {
    const isChosen = (key, value) => !controls.elements[key] || value === valueOf(key);
    const candidates = data.views.filter(
      (view) => isChosen("machine", view.machine ?? "") && isChosen("extractor", view.extractor),
    );
    return candidates.find((view) => isChosen("method", view.method)) ?? candidates[0];
  };

  const draw = () => {
    const view = viewOf();
    const coloring = valueOf("color");
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const side = Math.min(width, height) - 2 * MARGIN;
    current = [];
    legend.replaceChildren();
    if (!view) {
      note.textContent = "There are too few clips for this map.";
      return;
    }
    // The points fill the canvas in one direction; both axes have the same scale.
    const [spanX, spanY] = [view.x, view.y].map((values) => [Math.min(...values), Math.max(...values)]);
    const scale = Math.min(
      (width - 2 * MARGIN) / Math.max(spanX[1] - spanX[0], 1),
      (height - 2 * MARGIN) / Math.max(spanY[1] - spanY[0], 1),
      (3 * side) / GRID,
    );
    const codes = data.clips[coloring];
    const radius = view.rows.length > 1500 ? 2.2 : 3.6;
    const styles = data.names[coloring].map((_, code) => styleOf(coloring, code));
    const counts = styles.map(() => 0);
    view.rows.forEach((row, k) => {
      const x = width / 2 + (view.x[k] - (spanX[0] + spanX[1]) / 2) * scale;
      const y = height / 2 - (view.y[k] - (spanY[0] + spanY[1]) / 2) * scale;
      current.push({ row, x, y });
      counts[codes[row]] += 1;
      const [color, shape] = styles[codes[row]];
      context.fillStyle = color;
      context.globalAlpha = 0.85;
      outline(context, shape, x, y, radius);
      context.fill();
    });
    context.globalAlpha = 1;
    styles.forEach(([color, shape], code) => {
      if (counts[code]) legend.append(entry(color, shape, data.names[coloring][code], counts[code]));
    });
    note.textContent = `${view.method}: ${view.note}.`;
    mark(context);
  };

  const entry = (color, shape, name, count) => {
    const item = document.createElement("li");
    const picture = document.createElement("canvas");
    const ratio = 2;
    [picture.width, picture.height] = [14 * ratio, 14 * ratio];
    const context = picture.getContext("2d");
    context.scale(ratio, ratio);
    context.fillStyle = color;
    outline(context, shape, 7, 7, 5);
    context.fill();
    // Names are added as text, so that markup in them has no effect.
    item.append(picture, `${name} (${count})`);
    return item;
  };

  const mark = (context) => {
    const point = current.find((candidate) => candidate.row === chosen);
    if (!point) {
      tip.textContent = "";
      return;
    }
    context.strokeStyle = getComputedStyle(canvas).color;
    context.lineWidth = 2;
    outline(context, "circle", point.x, point.y, 8);
    context.stroke();
    const { clips, names } = data;
    const score = clips.score[point.row];
    const facts = ["label", "domain"].map((key) => names[key][clips[key][point.row]]);
    facts.push(score === null ? "no score" : `score ${score}`);
    tip.textContent = `${clips.id[point.row]}: ${facts.join(", ")}`;
    const left = Math.min(point.x + 14, canvas.clientWidth - tip.offsetWidth - 4);
    const below = point.y + 14 + tip.offsetHeight < canvas.clientHeight;
    tip.style.left = `${Math.max(left, 4)}px`;
    tip.style.top = `${below ? point.y + 14 : point.y - 14 - tip.offsetHeight}px`;
  };

  const choose = (point) => {
    const row = point ? point.row : null;
    if (row === chosen) return;
    chosen = row;
    draw();
  };

  // Returns the point with the lowest cost; points of infinite cost are ruled out.
  const cheapest = (cost) => {
    let best = null;
    let lowest = Infinity;
    for (const point of current) {
      const value = cost(point);
      if (value < lowest) [best, lowest] = [point, value];
    }
    return best;
  };

  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const distance = (clip) => Math.hypot(clip.x - x, clip.y - y);
    choose(cheapest((clip) => (distance(clip) < 16 ? distance(clip) : Infinity)));
  };
  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("pointerleave", () => choose(null));
  canvas.addEventListener("blur", () => choose(null));

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "Escape") choose(null);
    if (!Object.hasOwn(ARROWS, event.key)) return;
    event.preventDefault();
    const [dx, dy] = ARROWS[event.key];
    const from = current.find((point) => point.row === chosen);
    if (!from) {
      const middle = [canvas.clientWidth / 2, canvas.clientHeight / 2];
      choose(cheapest((point) => Math.hypot(point.x - middle[0], point.y - middle[1])));
      return;
    }
    const next = cheapest((point) => {
      const along = (point.x - from.x) * dx + (point.y - from.y) * dy;
      const aside = Math.abs((point.x - from.x) * dy) + Math.abs((point.y - from.y) * dx);
      return along > 0.01 ? along + 3 * aside : Infinity;
    });
    if (next) choose(next);
  });

  controls.addEventListener("change", draw);
  document.addEventListener("themechange", draw);
  window.addEventListener("resize", draw);
  window.addEventListener("beforeprint", draw);
  draw();
}
