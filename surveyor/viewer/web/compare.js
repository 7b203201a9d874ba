import { api, crumbs, enc, h, link, many, one, readable, show } from "./dom.js";

const CELLS = [["", "all"], ["only_a", "only A right"], ["only_b", "only B right"], ["both", "both right"], ["neither", "both wrong"]];

export async function comparePage([a, b], query, go) {
  document.title = `${a} and ${b} · Surveyor`;
  crumbs(h("span", {}, "compare"));
  const told = await api(`/api/compare/${enc(a)}/${enc(b)}`);
  const cell = query.get("cell") || "", type = query.get("type") || "";
  const counts = Object.groupBy ? Object.groupBy(told.rows, (r) => r.cell) : told.rows.reduce((m, r) => ((m[r.cell] ||= []).push(r), m), {});
  const rows = told.rows.filter((r) => (!cell || r.cell === cell) && (!type || r.type === type)).slice(0, 300);
  const address = (c, t) => `/compare/${enc(a)}/${enc(b)}?` + new URLSearchParams(Object.entries({ cell: c, type: t }).filter(([, v]) => v));
  const d = told.overall.difference;
  const open = (run, r) => `/run/${enc(run)}/episode?` + new URLSearchParams({ task: r.task, epoch: r.epoch });
  show(h("h1", {}, "A ", link(`/run/${enc(a)}`, {}, a), " against B ", link(`/run/${enc(b)}`, {}, b)),
    h("p", { class: "headline" }, `${d.value > 0 ? "+" : ""}${one(d.value)}`, h("small", {}, d.low == null ? " points, B − A" : ` points, B − A, 95 % ${one(d.low)} to ${one(d.high)}, p ${told.overall.p.toFixed(3)}, ${told.overall.n} paired`)),
    told.notes.map((n) => h("p", { class: "quiet" }, `also differs: ${n}`)),
    h("div", { class: "filters" }, CELLS.map(([c, text]) => link(address(c, type), { class: "chip", "aria-current": c === cell ? "true" : undefined }, `${text} ${c ? (counts[c] || []).length : told.rows.length}`))),
    h("div", { class: "card wide" }, h("table", {}, h("thead", {}, h("tr", {}, ["Type", "n", "A", "B", "B − A", "95 %", "only A", "only B"].map((t) => h("th", { scope: "col" }, t)))),
      h("tbody", {}, Object.entries(told.types).map(([name, t]) => h("tr", {}, h("th", { scope: "row" }, link(address(cell, type === name ? "" : name), { "aria-current": type === name ? "true" : undefined }, readable(name))),
        [t.n, one(t.a), one(t.b), one(t.difference.value), t.difference.low == null ? "–" : `${one(t.difference.low)} to ${one(t.difference.high)}`, t.only_a, t.only_b].map((v) => h("td", { class: "n" }, v))))))),
    h("h2", {}, `${many(rows.length, "question")}, the largest differences first`),
    h("div", { class: "card wide" }, h("table", {}, h("thead", {}, h("tr", {}, ["Question", "Correct", "A", "B"].map((t) => h("th", { scope: "col" }, t)))),
      h("tbody", {}, rows.map((r) => h("tr", {}, h("th", { scope: "row" }, r.task), h("td", {}, r.correct),
        h("td", {}, link(open(a, r), { class: r.a.value >= 0.5 ? "good" : "bad" }, `${r.a.answer || "nothing"} (${one(100 * r.a.value)})`)),
        h("td", {}, link(open(b, r), { class: r.b.value >= 0.5 ? "good" : "bad" }, `${r.b.answer || "nothing"} (${one(100 * r.b.value)})`))))))));
  return { keys: { u: () => go("/") } };
}
