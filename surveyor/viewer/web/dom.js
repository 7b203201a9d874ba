// Elements from text only: nothing that a log says is ever read as markup.
const SVG = "http://www.w3.org/2000/svg";

export function h(tag, attributes, ...children) {
  return build(document.createElement(tag), attributes, children);
}

export function s(tag, attributes, ...children) {
  return build(document.createElementNS(SVG, tag), attributes, children);
}

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [k, v] of Object.entries(value)) element.style.setProperty(k, v);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : visible(String(child)));
  }
  return element;
}

// Control and direction marks are shown, so that no text hides or turns around another.
export function visible(text) {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g,
    (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}

export async function api(path, signal) {
  return read(await fetch(path, { signal }));
}

export async function send(path, body) {
  return read(await fetch(path, { method: "POST", body }));
}

async function read(answer) {
  if (answer.ok) return answer.json();
  let told = answer.statusText;
  try { told = (await answer.json()).detail; } catch { /* not JSON */ }
  throw new Error(typeof told === "string" ? told : answer.statusText);
}

export const link = (href, attributes, ...children) => h("a", { href, ...attributes }, ...children);
export const key = (text) => h("kbd", { "aria-hidden": "true" }, text);
export const enc = encodeURIComponent;
export const one = (x) => (x === null || x === undefined ? "–" : Number(x).toFixed(1));
export const many = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;
export const readable = (type) => type.replace(/^object_|^obj_/, "").replaceAll("_", " ");

export function seconds(x) {
  if (!x) return "–";
  return x < 1 ? `${Math.round(1000 * x)} ms` : x < 90 ? `${x.toFixed(1)} s` : `${Math.round(x / 60)} min`;
}

export function show(...children) {
  const main = document.getElementById("main");
  main.replaceChildren(...children.flat(Infinity).filter(Boolean));
  return main;
}

export function crumbs(...parts) {
  const place = document.getElementById("crumbs");
  place.replaceChildren(...parts.flatMap((part) => [h("span", { class: "sep", "aria-hidden": "true" }, "/"), part]));
}

export function note(text) {
  document.getElementById("note").textContent = visible(text);
}
