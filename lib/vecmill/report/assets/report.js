"use strict";

// --- one tooltip for all charts and the map -----------------------------------------------------

const tip = document.getElementById("tip");

/** Show `lines` of text next to a point of the screen; of several lines, the first is bold. */
function showTip(lines, x, y) {
  tip.replaceChildren(...lines.map((line, n) => {
    const part = document.createElement(n === 0 && lines.length > 1 ? "b" : "span");
    part.textContent = line;
    return part;
  }));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const left = x + 14 + width > innerWidth ? x - 14 - width : x + 14;
  tip.style.left = `${Math.max(6, left)}px`;
  tip.style.top = `${Math.max(6, Math.min(y - height - 10, innerHeight - height - 6))}px`;
}

function hideTip() {
  tip.hidden = true;
}

/** In each chart, the dot nearest to the pointer shows its tooltip. */
for (const svg of document.querySelectorAll(".chart svg")) {
  const dots = [...svg.querySelectorAll("[data-tip]")];
  let on = null;
  const leave = () => {
    on?.classList.remove("on");
    on = null;
    hideTip();
  };
  svg.addEventListener("pointermove", (event) => {
    let nearest = null;
    let least = 60 ** 2;
    for (const dot of dots) {
      const box = dot.getBoundingClientRect();
      const dx = box.x + box.width / 2 - event.clientX;
      const dy = box.y + box.height / 2 - event.clientY;
      // Horizontal distance counts more, because dots follow each other along a line.
      const distance = dx * dx + (dy * dy) / 4;
      if (distance < least) [nearest, least] = [dot, distance];
    }
    leave();
    if (!nearest) return;
    on = nearest;
    on.classList.add("on");
    const box = on.getBoundingClientRect();
    showTip([on.dataset.tip], box.right, box.top);
  });
  svg.addEventListener("pointerleave", leave);
}

// --- the map ------------------------------------------------------------------------------------

/** Draw the map and handle its events. State: the view (centre and zoom), the hovered and the chosen word. */
function startMap(data) {
  const LABEL_MARGIN = 3;
  const canvas = document.getElementById("map-canvas");
  const frame = canvas.parentElement;
  const context = canvas.getContext("2d");
  const { words, counts, points, near, groups } = data;
  const total = points.length / 2;
  const ids = new Map(words.slice(0, total).map((word, id) => [word, id]));
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const most = counts.length ? Math.log(counts[0]) : 1;
  const least = counts.length ? Math.log(Math.max(1, Math.min(...counts.slice(0, total)))) : 0;
  const widths = new Map();

  let view = { x: 0, y: 0, zoom: 1 };
  let chosen = -1;
  let hovered = -1;
  let boxes = [];
  const colours = {};
  let font = "";
  let isDrawQueued = false;
  let moving = 0;

  /** From 0 for the rarest word on the map to 1 for the most frequent. */
  const weight = (id) => (counts.length && most > least ? (Math.log(counts[id]) - least) / (most - least) : 0.3);
  // The axes have no meaning, so each is stretched to fill the frame, with a margin for labels.
  const reach = [0, 1].map((axis) => Math.max(1, ...points.map((at, n) => (n % 2 === axis ? Math.abs(at) : 0))));
  const unitX = () => Math.max(40, canvas.clientWidth / 2 - 44) / reach[0] * view.zoom;
  const unitY = () => Math.max(40, canvas.clientHeight / 2 - 32) / reach[1] * view.zoom;
  const place = (id) => [
    canvas.clientWidth / 2 + (points[2 * id] - view.x) * unitX(),
    canvas.clientHeight / 2 - (points[2 * id + 1] - view.y) * unitY(),
  ];
  const nearest = (id) => {
    const row = near[id];
    return Array.from({ length: row.length / 2 }, (_, n) => ({ id: row[2 * n], cosine: row[2 * n + 1] / 100 }));
  };

  function readTheme() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["raised", "ink", "quiet"]) {
      colours[name] = style.getPropertyValue(`--${name}`).trim();
    }
    colours.groups = Array.from({ length: Math.max(...groups) + 1 }, (_, n) => style.getPropertyValue(`--group-${n}`).trim());
    font = getComputedStyle(document.body).fontFamily;
    widths.clear();
    // Immediately, because a printer does not wait for the next frame.
    paint();
  }

  function resize() {
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    // Immediately, because resizing clears the canvas.
    paint();
  }

  /** Draw before the next frame; several calls draw once. */
  function draw() {
    if (isDrawQueued) return;
    isDrawQueued = true;
    requestAnimationFrame(() => {
      isDrawQueued = false;
      paint();
    });
  }

  function paint() {
    const ratio = devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    const centre = hovered >= 0 ? hovered : chosen;
    const linked = centre < 0 ? [] : nearest(centre).map((one) => one.id).filter((id) => id < total);
    const marked = new Set(centre < 0 ? [] : [centre, ...linked]);
    if (chosen >= 0) marked.add(chosen);

    for (let id = total - 1; id >= 0; id -= 1) {
      if (marked.has(id)) continue;
      const [x, y] = place(id);
      if (!inView(x, y, 4)) continue;
      context.globalAlpha = centre < 0 ? 0.6 : 0.2;
      context.fillStyle = colours.groups[groups[id]];
      dot(x, y, 1.4 + 2.2 * weight(id));
    }
    context.globalAlpha = 1;
    context.strokeStyle = colours.ink;
    context.lineWidth = 1.2;
    for (const id of linked) {
      context.globalAlpha = 0.4;
      context.beginPath();
      context.moveTo(...place(centre));
      context.lineTo(...place(id));
      context.stroke();
    }
    context.globalAlpha = 1;
    for (const id of marked) {
      context.fillStyle = colours.groups[groups[id]];
      dot(...place(id), id === centre ? 5.5 : 4);
    }
    paintLabels(marked, centre);
  }

  function dot(x, y, radius) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
  }

  /** Draw labels, most important words first; a label that would cover an earlier one is left out. */
  function paintLabels(marked, centre) {
    const cells = new Map();
    boxes = [];
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    context.lineJoin = "round";
    const order = [...marked].sort((a, b) => (b === centre) - (a === centre));
    for (let id = 0; id < total; id += 1) if (!marked.has(id)) order.push(id);
    for (const id of order) {
      const [x, y] = place(id);
      if (!inView(x, y, 40)) continue;
      const strong = marked.has(id);
      const size = strong ? 14.5 : Math.round(11 + 4 * weight(id));
      const width = widthOf(id, size, strong);
      const box = [x - width / 2 - LABEL_MARGIN, y - 7 - size, x + width / 2 + LABEL_MARGIN, y - 4];
      if (!isFree(box, cells)) continue;
      take(box, cells);
      boxes.push([box, id]);
      context.font = `${strong ? 600 : 400} ${size}px ${font}`;
      context.globalAlpha = centre >= 0 && !strong ? 0.4 : 1;
      context.strokeStyle = colours.raised;
      context.lineWidth = 3;
      context.strokeText(words[id], x, y - 7);
      context.fillStyle = strong ? colours.ink : colours.groups[groups[id]];
      context.fillText(words[id], x, y - 7);
    }
    context.globalAlpha = 1;
  }

  function widthOf(id, size, strong) {
    const key = `${id} ${size} ${strong}`;
    if (!widths.has(key)) {
      context.font = `${strong ? 600 : 400} ${size}px ${font}`;
      widths.set(key, context.measureText(words[id]).width);
    }
    return widths.get(key);
  }

  /** The cells of a coarse grid that a box touches; only boxes of the same cells are compared. */
  function* cellsOf([left, top, right, bottom]) {
    for (let column = Math.floor(left / 80); column <= Math.floor(right / 80); column += 1) {
      for (let row = Math.floor(top / 40); row <= Math.floor(bottom / 40); row += 1) yield `${column} ${row}`;
    }
  }

  function isFree(box, cells) {
    for (const cell of cellsOf(box)) {
      for (const other of cells.get(cell) ?? []) {
        if (box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]) return false;
      }
    }
    return true;
  }

  function take(box, cells) {
    for (const cell of cellsOf(box)) {
      if (!cells.has(cell)) cells.set(cell, []);
      cells.get(cell).push(box);
    }
  }

  function inView(x, y, margin) {
    return x > -margin && y > -margin && x < canvas.clientWidth + margin && y < canvas.clientHeight + margin;
  }

  /** The word whose label or dot is at a point of the canvas, -1 if there is none. */
  function wordAt(x, y) {
    for (const [box, id] of boxes) {
      if (x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3]) return id;
    }
    let nearestId = -1;
    let closest = 12 ** 2;
    for (let id = 0; id < total; id += 1) {
      const [px, py] = place(id);
      const distance = (px - x) ** 2 + (py - y) ** 2;
      if (distance < closest) [nearestId, closest] = [id, distance];
    }
    return nearestId;
  }

  // Pan and zoom

  /** Zoom by `factor`; the point (x, y) of the canvas stays where it is. */
  function zoomAt(factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
    const zoom = Math.min(40, Math.max(0.8, view.zoom * factor));
    const before = [unitX(), unitY()];
    view.zoom = zoom;
    view.x += (x - canvas.clientWidth / 2) * (1 / before[0] - 1 / unitX());
    view.y += (canvas.clientHeight / 2 - y) * (1 / before[1] - 1 / unitY());
    draw();
  }

  function pan(dx, dy) {
    view.x -= dx / unitX();
    view.y += dy / unitY();
    draw();
  }

  function glideTo(target) {
    cancelAnimationFrame(moving);
    const from = { ...view };
    if (calm.matches) {
      view = target;
      draw();
      return;
    }
    const began = performance.now();
    const step = (now) => {
      const share = Math.min(1, (now - began) / 450);
      const eased = 1 - (1 - share) ** 3;
      for (const key of ["x", "y", "zoom"]) view[key] = from[key] + (target[key] - from[key]) * eased;
      paint();
      if (share < 1) moving = requestAnimationFrame(step);
    };
    moving = requestAnimationFrame(step);
  }

  /** The zoom at which half of a word's nearest are well within the frame around it. */
  function zoomFor(id) {
    const away = nearest(id)
      .filter((one) => one.id < total)
      .map((one) => Math.max(...[0, 1].map((axis) => Math.abs(points[2 * one.id + axis] - points[2 * id + axis]) / reach[axis])))
      .sort((a, b) => a - b);
    const middle = away[Math.floor(away.length / 2)] ?? 0.1;
    return Math.min(12, Math.max(2.5, 0.5 / middle));
  }

  const showAll = () => glideTo({ x: 0, y: 0, zoom: 1 });

  function activate(on) {
    frame.classList.toggle("active", on);
  }

  const fingers = new Map();
  let travelled = 0;

  canvas.addEventListener("pointerdown", (event) => {
    cancelAnimationFrame(moving);
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
    travelled = 0;
  });

  canvas.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) {
      hover(wordAt(event.offsetX, event.offsetY), event.clientX, event.clientY);
      return;
    }
    const now = [event.offsetX, event.offsetY];
    const other = [...fingers].find(([finger]) => finger !== event.pointerId)?.[1];
    if (other) {
      const spread = (one) => Math.max(10, Math.hypot(one[0] - other[0], one[1] - other[1]));
      zoomAt(spread(now) / spread(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
      pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
    } else {
      pan(now[0] - before[0], now[1] - before[1]);
    }
    travelled += Math.hypot(now[0] - before[0], now[1] - before[1]);
    if (travelled > 4) {
      canvas.classList.add("dragging");
      hover(-1);
    }
    fingers.set(event.pointerId, now);
  });

  const lift = (event) => {
    fingers.delete(event.pointerId);
    canvas.classList.remove("dragging");
  };
  canvas.addEventListener("pointerup", (event) => {
    if (fingers.size === 1 && travelled <= 4) {
      activate(true);
      choose(wordAt(event.offsetX, event.offsetY), false);
    }
    lift(event);
  });
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointerleave", () => hover(-1));

  // The wheel scrolls the page until the map is clicked, so that scrolling does not stop at the map.
  canvas.addEventListener("wheel", (event) => {
    if (!frame.classList.contains("active") && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    zoomAt(Math.exp(-Math.max(-120, Math.min(120, pixels)) / 300), event.offsetX, event.offsetY);
  }, { passive: false });

  document.addEventListener("pointerdown", (event) => {
    if (!frame.contains(event.target)) activate(false);
  });

  const KEYS = {
    ArrowLeft: () => pan(60, 0),
    ArrowRight: () => pan(-60, 0),
    ArrowUp: () => pan(0, 60),
    ArrowDown: () => pan(0, -60),
    "+": () => zoomAt(1.4),
    "=": () => zoomAt(1.4),
    "-": () => zoomAt(1 / 1.4),
    0: showAll,
    Escape: () => {
      activate(false);
      choose(-1, false);
    },
  };
  canvas.addEventListener("keydown", (event) => {
    if (!KEYS[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    KEYS[event.key]();
  });

  const BUTTONS = { in: () => zoomAt(1.6), out: () => zoomAt(1 / 1.6), all: showAll };
  for (const button of frame.querySelectorAll("[data-map]")) {
    button.addEventListener("click", BUTTONS[button.dataset.map]);
  }

  // Words

  const times = (id) => (counts.length ? `${counts[id].toLocaleString("en")} times` : "");

  function hover(id, x, y) {
    if (id < 0) hideTip();
    else showTip([words[id], nearest(id).slice(0, 5).map((one) => words[one.id]).join(", ")], x, y);
    if (id === hovered) return;
    hovered = id;
    draw();
  }

  const lookup = document.getElementById("lookup");
  const status = document.getElementById("lookup-status");
  const answers = document.getElementById("lookup-answers");

  /** Mark a word and list its nearest; with `go`, move it to the centre of the map. */
  function choose(id, go) {
    chosen = id;
    hovered = -1;
    hideTip();
    draw();
    answers.replaceChildren();
    status.textContent = "";
    if (id < 0) return;
    const heading = make("h3", "", make("bdi", "", words[id]));
    const rows = nearest(id).map((one) => {
      const word = make("bdi", "word", words[one.id]);
      if (one.id < total) linkToMap(word, one.id);
      const bar = make("span", "bar");
      bar.style.setProperty("--share", Math.max(0, one.cosine));
      return make("li", "", word, make("span", "track", bar), make("span", "number", one.cosine.toFixed(2)));
    });
    answers.append(heading, make("p", "quiet", times(id)), make("ol", "answers", ...rows));
    status.textContent = `Nearest to ${words[id]}:`;
    if (go) glideTo({ x: points[2 * id], y: points[2 * id + 1], zoom: zoomFor(id) });
  }

  function make(name, class_, ...content) {
    const built = document.createElement(name);
    if (class_) built.className = class_;
    built.append(...content);
    return built;
  }

  /** Make an element that shows a word a link to the word on the map, for pointer and keyboard. */
  function linkToMap(shown, id) {
    shown.setAttribute("role", "button");
    shown.tabIndex = 0;
    const go = () => {
      lookup.value = words[id];
      choose(id, true);
      const { top, bottom } = canvas.getBoundingClientRect();
      if (bottom < 150 || top > innerHeight - 150) document.getElementById("map").scrollIntoView();
    };
    shown.addEventListener("click", go);
    shown.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      go();
    });
  }

  for (const shown of document.querySelectorAll("[data-word]")) {
    const id = ids.get(shown.dataset.word);
    if (id !== undefined) linkToMap(shown, id);
  }

  /** Words on the map that begin with `start`, then words that contain it; most frequent first. */
  function matches(start) {
    const begin = [];
    const within = [];
    for (const word of ids.keys()) {
      const at = word.toLowerCase().indexOf(start);
      if (at === 0) begin.push(word);
      else if (at > 0) within.push(word);
    }
    return [...begin, ...within].slice(0, 12);
  }

  const lookUp = (loose) => {
    const query = lookup.value.trim();
    if (!query) {
      choose(-1, false);
      return;
    }
    const candidates = matches(query.toLowerCase());
    document.getElementById("lookup-words").replaceChildren(
      ...candidates.map((word) => Object.assign(document.createElement("option"), { value: word })),
    );
    const id = ids.get(query) ?? (loose ? ids.get(candidates[0]) : undefined);
    if (id !== undefined) {
      choose(id, true);
    } else {
      choose(-1, false);
      const among = total.toLocaleString("en");
      status.textContent = candidates.length ? `${candidates.slice(0, 5).join(", ")} …` : `Not among the ${among} words on the map.`;
    }
  };
  lookup.addEventListener("input", () => lookUp(false));
  lookup.addEventListener("keydown", (event) => {
    if (event.key === "Enter") lookUp(true);
  });

  for (const medium of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(medium).addEventListener("change", readTheme);
  }
  new ResizeObserver(resize).observe(canvas);
  readTheme();
  resize();
}

const mapData = JSON.parse(document.getElementById("map-data").textContent);
if (mapData) startMap(mapData);
