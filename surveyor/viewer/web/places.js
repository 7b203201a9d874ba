import { api, crumbs, enc, h, key, link, many, note, send, show } from "./dom.js";

const TYPES = "image/*,video/*,.heic,.heif";

// Photos of one's own: drop them, choose them with the keyboard, or open a place that is kept.
export async function placesPage(_, __, go) {
  document.title = "Places · Surveyor";
  crumbs(h("span", {}, "places"));
  const told = await api("/api/places");
  if (!told.asked) {
    show(h("h1", {}, "Your own places"), h("p", {}, "This viewer only shows. Start it with ", h("code", {}, "surveyor view --ask"), " to drop photos and ask about them."));
    return { keys: { u: () => go("/") } };
  }
  let files = [];
  const chosen = h("p", { id: "chosen", role: "status" }, "No photos chosen.");
  const input = h("input", { type: "file", id: "files", multiple: true, accept: TYPES, onchange: () => take([...input.files]) });
  const name = h("input", { type: "text", id: "name", maxlength: 60, autocomplete: "off", value: free(told.places) });
  const keep = h("button", { type: "submit", id: "keep", disabled: true }, "Keep these photos");
  const trouble = h("div", { id: "trouble", role: "alert" });
  const form = h("form", { class: "card drop", id: "drop", "aria-label": "New place", onsubmit: (e) => { e.preventDefault(); upload(); } },
    h("h2", {}, "Drop photos or a video of one place here"),
    h("p", { class: "quiet" }, "They stay on this machine, turned upright, without what the camera wrote beside them. To measure by hand, walk sideways around it and take about 30, a short step apart; turning on one spot tells no lengths."),
    h("div", { class: "filters" }, h("label", {}, h("span", {}, "Photos or a video ", key("n")), input), h("label", {}, "Name of the place", name), keep), chosen, trouble);
  form.addEventListener("dragover", (e) => { e.preventDefault(); form.classList.add("over"); });
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (e) => { e.preventDefault(); form.classList.remove("over"); take([...e.dataTransfer.files]); });
  const list = told.places.length ? h("ul", { class: "places" }, told.places.map((p) => h("li", {}, link(`/place/${enc(p.name)}`, { class: "card tile" },
    h("img", { src: `/api/place/${enc(p.name)}/photo/0?w=320`, alt: "", loading: "lazy" }), h("b", {}, p.name), h("span", { class: "quiet" }, many(p.photos, "photo")))))) : h("p", { class: "quiet" }, "None yet.");
  show(h("h1", {}, "Your own places"), form, h("h2", {}, "Kept places"), list);

  function take(given) {
    files = given.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
    const size = files.reduce((sum, f) => sum + f.size, 0) / 1e6;
    chosen.textContent = files.length ? `${files.length} chosen, ${size.toFixed(1)} MB` : "No photos chosen.";
    keep.disabled = !files.length;
    if (files.length) keep.focus();
  }

  async function upload() {
    keep.disabled = true;
    trouble.replaceChildren();
    const batch = [...crypto.getRandomValues(new Uint8Array(8))].map((b) => b.toString(16).padStart(2, "0")).join("");
    try {
      for (const [i, file] of files.entries()) {
        chosen.textContent = `Reading ${i + 1} of ${files.length}`;
        await send(`/api/upload/${batch}/${i}?${new URLSearchParams({ name: file.name })}`, file);
      }
      chosen.textContent = "Looking at them";
      const kept = await send(`/api/places/${batch}?${new URLSearchParams({ name: name.value.trim() })}`, "");
      await go(`/place/${enc(kept.name)}`);
      if (kept.warnings.length) note(kept.warnings.join("; "));
    } catch (error) {
      chosen.textContent = `${files.length} chosen`;
      keep.disabled = false;
      trouble.replaceChildren(h("p", { class: "bad" }, error.message));
    }
  }

  let at = -1;
  const step = (d) => { const all = [...document.querySelectorAll(".places a")]; at = Math.max(0, Math.min(all.length - 1, at + d)); all[at]?.focus(); };
  return { keys: { n: () => input.focus(), j: () => step(1), k: () => step(-1), u: () => go("/") } };
}

function free(places) {
  const taken = new Set(places.map((p) => p.name));
  let k = 1;
  while (taken.has(`place-${k}`)) k++;
  return `place-${k}`;
}

// A place: its photos, a question, and every answer that was given, each with an address.
export async function placePage([name], query, go) {
  document.title = `${name} · Surveyor`;
  crumbs(link("/places", {}, "places"), h("span", {}, name));
  const base = `/api/place/${enc(name)}`, here = `/place/${enc(name)}`;
  const told = await api(base);
  const { ways } = told;
  const can = ways.experts || ways.model;
  const field = h("input", { type: "text", id: "question", maxlength: 2000, autocomplete: "off", value: query.get("q") || "", placeholder: can ? ways.kinds[0] : "" });
  const button = h("button", { type: "submit", id: "ask" }, "Ask");
  const stop = h("button", { type: "button", id: "stop", hidden: true, onclick: () => send(`${base}/stop`, "").catch(() => null) }, "Stop ", key("x"));
  const marks = link(`${here}/mark`, { class: "chip", id: "mark" }, "Mark points by hand ", key("m"));
  const judge = h("select", { id: "judge", onchange: () => { const now = new URLSearchParams(location.search); if (judge.value) now.set("j", judge.value); else now.delete("j"); history.replaceState(null, "", `${here}${now.size ? `?${now}` : ""}`); } },
    h("option", { value: "" }, "nothing: uncertainty not known"), ways.judges.map((r) => h("option", { value: r, selected: r === query.get("j") }, r)));
  const trouble = h("div", { id: "trouble", role: "alert" });
  const state = h("p", { class: "quiet", id: "state", role: "status" }, ground(ways));
  const form = h("form", { class: "card", "aria-label": "Question", onsubmit: (e) => { e.preventDefault(); ask(); } },
    can ? h("div", { class: "asking" }, h("label", { for: "question" }, "Question ", key("/")), field, button, stop) : null, state,
    can && ways.judges.length ? h("p", { class: "quiet" }, h("label", {}, "Interval of lengths, by how far off these experts were in the scored run ", key("i"), " ", judge)) : null,
    can && !ways.model ? h("div", { class: "chips", "aria-label": "Kinds of question" }, ways.kinds.map((k) => h("button", { type: "button", class: "chip", onclick: () => { field.value = k; field.focus(); } }, k))) : null,
    h("p", {}, marks), can ? null : waysOn(ways), trouble);
  const chosen = told.answers.find((a) => a.id === query.get("a")) || told.answers[0];
  const answers = told.answers.map((a) => answer(a, chosen && a.id === chosen.id));
  show(h("h1", {}, name), form, told.answers.length ? h("section", { "aria-label": "Answers" }, answers) : h("p", { class: "quiet" }, "Nothing was asked here yet."),
    h("h2", {}, many(told.photos.length, "photo")), h("div", { class: "frames" }, told.photos.map((p, i) => h("figure", {}, h("img", { src: `${base}/photo/${i}?w=320`, alt: p.name, loading: "lazy" }), h("figcaption", {}, h("span", { class: "pad" }, `${i + 1} ${p.name}`))))));

  function answer(a, open) {
    const more = [link(`${here}?${new URLSearchParams({ a: a.id })}`, {}, "link")];
    if (a.run) {
      const which = new URLSearchParams({ task: `${name}.${a.id}`, epoch: 0 });
      more.unshift(link(`/run/${enc(a.run)}/episode?${which}`, { id: open ? "why" : undefined }, "why ", open ? key("w") : ""), link(`/run/${enc(a.run)}/scene?${which}`, { id: open ? "space" : undefined }, "scene in 3D ", open ? key("3") : ""));
    } else more.unshift(link(`${here}/mark`, {}, "measure more with these marks"));
    return h("article", { class: `card answer${open ? " open" : ""}`, id: a.id, "aria-label": `${a.id}: ${a.question}` },
      h("p", { class: "quiet" }, a.question), h("p", { class: a.status === "answered" ? "said" : "said bad" }, a.sentence),
      a.lines.slice(1).map((line) => h("p", { class: line.startsWith("warning") || line.startsWith("answered by reference") ? "warned" : "quiet" }, line)),
      open && a.picture ? h("img", { class: "shown", src: `${base}/picture/${a.id}`, alt: `Photos with what the answer rests on: ${a.sentence}` }) : null, h("p", { class: "more" }, more));
  }

  // What was asked before this page was opened is followed to its end.
  if (told.asking !== null) {
    busy(told.asking);
    follow();
  }

  async function follow() {
    while (location.pathname === here && document.contains(form)) {
      await new Promise((done) => setTimeout(done, 1000));
      const now = await api(base).catch(() => told);
      if (now.asking === null) return document.contains(form) && go(here, true);
    }
  }

  function busy(question) {
    button.disabled = true;
    stop.hidden = false;
    state.textContent = `Asking${question ? `: ${question}` : ""} This page may be left, the answer is kept.`;
  }

  async function ask() {
    const question = field.value.trim();
    if (!question) { field.focus(); return; }
    const judged = judge.value ? { j: judge.value } : {};
    history.replaceState(null, "", `${here}?${new URLSearchParams({ q: question, ...judged })}`);
    trouble.replaceChildren();
    busy(question);
    try {
      const { id } = await send(`${base}/ask`, JSON.stringify({ question, judged_by: judge.value }));
      if (location.pathname === here) await go(`${here}?${new URLSearchParams({ a: id, ...judged })}`);
      document.getElementById(id)?.scrollIntoView({ block: "nearest" });
    } catch (error) {
      trouble.replaceChildren(h("p", { class: "bad" }, error.message));
      state.textContent = ground(ways);
      button.disabled = false;
      stop.hidden = true;
    }
  }

  const turn = (d) => { const at = told.answers.indexOf(chosen) + d; if (told.answers[at]) go(`${here}?${new URLSearchParams({ a: told.answers[at].id, ...(judge.value && { j: judge.value }) })}`, true); };
  const open = (id) => () => { const found = document.getElementById(id); if (found) go(found.pathname + found.search); };
  return { keys: { "/": () => field.focus(), i: () => document.getElementById("judge")?.focus(), m: () => go(`${here}/mark`), w: open("why"), 3: open("space"), x: () => stop.hidden || stop.click(), j: () => turn(1), k: () => turn(-1), u: () => go("/places") } };
}

function ground(ways) {
  if (ways.sends_to) return `Photos are sent to ${ways.sends_to} when you ask.`;
  if (ways.model) return "Answered by the model named at start.";
  return ways.experts ? "Measured by the experts that run on this machine; six kinds of question are understood." : ways.hand ? "Nothing here finds things in photos by itself: you mark what is to be measured." : "Nothing here can see objects.";
}

function waysOn(ways) {
  return h("div", {}, h("p", { class: "quiet" }, ways.hand ? "Or ask in words, with one of these:" : "Three ways on:"),
    h("ul", {}, h("li", {}, "start experts: ", h("code", {}, "surveyor serve up --weights DIR")), h("li", {}, "start the viewer with a model: ", h("code", {}, "surveyor view --ask --model NAME --base-url URL")),
      ways.hand ? null : h("li", {}, "mark points by hand, after ", h("code", {}, "pip install 'surveyor[photos]'"))));
}
