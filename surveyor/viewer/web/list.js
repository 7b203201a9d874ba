import { api, crumbs, enc, h, link, many, note, one, readable, seconds, show } from "./dom.js";

const ROW = 34;

export async function runsPage(_, __, go) {
  document.title = "Runs · Surveyor";
  crumbs();
  const { runs } = await api("/api/runs");
  const chosen = new Set();
  const button = h("button", { type: "button", disabled: true, onclick: () => {
    const [a, b] = [...chosen];
    go(`/compare/${enc(a)}/${enc(b)}`);
  } }, "Compare two");
  const rows = runs.map((run) => h("tr", {},
    h("td", {}, h("input", { type: "checkbox", "aria-label": `choose ${run.name}`, onchange: (event) => {
      event.target.checked ? chosen.add(run.name) : chosen.delete(run.name);
      button.disabled = chosen.size !== 2;
    } })),
    h("th", { scope: "row" }, link(`/run/${enc(run.name)}`, {}, run.name), run.reference && h("span", { class: "chip warn", title: "answered by reference experts, which know the truth" }, "upper bound")),
    h("td", {}, run.dataset), h("td", {}, run.model || run.planner),
    h("td", { class: "n" }, run.overall ? one(run.overall.value) : run.place ? "no truth" : "not scored"),
    h("td", { class: "n quiet" }, run.overall?.low != null ? `${one(run.overall.low)}–${one(run.overall.high)}` : "–"),
    h("td", { class: "n" }, run.tally ? `${run.tally.scored} / ${run.tally.failed} / ${run.tally.incomplete}` : `${run.scheduled} asked`),
    h("td", { class: "quiet" }, run.created.replace("T", " ").slice(0, 16))));
  show(h("div", { class: "head" }, h("h1", {}, "Runs"), button),
    h("div", { class: "card wide" }, h("table", {}, h("thead", {}, h("tr", {},
      ["", "Run", "Dataset", "Planner", "Score", "95 %", "Scored / failed / incomplete", "Begun"].map((t) => h("th", { scope: "col" }, t || h("span", { class: "hidden" }, "Choose"))))),
    h("tbody", {}, rows))));
  let at = -1;
  const links = () => [...document.querySelectorAll("tbody a")];
  const step = (d) => { at = Math.max(0, Math.min(links().length - 1, at + d)); links()[at]?.focus(); };
  return { keys: { j: () => step(1), k: () => step(-1) } };
}

export async function runPage([run], query, go) {
  document.title = `${run} · Surveyor`;
  crumbs(link(`/run/${enc(run)}`, { "aria-current": "page" }, run));
  const filter = Object.fromEntries(["type", "outcome", "scene", "tool", "q", "sort"].map((k) => [k, query.get(k) || ""]));
  let wanted = Number(query.get("at")) || 0;
  const address = () => {
    const parts = Object.entries(filter).filter(([, v]) => v);
    return `/run/${enc(run)}` + (parts.length ? "?" + new URLSearchParams(parts) : "");
  };
  const told = await api(`/api/run/${enc(run)}`);
  let state = await api(`/api/run/${enc(run)}/state`);
  const pages = new Map();
  let total = 0, revision = 0, selected = wanted;

  const progress = h("p", { class: "quiet", id: "progress" });
  const count = h("span", { class: "quiet", id: "count" });
  const body = h("div", { class: "rows", role: "rowgroup" });
  const spacer = h("div", { class: "spacer", role: "presentation" }, body);
  const scroller = h("div", { class: "scroller", role: "presentation", onscroll: () => requestAnimationFrame(paint) }, spacer);
  const columns = ["Question", "Type", "Answer", "Correct", "Score", "Calls", "Time"];
  const grid = h("div", { class: "grid", role: "table", "aria-label": "Episodes" },
    h("div", { role: "rowgroup" }, h("div", { class: "row labels", role: "row" }, columns.map((c) => h("span", { role: "columnheader" }, c)))), scroller);
  const choose = (name, label, options) => h("label", {}, label, h("select", { id: `f-${name}`, onchange: (e) => { filter[name] = e.target.value; reload(); } },
    h("option", { value: "" }, "all"), options.map(([value, text]) => h("option", { value, selected: filter[name] === value }, text))));
  const facet = (name) => Object.entries(state.facets[name] || {}).map(([v, n]) => [v, `${name === "type" ? readable(v) : v} (${n})`]);
  let timer = 0;
  const search = h("input", { type: "search", id: "search", value: filter.q, placeholder: "words of question or answer", oninput: (e) => {
    filter.q = e.target.value; clearTimeout(timer); timer = setTimeout(reload, 60);
  } });
  const bar = h("div", { class: "filters", role: "search" }, h("label", {}, "Search", search), choose("type", "Type", facet("type")),
    choose("outcome", "Outcome", facet("outcome")), choose("scene", "Scene", facet("scene")),
    choose("sort", "Sort", [["worst", "worst first"], ["best", "best first"], ["calls", "most calls"], ["slowest", "slowest"], ["cost", "dearest"]]), count);
  const fresh = h("button", { type: "button", class: "fresh", hidden: true, onclick: () => { fresh.hidden = true; pages.clear(); paint(); } }, "New results: show them");

  show(h("div", { class: "head" }, h("h1", {}, run), score(told)), banner(told), progress, types(told, filter, (t) => { filter.type = t; go(address()); }), bar, fresh, grid);
  tell();

  async function page(number) {
    const parts = new URLSearchParams({ ...filter, offset: number * 100, limit: 100 });
    const got = await api(`/api/run/${enc(run)}/episodes?${parts}`);
    total = got.total; revision = got.revision;
    pages.set(number, got.rows);
    while (pages.size > 6) pages.delete(pages.keys().next().value);
    spacer.style.setProperty("height", `${total * ROW}px`);
    count.textContent = many(total, "episode");
  }

  async function paint() {
    const first = Math.max(0, Math.floor(scroller.scrollTop / ROW) - 4);
    const last = Math.min(total || 1, first + Math.ceil(scroller.clientHeight / ROW) + 8);
    for (let p = Math.floor(first / 100); p <= Math.floor(Math.max(first, last - 1) / 100); p++) if (!pages.has(p)) await page(p);
    const rows = [];
    for (let i = first; i < Math.min(last, total); i++) {
      const row = pages.get(Math.floor(i / 100))?.[i % 100];
      if (row) rows.push(line(row, i));
    }
    body.replaceChildren(...rows);
    body.style.setProperty("transform", `translateY(${first * ROW}px)`);
    if (!total) body.replaceChildren(h("div", { class: "row", role: "row" }, h("span", { role: "cell" }, "No episode fits this filter.")));
  }

  function line(row, i) {
    const parts = new URLSearchParams({ task: row.task, epoch: row.epoch });
    for (const [k, v] of Object.entries(filter)) if (v) parts.set(k, v);
    return h("div", { class: "row" + (i === selected ? " selected" : ""), role: "row" },
      h("span", { role: "cell" }, link(`/run/${enc(run)}/episode?${parts}`, { "data-i": i, title: row.question }, row.question || row.task)),
      h("span", { role: "cell", class: "quiet" }, readable(row.type)),
      h("span", { role: "cell", title: row.answer }, row.answer || "–", row.guess ? h("em", { class: "quiet" }, " guess") : ""),
      h("span", { role: "cell" }, row.correct || "–"),
      h("span", { role: "cell", class: `outcome ${row.outcome}` }, row.value === null ? row.outcome : `${one(100 * row.value)} ${row.outcome}`),
      h("span", { role: "cell" }, row.calls), h("span", { role: "cell" }, seconds(row.elapsed)));
  }

  async function reload() {
    history.replaceState(null, "", address());
    pages.clear(); selected = 0; scroller.scrollTop = 0;
    await page(0); await paint();
  }

  function tell() {
    const c = state.counts;
    const still = c.scheduled - c.ended;
    progress.textContent = c.read < c.ended ? `reading ${c.read} of ${c.scheduled}` : still > 0 ? `${c.ended} of ${c.scheduled} ended, ${still} to come or incomplete` : `${c.ended} ended, all read`;
  }

  let stopped = false;
  async function watch() {
    while (!stopped) {
      await new Promise((done) => setTimeout(done, 1000));
      if (stopped || document.hidden) continue;
      try { state = await api(`/api/run/${enc(run)}/state`); } catch { continue; }
      if (stopped) return;
      tell();
      if (state.counts.revision !== revision && total) {
        if (scroller.scrollTop < ROW) { pages.clear(); await paint(); } else fresh.hidden = false;
      }
    }
  }
  await page(0);
  if (wanted) scroller.scrollTop = Math.max(0, wanted * ROW - 100);
  await paint();
  watch();
  const step = async (d) => {
    selected = Math.max(0, Math.min(total - 1, selected + d));
    const top = selected * ROW;
    if (top < scroller.scrollTop || top > scroller.scrollTop + scroller.clientHeight - 2 * ROW) scroller.scrollTop = Math.max(0, top - 4 * ROW);
    await paint();
    body.querySelector(`[data-i="${selected}"]`)?.focus();
  };
  return { leave: () => { stopped = true; }, keys: { j: () => step(1), k: () => step(-1), u: () => go("/"), "/": () => search.focus() } };
}

function score(told) {
  if (!told.overall) return h("p", { class: "headline" }, told.place ? "no truth is known here" : "not scored yet");
  const ends = told.overall.low != null ? ` ${one(told.overall.low)}–${one(told.overall.high)}` : "";
  return h("p", { class: "headline" }, one(told.overall.value), h("small", {}, ends + (ends ? " (95 %)" : "")));
}

function banner(told) {
  if (!told.reference) return null;
  return h("p", { class: "banner" }, "Answered by reference experts, which know the truth: an upper bound, not a neural result.");
}

function types(told, filter, choose) {
  if (!told.report) return null;
  return h("div", { class: "types" }, told.report.types.map((t) => h("button", { type: "button", "aria-pressed": String(filter.type === t.question_type),
    class: "type", onclick: () => choose(filter.type === t.question_type ? "" : t.question_type) },
    h("span", {}, readable(t.question_type)), h("b", {}, one(t.score.value)), h("meter", { min: 0, max: 100, value: t.score.value, "aria-label": `${readable(t.question_type)} score` }))));
}
