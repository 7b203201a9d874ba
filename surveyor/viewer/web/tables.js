import { api, crumbs, h, show } from "./dom.js";

async function table(title, path, empty, unasked) {
  document.title = `${title} · Surveyor`;
  crumbs(h("span", {}, title.toLowerCase()));
  const { rows, asked } = await api(path);
  const columns = rows.length ? Object.keys(rows[0]) : [];
  const labels = columns.map((c) => h("th", { scope: "col" }, c.replaceAll("_", " ")));
  const line = (row) => columns.map((c, i) => h(i ? "td" : "th", i ? {} : { scope: "row" }, cell(row[c])));
  const body = rows.map((row) => h("tr", {}, line(row)));
  const full = h("div", { class: "card wide" }, h("table", {}, h("thead", {}, h("tr", {}, labels)), h("tbody", {}, body)));
  show(h("h1", {}, title), rows.length ? full : h("p", { class: "quiet" }, asked ? empty : unasked));
}

function cell(value) {
  if (value === null || value === "") return "–";
  return typeof value === "number" && !Number.isInteger(value) ? value.toFixed(3) : String(value);
}

export const servicesPage = async (_, __, go) => {
  await table("Services", "/api/services", "No experts are running.", "Start the viewer with --experts FILE to see services here.");
  return { keys: { u: () => go("/") } };
};
