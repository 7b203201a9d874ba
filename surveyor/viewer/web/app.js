import { crumbs, h, link, note, show } from "./dom.js";
import { runPage, runsPage } from "./list.js";
import { episodePage } from "./episode.js";
import { comparePage } from "./compare.js";
import { scenePage } from "./scene3d.js";
import { placePage, placesPage } from "./places.js";
import { markPage } from "./mark.js";
import { skillPage, skillsPage } from "./skills.js";
import { trainingPage, trainingsPage } from "./training.js";
import { servicesPage } from "./tables.js";

// Every state has an address: a path names the page, its query the filter and the selection.
const PAGES = [
  [/^\/$/, runsPage],
  [/^\/run\/([^/]+)$/, runPage],
  [/^\/run\/([^/]+)\/episode$/, episodePage],
  [/^\/run\/([^/]+)\/scene$/, scenePage],
  [/^\/compare\/([^/]+)\/([^/]+)$/, comparePage],
  [/^\/places$/, placesPage],
  [/^\/place\/([^/]+)$/, placePage],
  [/^\/place\/([^/]+)\/mark$/, markPage],
  [/^\/services$/, servicesPage],
  [/^\/skills$/, skillsPage],
  [/^\/skill\/([^/]+)$/, skillPage],
  [/^\/training$/, trainingsPage],
  [/^\/training\/([^/]+)$/, trainingPage],
];
const KEYS = [
  ["j k", "next and previous"], ["Enter", "open"], ["u", "up"], ["/", "search"], ["[ ]", "step"],
  [", .", "frame or photo"], ["e", "evidence only"], ["3", "scene in 3D"], ["1–4 t", "layers, truth"], ["n", "new place"], ["m", "mark points, measure"],
  ["x", "remove a mark"], ["w", "why this answer"], ["c", "copy the link"], ["?", "this list"],
];
let leave = null;
let keys = {};
let token = 0;

export async function go(address, replace) {
  if (address !== undefined) history[replace ? "replaceState" : "pushState"](null, "", address);
  const mine = ++token;
  if (leave) leave();
  leave = null;
  keys = {};
  delete document.body.dataset.ready;
  note("");
  const path = location.pathname;
  for (const [pattern, page] of PAGES) {
    const found = path.match(pattern);
    if (!found) continue;
    try {
      const made = await page(found.slice(1).map(decodeURIComponent), new URLSearchParams(location.search), go);
      if (mine !== token) { made?.leave?.(); return; }
      leave = made?.leave ?? null;
      keys = made?.keys ?? {};
    } catch (error) {
      if (mine === token) fail(error);
    }
    document.body.dataset.ready = path;
    return;
  }
  fail(new Error("there is no such page"));
}

function fail(error) {
  document.title = "Surveyor";
  crumbs();
  show(h("h1", {}, "This cannot be shown"), h("p", { class: "bad" }, error.message), h("p", {}, link("/", {}, "all runs")));
}

document.addEventListener("click", (event) => {
  const anchor = event.target.closest?.("a[href]");
  if (!anchor || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0 || anchor.target) return;
  const url = new URL(anchor.href);
  if (url.origin !== location.origin || url.hash || url.pathname.startsWith("/api/") || url.pathname.startsWith("/blob/")) return;
  event.preventDefault();
  go(url.pathname + url.search);
});
window.addEventListener("popstate", () => go());

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches?.("input, select, textarea");
  if (typing) { if (event.key === "Escape") event.target.blur(); return; }
  if (event.key === "?") return help();
  if (event.key === "Escape" && closeHelp()) return;
  if (event.key === "c") { copy(); return; }
  const does = keys[event.key];
  if (does) { event.preventDefault(); does(); }
});

async function copy() {
  try { await navigator.clipboard.writeText(location.href); note("link copied"); } catch { note(location.href); }
}

function closeHelp() {
  const open = document.getElementById("keys");
  if (open) open.close();
  return Boolean(open);
}

function help() {
  const list = KEYS.map(([key, what]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)));
  const dialog = h("dialog", { id: "keys", "aria-label": "Keys" }, h("h2", {}, "Keys"), h("dl", { class: "keys" }, list),
    h("button", { type: "button", onclick: () => dialog.close() }, "Close"));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
document.getElementById("help").addEventListener("click", help);
go();
