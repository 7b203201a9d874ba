import { curve } from "./training.js";
import { api, crumbs, enc, h, link, many, s, show } from "./dom.js";

const signed = (x) => `${x > 0 ? "+" : ""}${x.toFixed(3)}`;

// A library: which versions earn their place, and how sure that is.
export async function skillsPage(_, __, go) {
  document.title = "Skills · Surveyor";
  crumbs(h("span", {}, "skills"));
  const { rows, asked, evolutions } = await api("/api/skills");
  if (!rows.length) {
    show(h("h1", {}, "Skills"), h("p", { class: "quiet" }, asked ? "This library is empty." : "Start the viewer with --library FOLDER to see skills here."));
    return { keys: { u: () => go("/") } };
  }
  const wide = Math.max(0.01, ...rows.flatMap((r) => [r.lift, r.low, r.high]).map((x) => Math.abs(x ?? 0)));
  const line = (r) => h("tr", {}, h("th", { scope: "row" }, link(`/skill/${enc(r.name)}?v=${enc(r.version)}`, {}, r.name), " ", h("code", {}, r.version.slice(0, 8))), h("td", {}, r.status), h("td", {}, r.origin), h("td", {}, r.scope),
    h("td", { class: "n" }, lift(r), " ", whisker(r, wide)), h("td", { class: "n" }, r.rooms || "–"), h("td", { class: "n" }, r.tokens));
  const counts = Object.entries(rows.reduce((m, r) => ((m[r.status] = (m[r.status] || 0) + 1), m), {})).map(([k, n]) => `${n} ${k}`).join(" · ");
  show(h("h1", {}, "Skills"), h("p", { class: "quiet" }, `${counts}; lift is utility with the skill less utility without it, with the gate's interval`),
    h("div", { class: "card wide" }, h("table", {}, h("thead", {}, h("tr", {}, ["Skill", "Status", "From", "Scope", "Lift", "Rooms", "Tokens"].map((t) => h("th", { scope: "col" }, t)))), h("tbody", {}, rows.map(line)))), evolutions.map(evolution));
  let at = -1;
  const step = (d) => { const all = [...document.querySelectorAll("tbody a")]; at = Math.max(0, Math.min(all.length - 1, at + d)); all[at]?.focus(); };
  return { keys: { j: () => step(1), k: () => step(-1), u: () => go("/") } };
}

// One evolution: the learning curve, and what the gate said of every round.
function evolution(e) {
  const rungs = e.rounds.flatMap((r) => r.rungs.map((rooms) => `round ${r.round}, ${many(rooms, "room")}`));
  const gate = (g) => (g ? [lift(g), " ", h("span", { class: "quiet" }, `${many(g.rooms, "room")}: ${g.reason}`)] : "nothing to judge");
  const row = (r) => h("tr", {}, h("th", { scope: "row" }, r.round), h("td", { class: "n" }, r.played, r.incomplete ? ` (${r.incomplete} incomplete)` : ""), h("td", { class: "n" }, r.findings), h("td", { class: "n" }, r.promoted),
    [r.utility, r.plain, r.best].map((x) => h("td", { class: "n" }, x.toFixed(3))), h("td", {}, gate(r.gate)));
  return h("section", { "aria-label": `Evolution ${e.run.slice(0, 8)}` }, h("h2", {}, "Evolution ", h("code", {}, e.run.slice(0, 8))),
    h("p", { class: "quiet" }, "On teaching rooms: progress to watch, not a result. What counts is the gate's lift on rooms that taught nothing."),
    e.curve.length ? h("div", { class: "curves" }, curve("utility of the best arm, rung by rung", e.curve.map((u, k) => [k + 1, u]), false, rungs.join(" · "))) : null,
    h("div", { class: "card wide" }, h("table", {}, h("thead", {}, h("tr", {}, ["Round", "Rollouts", "Findings", "Promoted", "Library", "Plain", "Best arm", "Gate"].map((t) => h("th", { scope: "col" }, t)))), h("tbody", {}, e.rounds.map(row)))));
}

function lift(r) {
  if (r.lift === null) return "never judged";
  return signed(r.lift) + (r.low === null ? " (no interval)" : ` [${signed(r.low)}, ${signed(r.high)}]`);
}

function whisker(r, wide) {
  if (r.lift === null || r.low === null) return null;
  const x = (v) => 50 + (45 * Math.max(-wide, Math.min(wide, v))) / wide;
  return s("svg", { class: "whisker", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, s("line", { x1: 50, x2: 50, y1: 0, y2: 10 }), s("line", { x1: x(r.low), x2: x(r.high), y1: 5, y2: 5 }), s("circle", { cx: x(r.lift), cy: 5, r: 3 }));
}

// One skill: where its versions come from, and two of them side by side.
export async function skillPage([name], query, go) {
  document.title = `${name} · Surveyor`;
  crumbs(link("/skills", {}, "skills"), h("span", {}, name));
  const parts = new URLSearchParams({ v: query.get("v") || "", against: query.get("against") || "" });
  const told = await api(`/api/skill/${enc(name)}?${parts}`);
  const at = (v, against) => `/skill/${enc(name)}?${new URLSearchParams(Object.entries({ v, against }).filter(([, x]) => x))}`;
  const row = (v) => told.versions.find((x) => x.version === v);
  const card = (v, text) => h("section", { class: "card", "aria-label": `Version ${v.slice(0, 8)}` }, h("h2", {}, h("code", {}, v.slice(0, 8)), ` ${row(v).status}`), h("p", { class: "quiet" }, `lift ${lift(row(v))}`), h("pre", { tabindex: "0" }, text));
  show(h("h1", {}, name), told.untrusted ? h("p", { class: "banner" }, "Untrusted: written by others, shown as it is, never executed.") : null,
    h("h2", {}, "Lineage"), h("ul", { class: "lineage" }, lineage(told.versions, name).map(([v, deep]) => h("li", { style: { "--deep": String(deep) } }, link(at(v.version, ""), { "aria-current": v.version === told.version ? "true" : undefined, class: "chip" }, v.version.slice(0, 8)),
      ` ${v.status}, ${v.origin}, lift ${lift(v)} `, v.parents.length ? h("span", { class: "quiet" }, `from ${v.parents.map((p) => p.replace(/@(.{8}).*/, "@$1")).join(", ")} `) : null, v.version !== told.version ? link(at(told.version, v.version), { class: "against" }, "beside") : null))),
    h("div", { class: "pair" }, told.against ? card(told.against, told.other) : null, card(told.version, told.text)),
    told.diff.length ? h("details", { open: true }, h("summary", {}, "What changed"), h("pre", { class: "diff", tabindex: "0" }, told.diff.map((l) => h("span", { class: l[0] === "+" ? "plus" : l[0] === "-" ? "minus" : "" }, l, "\n")))) : null,
    told.ledger.length ? h("details", {}, h("summary", {}, `History, ${many(told.ledger.length, "line")}`), h("pre", { tabindex: "0" }, told.ledger.join("\n"))) : null);
  const turn = (d) => { const i = told.versions.findIndex((v) => v.version === told.version) + d; if (told.versions[i]) go(at(told.versions[i].version, told.against), true); };
  return { keys: { j: () => turn(1), k: () => turn(-1), u: () => go("/skills") } };
}

function lineage(versions, name) {
  const refs = new Map(versions.map((v) => [`${name}@${v.version}`, v]));
  const out = [], seen = new Set();
  const walk = (v, deep) => {
    if (seen.has(v.version)) return;
    seen.add(v.version);
    out.push([v, deep]);
    for (const child of versions) if (child.parents.includes(`${name}@${v.version}`)) walk(child, deep + 1);
  };
  for (const v of versions) if (!v.parents.some((p) => refs.has(p))) walk(v, 0);
  for (const v of versions) walk(v, 0);
  return out;
}
