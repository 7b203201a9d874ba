import { api, crumbs, enc, h, key, link, many, s, send, show } from "./dom.js";

const COLOURS = { a: "#ffd60a", b: "#ffd60a", c: "#4cc9f0", d: "#4cc9f0" };
const WHAT = { a: "one end of what you measure", b: "its other end", c: "one end of what you know", d: "its other end" };
const UNITS = ["m", "cm", "mm", "in", "ft"];
const ZOOM = 6, LOUPE = 174;

// The same texts as on the command line: ends as "a=1:412,220 2:380,231", photos counted from 1.
export function readPoints(texts) {
  const marks = {};
  for (const text of texts) {
    const [name, rest] = text.split("=");
    if (!rest || !(name.trim() in WHAT)) continue;
    const found = [...rest.matchAll(/(\d+):(-?[\d.]+),(-?[\d.]+)/g)].map(([, k, u, v]) => [Number(k), [Number(u), Number(v)]]);
    if (found.length) marks[name.trim()] = Object.fromEntries(found);
  }
  return marks;
}
export const pointTexts = (marks) => Object.entries(marks).filter(([, at]) => Object.keys(at).length).map(([name, at]) => `${name}=` + Object.entries(at).map(([k, [u, v]]) => `${k}:${u},${v}`).join(" "));

export async function markPage([name], query, go) {
  document.title = `Mark points · ${name} · Surveyor`;
  const here = `/place/${enc(name)}`;
  crumbs(link("/places", {}, "places"), link(here, {}, name), h("span", {}, "mark"));
  const told = await api(`/api/place/${enc(name)}`);
  const photos = told.photos;
  const fresh = !query.getAll("p").length;
  const before = readPoints(told.points.filter((p) => /^[cd]=/.test(p)));  // a known size holds until another is named
  const marks = fresh ? before : readPoints(query.getAll("p"));
  const size = (fresh ? told.known[0] : query.get("known"))?.match(/^(.*?)\s*=\s*([\d.]+)\s*(\w+),/) || [];
  let photo = Math.min(photos.length, Math.max(1, Number(query.get("photo")) || 1));
  let end = query.get("end") in WHAT ? query.get("end") : "a";
  let cross = null;

  const image = h("img", { alt: "", id: "photo" });
  const over = s("svg", { "aria-hidden": "true" });
  const stage = h("div", { class: "marking", id: "stage", tabindex: "0", role: "application", "aria-label": "Photo. Arrow keys move the cross, with Shift by ten pixels; Enter sets the mark." }, image, over);
  const loupe = h("canvas", { class: "loupe", id: "loupe", width: LOUPE, height: LOUPE, role: "img", "aria-label": "The photo around the cross, enlarged six times" });
  const ends = Object.fromEntries(Object.keys(WHAT).map((n) => [n, h("button", { type: "button", class: `end-${n}`, onclick: () => to(n) }, h("b", {}, n), h("span", {}, ` ${WHAT[n]}`), h("span", { class: "quiet" }))]));
  const shots = photos.map((q, i) => h("button", { type: "button", "aria-label": `Photo ${i + 1}, ${q.name}`, onclick: () => open(i + 1) }, h("img", { src: `/api/place/${enc(name)}/photo/${i}?w=160`, alt: "", loading: "lazy" }), h("span", {}, String(i + 1))));
  const list = h("div", { class: "ends", role: "group", "aria-label": "Ends" }, Object.values(ends));
  const where = h("p", { id: "where", role: "status" });
  const missing = h("p", { id: "missing", class: "quiet", role: "status" });
  const strip = h("div", { class: "strip", role: "group", "aria-label": "Photos" }, shots);
  const trouble = h("div", { id: "trouble", role: "alert" });
  const input = (id, label, value, more) => h("label", {}, label, h("input", { id, value, autocomplete: "off", oninput: remember, ...more }));
  const unit = h("select", { id: "unit", onchange: remember }, UNITS.map((u) => h("option", { selected: u === (size[3] || "m") }, u)));
  const question = input("question", "What are you measuring?", query.get("q") || "", { type: "text", maxlength: 500, size: 34, placeholder: "How wide is the window?" });
  const known = input("known", "Known thing", size[1] || "", { type: "text", maxlength: 60, placeholder: "door height" });
  const length = input("length", "Its length", size[2] || "", { type: "number", min: 0, step: "any" });
  const measure = h("button", { type: "button", id: "measure", onclick: ask }, "Measure ", key("m"));
  const does = (text, k, action) => h("button", { type: "button", onclick: action }, text, " ", key(k));
  show(h("h1", {}, `Mark points in ${name}`), h("p", { class: "quiet" }, "Mark each end in three photos: the first and the last that show it, and one between. Two ends say what to measure; two more of one thing whose length you know give metres."),
    told.ways.hand ? null : h("p", { class: "banner" }, "Joining photos needs OpenCV: pip install 'surveyor[photos]'"),
    h("div", { class: "bench" }, h("div", {}, stage, strip), h("aside", { class: "card", "aria-label": "Marks" }, list, loupe, where,
      h("div", { class: "fields" }, question, known, length, h("label", {}, "Unit", unit)), missing, measure, trouble, h("div", { class: "chips" }, does("Set", "Enter", set), does("Remove", "x", remove), does("Photo before", ",", () => turn(-1)), does("Photo after", ".", () => turn(1)), does("End before", "[", () => next(-1)), does("End after", "]", () => next(1))))));

  image.addEventListener("load", draw);
  stage.addEventListener("click", (e) => {
    const box = image.getBoundingClientRect(), p = photos[photo - 1];
    cross = bound([(e.clientX - box.x) / box.width * p.width - 0.5, (e.clientY - box.y) / box.height * p.height - 0.5]);
    set();
  });
  stage.addEventListener("keydown", (e) => {
    const by = e.shiftKey ? 10 : 1;
    const move = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] }[e.key];
    if (e.key === "Enter") { e.preventDefault(); set(); } else if (move) { e.preventDefault(); cross = bound([cross[0] + move[0], cross[1] + move[1]]); draw(); }
  });
  const bound = ([u, v]) => { const p = photos[photo - 1]; return [Math.max(0, Math.min(p.width - 1, Math.round(u * 10) / 10)), Math.max(0, Math.min(p.height - 1, Math.round(v * 10) / 10))]; };

  function set() { (marks[end] ||= {})[photo] = cross; remember(); draw(); }
  function remove() { if (marks[end]) delete marks[end][photo]; remember(); draw(); }
  function turn(d) { open(photo + d); }
  function next(d) { const all = Object.keys(WHAT); to(all[(all.indexOf(end) + d + all.length) % all.length]); }
  function to(n) { end = n; cross = marks[end]?.[photo] || cross; remember(); draw(); }
  function open(k) {
    if (k < 1 || k > photos.length) return;
    photo = k;
    const p = photos[k - 1];
    cross = marks[end]?.[k] || [Math.round(p.width / 2), Math.round(p.height / 2)];
    image.src = `/api/place/${enc(name)}/photo/${k - 1}?w=2048`;
    image.alt = p.name;
    image.width = p.width; image.height = p.height;
    over.setAttribute("viewBox", `-0.5 -0.5 ${p.width} ${p.height}`);
    remember(); draw();
  }
  const knownText = () => (length.lastChild.value ? `${known.lastChild.value.trim() || "known size"} = ${length.lastChild.value} ${unit.value}, c to d` : "");

  // The address holds everything that was marked, so a link or a reload loses nothing.
  function remember() {
    const parts = new URLSearchParams({ photo, end });
    for (const text of pointTexts(marks)) parts.append("p", text);
    if (knownText()) parts.set("known", knownText());
    if (question.lastChild.value) parts.set("q", question.lastChild.value);
    history.replaceState(null, "", `${here}/mark?${parts}`);
    tellMissing();
  }

  function draw() {
    const p = photos[photo - 1], r = p.width / 90;
    const shown = Object.entries(marks).filter(([, at]) => at[photo]);
    const pair = (x, y) => marks[x]?.[photo] && marks[y]?.[photo] ? s("line", { x1: marks[x][photo][0], y1: marks[x][photo][1], x2: marks[y][photo][0], y2: marks[y][photo][1], stroke: COLOURS[x] }) : null;
    over.replaceChildren(...[pair("a", "b"), pair("c", "d")].filter(Boolean), ...shown.flatMap(([n, at]) => [s("circle", { cx: at[photo][0], cy: at[photo][1], r, stroke: COLOURS[n] }), s("text", { x: at[photo][0] + r * 1.3, y: at[photo][1] - r, "font-size": r * 2.4 }, n)]),
      s("path", { class: "cross", d: `M${cross[0] - r * 2} ${cross[1]}h${r * 1.4}m${r * 1.2} 0h${r * 1.4}M${cross[0]} ${cross[1] - r * 2}v${r * 1.4}m0 ${r * 1.2}v${r * 1.4}` }));
    for (const [n, button] of Object.entries(ends)) { button.setAttribute("aria-pressed", String(n === end)); button.lastChild.textContent = ` ${toldIn(n)}`; }
    shots.forEach((button, i) => button.setAttribute("aria-pressed", String(i + 1 === photo)));
    where.textContent = `End ${end}, photo ${photo} of ${photos.length}, at ${cross[0].toFixed(0)}, ${cross[1].toFixed(0)}`;
    tellMissing();
    enlarge();
  }
  const short = (names) => names.map((n) => [n, 2 - Object.keys(marks[n] || {}).length]).filter(([, k]) => k > 0).map(([n, k]) => `${n} in ${many(k, "more photo")}`);

  // What is typed and what is marked belong together: a length needs its own two ends, on this page.
  function tellMissing() {
    const known = length.lastChild.value, ends = ["a", "b", ...(known ? ["c", "d"] : [])], left = short(ends);
    const marked = !known && ["c", "d"].some((n) => Object.keys(marks[n] || {}).length);
    missing.textContent = left.length ? `Still to mark: ${left.join(", ")}.` : marked ? "Give the length between c and d, or there will be no metres." : known ? "" : "No known length yet: there will be no metres.";
    measure.disabled = left.length > 0;
  }
  const toldIn = (n) => { const at = Object.keys(marks[n] || {}); return at.length ? `photos ${at.join(", ")}` : "not marked"; };

  function enlarge() {
    const pen = loupe.getContext("2d"), p = photos[photo - 1];
    pen.clearRect(0, 0, LOUPE, LOUPE);
    if (!image.complete || !image.naturalWidth) return;
    const k = image.naturalWidth / p.width, half = LOUPE / ZOOM / 2;
    pen.imageSmoothingEnabled = false;
    pen.drawImage(image, (cross[0] + 0.5 - half) * k, (cross[1] + 0.5 - half) * k, 2 * half * k, 2 * half * k, 0, 0, LOUPE, LOUPE);
    pen.strokeStyle = "#000"; pen.lineWidth = 3; lines(); pen.strokeStyle = COLOURS[end]; pen.lineWidth = 1; lines();
    function lines() { pen.beginPath(); pen.moveTo(0, LOUPE / 2); pen.lineTo(LOUPE, LOUPE / 2); pen.moveTo(LOUPE / 2, 0); pen.lineTo(LOUPE / 2, LOUPE); pen.stroke(); }
  }

  async function ask() {
    if (measure.disabled) return;
    trouble.replaceChildren();
    measure.disabled = true;
    where.textContent = "Joining the photos and measuring; the first time takes up to a minute.";
    try {
      const body = { question: question.lastChild.value.trim(), points: pointTexts(marks), known: knownText() ? [knownText()] : [] };
      if (!body.known.length) body.points = body.points.filter((p) => /^[ab]=/.test(p));
      const { id } = await send(`/api/place/${enc(name)}/ask`, JSON.stringify(body));
      await go(`${here}?${new URLSearchParams({ a: id })}`);
    } catch (error) {
      trouble.replaceChildren(h("p", { class: "bad" }, error.message));
      draw();
      trouble.scrollIntoView({ block: "nearest" });
    }
  }
  open(photo);
  stage.focus();
  return { keys: { x: remove, ",": () => turn(-1), ".": () => turn(1), "[": () => next(-1), "]": () => next(1), m: ask, u: () => go(here) } };
}
