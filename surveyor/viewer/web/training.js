import { api, crumbs, enc, h, link, many, s, show } from "./dom.js";

const W = 360, T = 150, LEFT = 44, LOW = 18;
const short = (x) => (Math.abs(x) >= 1000 || (x && Math.abs(x) < 0.01) ? x.toExponential(1) : Number(x.toPrecision(3)).toString());

export async function trainingsPage(_, __, go) {
  document.title = "Training · Surveyor";
  crumbs(h("span", {}, "training"));
  const { rows } = await api("/api/training");
  const line = (r) => h("tr", {}, h("th", { scope: "row" }, link(`/training/${enc(r.name)}`, {}, r.name)), h("td", { class: "n" }, r.steps),
    h("td", {}, Object.entries(r.last).filter(([k]) => k !== "step").slice(0, 5).map(([k, v]) => `${k.replaceAll("_", " ")} ${short(v)}`).join(" · ")));
  show(h("h1", {}, "Training"), rows.length ? h("div", { class: "card wide" }, h("table", {}, h("thead", {}, h("tr", {}, ["Training", "Rows", "Last"].map((t) => h("th", { scope: "col" }, t)))), h("tbody", {}, rows.map(line))))
    : h("p", { class: "quiet" }, "No training is here yet: surveyor train writes metrics.jsonl, and --training FOLDER says where."));
  let at = -1;
  const step = (d) => { const all = [...document.querySelectorAll("tbody a")]; at = Math.max(0, Math.min(all.length - 1, at + d)); all[at]?.focus(); };
  return { keys: { j: () => step(1), k: () => step(-1), u: () => go("/") } };
}

export async function trainingPage([name], query, go) {
  document.title = `${name} · Surveyor`;
  crumbs(link("/training", {}, "training"), h("span", {}, name));
  const told = await api(`/api/training/${enc(name)}`);
  const log = query.get("log") === "1";
  const names = [...new Set(told.rows.flatMap((r) => Object.keys(r)))].filter((k) => k !== "step").slice(0, 40);
  const scale = h("label", { class: "inline" }, h("input", { type: "checkbox", id: "log", checked: log, onchange: (e) => go(`/training/${enc(name)}${e.target.checked ? "?log=1" : ""}`, true) }), " logarithmic where positive ", h("kbd", { "aria-hidden": "true" }, "l"));
  const settings = Object.entries(told.settings).length ? h("details", {}, h("summary", {}, "Settings and summary"), h("pre", { tabindex: "0" }, JSON.stringify(told.settings, null, 1))) : null;
  show(h("h1", {}, name), h("p", { class: "quiet" }, `${many(told.steps, "row")}${told.rows.length < told.steps ? `, ${told.rows.length} drawn` : ""}`), h("div", { class: "filters" }, scale),
    h("div", { class: "curves" }, names.map((k) => curve(k, told.rows.filter((r) => r[k] !== undefined).map((r) => [r.step, r[k]]), log))), settings);
  return { keys: { u: () => go("/training"), l: () => document.getElementById("log").click() } };
}

// One curve over steps; `note` stands below it.
export function curve(name, points, log, note = "") {
  const ys = points.map((p) => p[1]), xs = points.map((p) => p[0]);
  const bent = log && Math.min(...ys) > 0;
  const f = bent ? Math.log : (v) => v;
  const [low, high] = [Math.min(...ys), Math.max(...ys)], [x0, x1] = [Math.min(...xs), Math.max(...xs)];
  const x = (v) => LEFT + ((W - LEFT - 6) * (v - x0)) / (x1 - x0 || 1), y = (v) => T - LOW - ((T - LOW - 8) * (f(v) - f(low))) / (f(high) - f(low) || 1);
  const text = (at, to, what, anchor) => s("text", { x: at, y: to, "font-size": 10, "text-anchor": anchor }, what);
  const told = `${name.replaceAll("_", " ")}: ${points.length} values from ${short(ys[0])} to ${short(ys[ys.length - 1])}, least ${short(low)}, most ${short(high)}`;
  return h("figure", {}, h("h3", {}, name.replaceAll("_", " ")), s("svg", { viewBox: `0 0 ${W} ${T}`, role: "img", "aria-label": told },
    [low, high].map((v) => [s("line", { x1: LEFT, x2: W - 6, y1: y(v), y2: y(v) }), text(LEFT - 4, y(v) + 3, short(v), "end")]),
    text(LEFT, T - 4, short(x0), "start"), text(W - 6, T - 4, short(x1), "end"), s("polyline", { points: points.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(" ") })),
    h("p", { class: "quiet" }, `last ${short(ys[ys.length - 1])} · least ${short(low)} · most ${short(high)}${bent ? " · log scale" : ""}`), note ? h("p", { class: "quiet" }, note) : null);
}
