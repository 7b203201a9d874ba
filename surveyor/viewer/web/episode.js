import { api, crumbs, enc, h, link, note, one, readable, s, seconds, show } from "./dom.js";

const KINDS = [["meas", "measurement"], ["obj", "objects"], ["cloud", "clouds"], ["mask", "masks"], ["box", "boxes"], ["recon", "reconstruction"], ["depth", "depths"], ["room", "room"], ["frame", "frames"]];

export async function episodePage([run], query, go) {
  const task = query.get("task") || "", epoch = query.get("epoch") || "0";
  const base = `/api/run/${enc(run)}`;
  const which = new URLSearchParams({ task, epoch });
  const filter = new URLSearchParams([...query].filter(([k]) => !["task", "epoch", "h", "used"].includes(k)));
  const [told, near] = await Promise.all([api(`${base}/episode?${which}`), api(`${base}/neighbours?${which}&${filter}`)]);
  document.title = `${task} · Surveyor`;
  const back = `/run/${enc(run)}${filter.size ? "?" + filter : ""}`;
  crumbs(link(back, {}, run), h("span", {}, task));
  let lit = query.get("h") || "";
  let onlyUsed = query.get("used") === "1";
  const graph = new Map(told.chain.nodes.map((n) => [n.handle, n]));
  const frames = new Map(told.frames.map((f) => [f.handle, f]));
  const address = (row) => `/run/${enc(run)}/episode?${new URLSearchParams({ task: row.task, epoch: row.epoch })}${filter.size ? "&" + filter : ""}`;
  const scene = `/run/${enc(run)}/scene?${which}`;

  const chainBox = h("section", { class: "card", "aria-label": "Evidence" });
  const frameBox = h("div", { class: "frames" });
  const stepBox = h("ol", { class: "steps" });
  const usedBox = h("label", { class: "inline" }, h("input", { type: "checkbox", id: "used", checked: onlyUsed, onchange: (e) => { onlyUsed = e.target.checked; remember(); } }), " evidence only");
  const before = h("a", near.before ? { href: address(near.before), rel: "prev" } : { "aria-disabled": "true", class: "off" }, "‹ previous");
  const after = h("a", near.after ? { href: address(near.after), rel: "next" } : { "aria-disabled": "true", class: "off" }, "next ›");

  show(h("div", { class: "head" }, h("p", { class: "quiet" }, `${readable(told.type)} · ${told.scene} · ${told.planner}`), h("p", { class: "turn" }, before, " ", after)),
    h("h1", { class: "question" }, told.question), told.options.length ? h("ul", { class: "options" }, told.options.map((o) => h("li", {}, o))) : null,
    verdict(told), chainBox, h("div", { class: "columns" }, h("section", { "aria-label": "Frames" }, h("div", { class: "head" }, h("h2", {}, "Frames"), usedBox, link(scene, {}, "scene in 3D")), frameBox),
      h("section", { "aria-label": "Steps" }, h("div", { class: "head" }, h("h2", {}, "Steps"), h("a", { href: `${base}/raw?${which}`, target: "_blank", rel: "noopener" }, "raw log")), stepBox)));
  drawSteps(); draw();

  function remember() {
    const parts = new URLSearchParams([...which, ...filter]);
    if (lit) parts.set("h", lit);
    if (onlyUsed) parts.set("used", "1");
    history.replaceState(null, "", `/run/${enc(run)}/episode?${parts}`);
    draw();
  }

  // Everything that a handle rests on, and everything that rests on it.
  function stream(handle) {
    const found = new Set(handle ? [handle] : []);
    const down = [handle];
    while (down.length) for (const next of graph.get(down.pop())?.from || []) if (!found.has(next)) { found.add(next); down.push(next); }
    let grew = Boolean(handle);
    const up = new Set([handle]);
    while (grew) {
      grew = false;
      for (const n of graph.values()) if (!up.has(n.handle) && n.from.some((x) => up.has(x))) { up.add(n.handle); found.add(n.handle); grew = true; }
    }
    return found;
  }

  function draw() {
    const near = stream(lit);
    chain(near); pictures(near);
    for (const item of stepBox.querySelectorAll("[data-handles]")) item.classList.toggle("lit", Boolean(lit) && item.dataset.handles.split(" ").includes(lit));
  }

  function pick(handle) { lit = lit === handle ? "" : handle; remember(); }

  function chip(node, near, extra) {
    return h("button", { type: "button", class: `chip${lit && !near.has(node.handle) ? " faded" : ""}${lit === node.handle ? " lit" : ""}`, "aria-pressed": String(lit === node.handle), onclick: () => pick(node.handle) }, node.handle, node.label ? ` ${node.label}` : "", extra || "");
  }

  function chain(near) {
    const rows = KINDS.map(([kind, name]) => {
      const mine = told.chain.nodes.filter((n) => n.kind === kind);
      if (!mine.length) return null;
      const chips = mine.slice(0, 24).map((n) => chip(n, near));
      return h("div", { class: "links" }, h("span", { class: "kind" }, mine.length > 1 ? `${mine.length} ${name}` : name), h("span", { class: "chips" }, chips, mine.length > 24 ? h("span", { class: "quiet" }, `and ${mine.length - 24} more`) : null));
    });
    const unused = told.chain.unused;
    chainBox.replaceChildren(h("h2", {}, "What the answer rests on"),
      ...(told.chain.roots.length ? [] : [h("p", { class: told.guess || told.answer === null ? "bad" : "quiet" }, told.answer === null ? "There is no answer." : told.guess ? "Nothing: this answer is a guess." : "The planner named no evidence.")]),
      ...(told.chain.roots.length && !told.chain.stated ? [h("p", { class: "quiet" }, "Inferred from handles in the answer's words, not stated.")] : []),
      ...rows.filter(Boolean),
      ...(unused.length ? [h("details", {}, h("summary", {}, `found but not used: ${unused.length}`), h("span", { class: "chips" }, unused.slice(0, 40).map((n) => chip(n, near))))] : []));
  }

  function pictures(near) {
    const masked = new Set(told.shapes.filter((x) => x.kind === "mask").map((x) => x.prompt));
    const shapes = told.shapes.filter((x) => !masked.has(x.handle) && (!onlyUsed || x.used) && (!lit || near.has(x.handle) || near.has(x.frame)));
    const order = [...frames.values()].map((f) => ({ f, mine: shapes.filter((x) => x.frame === f.handle) })).filter(({ f, mine }) => mine.length || (!onlyUsed && !lit) || near.has(f.handle));
    order.sort((a, b) => b.mine.filter((x) => x.used).length - a.mine.filter((x) => x.used).length || b.mine.length - a.mine.length);
    frameBox.replaceChildren(...order.slice(0, 12).map(({ f, mine }) => picture(f, mine)));
    if (!order.length) frameBox.replaceChildren(h("p", { class: "quiet" }, told.frames.length ? "Nothing was found in the frames." : "This place has no frames."));
  }

  function picture(frame, shapes) {
    const image = h("img", { src: `/blob/${enc(run)}/${frame.sha256}`, alt: `${frame.handle}, with ${shapes.length} things outlined`, loading: "lazy" });
    const over = s("svg", { "aria-hidden": "true" });
    image.addEventListener("load", () => {
      const [w, t] = [image.naturalWidth, image.naturalHeight];
      over.setAttribute("viewBox", `0 0 ${w} ${t}`);
      over.replaceChildren(...shapes.flatMap((x) => {
        const [left, top, right, bottom] = x.box;
        const parts = [];
        if (x.kind === "mask") parts.push(s("image", { href: `${base}/mask?${which}&handle=${enc(x.handle)}`, width: w, height: t }));
        parts.push(s("rect", { x: left, y: top, width: right - left, height: bottom - top, stroke: x.colour, class: (x.used ? "" : "weak") + (lit === x.handle ? " lit" : "") }));
        const size = w / 30;
        const text = `${x.category}${x.score == null ? "" : " " + x.score.toFixed(2)}`;
        const fits = Math.min(Math.max(left, 2), Math.max(2, w - text.length * size * 0.55));
        parts.push(s("text", { x: fits, y: Math.max(top - size * 0.3, size), "font-size": size }, text));
        return parts;
      }));
    });
    image.addEventListener("error", () => image.replaceWith(h("p", { class: "missing" }, "This picture is not on this machine.")));
    return h("figure", { "data-frame": frame.handle }, image, over, h("figcaption", {}, h("button", { type: "button", class: "plain", onclick: () => pick(frame.handle) }, frame.handle)));
  }

  function drawSteps() {
    stepBox.replaceChildren(...told.steps.map((step, i) => h("li", { class: `step ${step.kind} ${step.use || ""} ${step.status || ""}`, "data-handles": (step.handles || []).join(" ") }, body(step, i))));
  }

  let step = -1, frame = -1;
  const move = (d) => { const all = [...stepBox.querySelectorAll("summary")]; step = Math.max(0, Math.min(all.length - 1, step + d)); all[step]?.focus(); all[step]?.scrollIntoView({ block: "nearest" }); };
  const turn = (d) => { const all = [...frameBox.querySelectorAll("figcaption button")]; frame = Math.max(0, Math.min(all.length - 1, frame + d)); all[frame]?.focus(); };
  return { keys: { j: () => near.after && go(address(near.after)), k: () => near.before && go(address(near.before)), u: () => go(back), 3: () => go(scene),
    e: () => { onlyUsed = !onlyUsed; document.getElementById("used").checked = onlyUsed; remember(); }, "[": () => move(-1), "]": () => move(1), ",": () => turn(-1), ".": () => turn(1) } };
}

function verdict(told) {
  const row = told.score;
  const right = row && row.value !== null && row.value >= 0.5;
  return h("p", { class: "verdict" }, h("span", {}, "answered ", h("strong", { class: row?.value == null ? "" : right ? "good" : "bad" }, told.answer ?? "nothing")),
    told.guess ? h("span", { class: "chip warn" }, "a guess, nothing measured") : null,
    row?.correct ? h("span", {}, "correct ", h("strong", {}, row.correct)) : null,
    row?.value != null ? h("span", { class: "quiet" }, `score ${one(100 * row.value)}`) : h("span", { class: "quiet" }, "not scored"),
    told.status !== "answered" ? h("span", { class: "chip bad" }, `${told.status}: ${told.reason}`) : null, h("span", { class: "quiet" }, seconds(told.elapsed)),
    told.notes.why ? h("span", { class: "quiet wide" }, told.notes.why) : null);
}

function body(step, i) {
  const at = h("span", { class: "at" }, `${step.at.toFixed(1)} s`);
  if (step.kind === "call") {
    const facts = [step.use, step.expert_calls ? `${step.expert_calls} asked` : "", step.cached ? `${step.cached} from cache` : "", seconds(step.elapsed), step.cost ? `${step.cost.toFixed(3)} s priced` : ""].filter((x) => x && x !== "–");
    return h("details", { open: step.status !== "ok" }, h("summary", {}, h("b", {}, step.name), ` ${step.text.split("\n")[0].slice(0, 110)} `, h("span", { class: "facts" }, facts.join(" · ")), at),
      step.notes?.why ? h("p", { class: "quiet" }, step.notes.why) : null, h("pre", { tabindex: "0" }, step.arguments), h("pre", { tabindex: "0" }, step.text), step.producers.length ? h("p", { class: "quiet" }, step.producers.join(", ")) : null);
  }
  if (step.kind === "model") {
    const tokens = step.tokens[0] == null ? "" : `${step.tokens[0]} + ${step.tokens[1]} tokens`;
    return h("details", {}, h("summary", {}, h("b", {}, step.model), ` ${(step.text || step.reasoning).split("\n")[0].slice(0, 110)} `, h("span", { class: "facts" }, [step.finish, tokens, seconds(step.elapsed)].filter(Boolean).join(" · ")), at),
      step.reasoning ? h("pre", { tabindex: "0", class: "quiet" }, step.reasoning) : null, h("pre", { tabindex: "0" }, step.text || "(no text)"), h("p", { class: "quiet" }, `prompt ${step.prompt.slice(0, 16)}`), step.repairs.length ? h("p", { class: "quiet" }, `repaired: ${step.repairs.join(", ")}`) : null);
  }
  return h("details", { open: step.kind === "limit" }, h("summary", {}, h("b", {}, step.kind), ` ${step.text.slice(0, 110)} `, at), step.raw ? h("pre", { tabindex: "0" }, step.raw) : null, h("pre", { tabindex: "0" }, step.text));
}
