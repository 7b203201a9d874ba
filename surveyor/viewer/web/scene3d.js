import { api, crumbs, enc, h, key, link, s, show } from "./dom.js";
import { Drawing } from "./gl.js";

const EDGES = [[0, 1], [0, 2], [0, 4], [1, 3], [1, 5], [2, 3], [2, 6], [3, 7], [4, 5], [4, 6], [5, 7], [6, 7]];

export async function scenePage([run], query, go) {
  const which = new URLSearchParams({ task: query.get("task") || "", epoch: query.get("epoch") || "0" });
  const told = await api(`/api/run/${enc(run)}/scene?${which}`);
  const back = `/run/${enc(run)}/episode?${which}`;
  document.title = `Scene · ${which.get("task")} · Surveyor`;
  crumbs(link(`/run/${enc(run)}`, {}, run), link(back, {}, which.get("task")), h("span", {}, "scene"));
  const usable = told.spaces.filter((x) => x.kept || x.objects.length);
  if (!usable.length) { show(h("h1", {}, "Scene"), h("p", {}, "Nothing was placed in space in this episode."), link(back, {}, "back to the episode")); return { keys: { u: () => go(back) } }; }
  const space = usable.find((x) => x.space === query.get("space")) || usable.findLast((x) => x.kept) || usable[0];
  const objects = usable.flatMap((x) => x.space === space.space || !x.kept ? x.objects : []).concat();
  const segments = usable.flatMap((x) => x.space === space.space || x.space === null ? x.segments : []);
  const unit = space.kept?.scale === "relative" || space.scale === "relative" ? "units" : "m";
  const canvas = h("canvas", { tabindex: "0", id: "scene", role: "img", "aria-label": `The scene: ${objects.length} measured objects and ${space.kept?.views.length || 0} cameras. Arrow keys turn, plus and minus zoom; the table below has all numbers.` });
  const stage = h("div", { class: "stage" }, canvas);
  const wanted = told.truth === "held" && space.kept && query.get("truth") === "1";
  const truth = wanted ? await api(`/api/run/${enc(run)}/truth?${which}&space=${enc(space.space)}`) : null;
  const layers = { cloud: true, cameras: true, boxes: true, segments: true, truth: Boolean(truth) };
  const names = ["cloud", "cameras", "boxes", "segments"];
  const toggles = names.map((name) => h("input", { type: "checkbox", checked: true, onchange: (e) => { layers[name] = e.target.checked; draw(); } }));
  const boxes = names.map((name, i) => h("label", { class: "inline" }, toggles[i], ` ${name} `, key(i + 1)));
  const beside = (on) => { const parts = new URLSearchParams(query); if (on) parts.set("truth", "1"); else parts.delete("truth"); go(`/run/${enc(run)}/scene?${parts}`, true); };
  if (told.truth === "held" && space.kept) boxes.push(h("label", { class: "inline" }, h("input", { type: "checkbox", id: "truth", checked: wanted, onchange: (e) => beside(e.target.checked) }), " truth ", key("t")));
  else boxes.push(h("span", { class: "quiet" }, told.truth === "off" ? "Start the viewer with --truth to lay truth beside." : "This machine holds no truth of this scene."));
  const keys = { u: () => go(back), t: () => document.getElementById("truth")?.click(), ...Object.fromEntries(names.map((_, i) => [String(i + 1), () => toggles[i].click()])) };
  show(h("h1", {}, `Scene of ${which.get("task")}`), h("p", { class: "quiet" }, `${space.kept?.points || 0} points, ${space.kept?.views.length || 0} cameras, ${objects.length} objects; lengths in ${unit === "m" ? "metres" : "units of no known scale"}; grid ${unit === "m" ? "1 m" : "1 unit"}, up is up`), truth ? h("p", { class: "banner", id: "truth-shown" }, "The truth is shown (thin magenta boxes): whoever answered never saw it.") : null, h("div", { class: "filters" }, boxes), stage, table(objects, unit), truth ? truthTable(truth) : null);
  const drawing = Drawing.on(canvas);
  if (!drawing) {
    stage.replaceChildren(h("p", { class: "banner", id: "no-webgl" }, "This browser has no WebGL2: the scene is shown from above."), plan(space, objects, segments, truth?.objects || []));
    return { keys };
  }
  const cloud = space.kept ? await points(run, space.kept) : new Float32Array();
  const middle = centre(cloud, objects);
  const view = { turn: -0.9, tilt: 0.75, far: Math.max(3, extent(cloud, objects) * 1.1), at: middle };
  drawing.points(cloud, middle[2]);
  drawing.lines("grid", grid(cloud, objects), 1);
  drawing.lines("boxes", objects.flatMap((o) => boxLines(o)), 2);
  drawing.lines("cameras", (space.kept?.views || []).flatMap(frustum), 1);
  drawing.lines("segments", segments.flatMap(({ points: [a, b] }) => thick(a, b)), 3);
  drawing.lines("truth", (truth?.objects || []).flatMap(wire), 1);
  function draw() { if (!drawing) return; requestAnimationFrame(() => drawing.draw(view, { ...layers, grid: true })); stage.dataset.drawn = "1"; }
  const orbit = (dx, dy) => { view.turn -= dx * 0.008; view.tilt = Math.max(0.02, Math.min(1.55, view.tilt + dy * 0.008)); draw(); };
  canvas.addEventListener("pointerdown", (e) => { canvas.setPointerCapture(e.pointerId); canvas.onpointermove = (m) => (m.shiftKey ? pan(m.movementX, m.movementY) : orbit(m.movementX, m.movementY)); });
  canvas.addEventListener("pointerup", () => { canvas.onpointermove = null; });
  canvas.addEventListener("wheel", (e) => { e.preventDefault(); zoom(Math.exp(e.deltaY * 0.001)); }, { passive: false });
  function pan(dx, dy) { const k = view.far * 0.0016, c = Math.cos(view.turn), n = Math.sin(view.turn); view.at = [view.at[0] + (n * dx + c * dy) * -k, view.at[1] + (-c * dx + n * dy) * -k, view.at[2]]; draw(); }
  function zoom(f) { view.far = Math.max(0.5, Math.min(60, view.far * f)); draw(); }
  canvas.addEventListener("keydown", (e) => {
    const does = { ArrowLeft: () => orbit(-20, 0), ArrowRight: () => orbit(20, 0), ArrowUp: () => orbit(0, 20), ArrowDown: () => orbit(0, -20), "+": () => zoom(0.85), "-": () => zoom(1.18) }[e.key];
    if (does) { e.preventDefault(); e.stopPropagation(); does(); }
  });
  const watcher = new ResizeObserver(draw);
  watcher.observe(canvas);
  draw();
  return { leave: () => { watcher.disconnect(); drawing.end(); }, keys };
}

async function points(run, kept) {
  if (!kept.points) return new Float32Array();
  const answer = await fetch(`/blob/${enc(run)}/${kept.cloud.sha256}`);
  if (!answer.ok) return new Float32Array();
  const raw = new Uint16Array(await answer.arrayBuffer());
  const out = new Float32Array(Math.min(raw.length, 360000));
  for (let i = 0; i < out.length; i++) out[i] = kept.origin[i % 3] + raw[i] * kept.step;
  return out;
}

function corners(o) {
  const axes = o.axes || [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
  const out = [];
  for (const x of [-0.5, 0.5]) for (const y of [-0.5, 0.5]) for (const z of [-0.5, 0.5]) out.push([0, 1, 2].map((k) => o.center[k] + x * o.size[0] * axes[0][k] + y * o.size[1] * axes[1][k] + z * o.size[2] * axes[2][k]));
  return out;
}

const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255);

const wire = (o) => { const c = corners(o), colour = [0.85, 0.1, 0.65]; return EDGES.flatMap(([a, b]) => [...c[a], ...colour, ...c[b], ...colour]); };

function boxLines(o) {
  const c = corners(o), colour = rgb(o.colour);
  return EDGES.flatMap(([a, b]) => {
    if (o.accepted) return [...c[a], ...colour, ...c[b], ...colour];
    const out = [];  // weak ones are dashed
    for (let k = 0; k < 8; k += 2) for (const t of [k / 8, (k + 1) / 8]) out.push(...c[a].map((v, i) => v + (c[b][i] - v) * t), ...colour);
    return out;
  });
}

function thick(a, b) {
  const out = [];
  for (const d of [[0, 0, 0], [0.006, 0, 0], [0, 0.006, 0], [0, 0, 0.006], [-0.006, 0, 0], [0, -0.006, 0]]) for (const p of [a, b]) out.push(...p.map((v, i) => v + d[i]), 1, 0.75, 0);
  for (const p of [a, b]) for (let k = 0; k < 3; k++) for (const e of [-0.05, 0.05]) out.push(...p.map((v, i) => v + (i === k ? e : 0)), 1, 0.75, 0);
  return out;
}

function frustum({ T_world_camera: T, intrinsics: K }) {
  const far = 0.25;
  const at = (u, v) => { const d = [((u - K.cx) / K.fx) * far, ((v - K.cy) / K.fy) * far, far]; return [0, 1, 2].map((k) => T[k][0] * d[0] + T[k][1] * d[1] + T[k][2] * d[2] + T[k][3]); };
  const o = [T[0][3], T[1][3], T[2][3]], q = [at(0, 0), at(K.width, 0), at(K.width, K.height), at(0, K.height)];
  const colour = [0.35, 0.5, 0.95];
  return [[o, q[0]], [o, q[1]], [o, q[2]], [o, q[3]], [q[0], q[1]], [q[1], q[2]], [q[2], q[3]], [q[3], q[0]]].flatMap(([a, b]) => [...a, ...colour, ...b, ...colour]);
}

function bounds(cloud, objects) {
  const low = [1e9, 1e9, 1e9], high = [-1e9, -1e9, -1e9];
  const take = (x, y, z) => [x, y, z].forEach((v, k) => { low[k] = Math.min(low[k], v); high[k] = Math.max(high[k], v); });
  for (let i = 0; i + 2 < cloud.length; i += 3 * 37) take(cloud[i], cloud[i + 1], cloud[i + 2]);
  for (const o of objects) for (const c of corners(o)) take(...c);
  return low[0] > high[0] ? [[-1, -1, 0], [1, 1, 1]] : [low, high];
}
function centre(cloud, objects) { const [low, high] = bounds(cloud, objects); return low.map((v, k) => (v + high[k]) / 2); }
function extent(cloud, objects) { const [low, high] = bounds(cloud, objects); return Math.hypot(...low.map((v, k) => high[k] - v)); }

function grid(cloud, objects) {
  const [low, high] = bounds(cloud, objects), out = [], colour = [0.5, 0.5, 0.5];
  const [x0, y0, x1, y1] = [Math.floor(low[0]), Math.floor(low[1]), Math.ceil(high[0]), Math.ceil(high[1])];
  for (let x = x0; x <= x1 && x - x0 < 60; x++) out.push(x, y0, low[2], ...colour, x, y1, low[2], ...colour);
  for (let y = y0; y <= y1 && y - y0 < 60; y++) out.push(x0, y, low[2], ...colour, x1, y, low[2], ...colour);
  return out;
}

function plan(space, objects, segments, truth) {
  const [low, high] = bounds([], [...objects, ...truth]);
  for (const v of space.kept?.views || []) for (const k of [0, 1]) { low[k] = Math.min(low[k], v.T_world_camera[k][3]); high[k] = Math.max(high[k], v.T_world_camera[k][3]); }
  const pad = 0.5, w = high[0] - low[0] + 2 * pad, t = high[1] - low[1] + 2 * pad;
  const size = Math.max(w, t) / 40;
  return s("svg", { class: "plan", id: "plan", viewBox: `${low[0] - pad} ${-high[1] - pad} ${w} ${t}`, role: "img", "aria-label": "The scene from above" },
    objects.map((o) => { const c = corners(o); return s("polygon", { points: [0, 2, 6, 4].map((k) => `${c[k][0]},${-c[k][1]}`).join(" "), stroke: o.colour, fill: o.colour, "fill-opacity": 0.2, "stroke-width": size / 8 }); }),
    truth.map((o) => { const c = corners(o); return s("polygon", { points: [0, 2, 6, 4].map((k) => `${c[k][0]},${-c[k][1]}`).join(" "), class: "truth", "stroke-width": size / 8 }); }),
    objects.map((o) => s("text", { x: o.center[0], y: -o.center[1], "font-size": size, "text-anchor": "middle" }, o.category)),
    (space.kept?.views || []).map((v) => s("circle", { cx: v.T_world_camera[0][3], cy: -v.T_world_camera[1][3], r: size / 4, class: "camera" })),
    segments.map(({ points: [a, b] }) => s("line", { x1: a[0], y1: -a[1], x2: b[0], y2: -b[1], class: "segment", "stroke-width": size / 5 })));
}

function table(objects, unit) {
  const n = (v) => Number(v).toFixed(2);
  return h("div", { class: "card wide" }, h("table", {}, h("caption", {}, "Measured objects"), h("thead", {}, h("tr", {}, ["Object", "Category", `Size (${unit})`, `Position (${unit})`, "Views", "Confidence"].map((t) => h("th", { scope: "col" }, t)))),
    h("tbody", {}, objects.map((o) => h("tr", {}, h("th", { scope: "row" }, o.handle), h("td", {}, o.category + (o.accepted ? "" : " (weak)")), h("td", { class: "n" }, (o.size || []).map(n).join(" × ")), h("td", { class: "n" }, o.center.map(n).join(", ")), h("td", { class: "n" }, `${o.support} of ${o.visible}`), h("td", { class: "n" }, n(o.confidence)))))));
}

function truthTable({ rows, wrong, why }) {
  if (why) return h("p", { class: "quiet" }, why);
  const line = (r) => h("tr", {}, h("th", { scope: "row" }, r.category), h("td", {}, r.handle || "not measured"), h("td", { class: "n" }, r.overlap === null ? "–" : r.overlap.toFixed(2)), h("td", { class: "n" }, r.off === null ? "–" : `${r.off.toFixed(2)} m`));
  return h("div", { class: "card wide" }, h("table", { id: "beside" }, h("caption", {}, "Measured beside truth"), h("thead", {}, h("tr", {}, ["True object", "Measured as", "Overlap (IoU)", "Centres apart"].map((t) => h("th", { scope: "col" }, t)))), h("tbody", {}, rows.map(line))),
    wrong?.length ? h("p", { class: "bad" }, `Measured, but in truth not there or elsewhere: ${wrong.join(", ")}`) : null);
}
