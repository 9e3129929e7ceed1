// Building the page. Text from jobs and users goes in as text nodes only, and what would hide in it is made visible.

// What a terminal would obey or a reader would not see: controls, bidi marks and overrides, zero-width, line separators.
const HIDDEN =
  /\x1b\[[0-9;?]*[ -\/]*[@-~]|[\0-\x08\x0a-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu;

const code = (c) => "U+" + c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");

// One hidden character, or one ANSI sequence, as it is shown: ^[[31m, ^@, ⟨U+202E⟩.
function picture(found) {
  const c = found.codePointAt(0);
  return c < 0x20 || c === 0x7f ? `^${String.fromCodePoint(c ^ 0x40)}${found.slice(1)}` : `\u27e8${code(found)}\u27e9`;
}

// The same text without anything hidden in it.
export const visible = (text) => String(text).replace(HIDDEN, picture);

// The text as nodes, with what was hidden in it set apart.
export function textNodes(text) {
  const nodes = [];
  let at = 0;
  for (const found of text.matchAll(HIDDEN)) {
    if (found.index > at) nodes.push(text.slice(at, found.index));
    nodes.push(el("span", { class: "hidden-char" }, picture(found[0])));
    at = found.index + found[0].length;
  }
  if (at < text.length) nodes.push(text.slice(at));
  return nodes;
}

// An element: attributes (on… are listeners; null and false are left out), then children, strings being text.
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== false));
  return element;
}

// Changes a text only if it is another one, so that selections survive a refresh.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Text of unknown direction and content, which cannot turn around what stands beside it.
export const foreign = (text) => el("bdi", {}, ...textNodes(String(text)));

// A link when the address is an http or https one; otherwise the address as text.
export function link(address, label) {
  let url = null;
  try {
    url = new URL(address);
  } catch {
    // not an address at all
  }
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) return foreign(address);
  return el("a", { href: url.href, target: "_blank", rel: "noopener noreferrer" }, label);
}

export const number = (n) => n.toLocaleString("en-US");
export const plural = (n, one, many = one + "s") => `${number(n)} ${n === 1 ? one : many}`;

const STATES = {
  not_started: ["wait", "\u25cb"],
  queued: ["wait", "\u25cb"],
  starting: ["wait", "\u25cb"],
  recovering: ["wait", "\u21bb"],
  running: ["run", "\u25b6"],
  busy: ["run", "\u25b6"],
  idle: ["run", "\u2016"],
  shutting_down: ["wait", "\u25cb"],
  success: ["good", "\u2713"],
  dead: ["bad", "\u2715"],
  error: ["bad", "\u2715"],
  killed: ["end", "\u25a0"],
};
export const FINAL = new Set(["success", "dead", "error", "killed"]);

// A state by colour, sign and word.
export function badge(state) {
  const [kind, sign] = STATES[state] ?? ["wait", "?"];
  return el("span", { class: `state ${kind}` }, el("span", { class: "sign", "aria-hidden": "true" }, sign), visible(state));
}
