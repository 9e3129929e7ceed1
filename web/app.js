// The start: reads the address, shows what it names, keeps it fresh.

import { get, Pulse, Refusal, root } from "./api.js";
import { el, setText, visible } from "./dom.js";
import { List } from "./list.js";
import { One } from "./batch.js";

const main = document.getElementById("main");
const pulseText = document.getElementById("pulse");
const trouble = document.getElementById("trouble");
const pauseButton = document.getElementById("pause");

const KINDS = { batch: "batches", session: "sessions" };
const SAYS = { live: "Live", paused: "Paused", done: "No more changes", trouble: "Offline" };

// What the address names: { kind, name, logOnly }, or null for the lists.
function place() {
  const path = location.pathname.slice(root.pathname.length).split("/").map((part) => decodeURIComponent(part.split(";")[0]));
  const [, page, name, part] = path;
  return KINDS[page] && name ? { kind: KINDS[page], name, logOnly: part === "log" } : null;
}

// How the refresh goes, in words, beside the pause button.
function tell({ kind, message, wait_ms }) {
  setText(pulseText, SAYS[kind]);
  pulseText.className = `pulse ${kind}`;
  setText(trouble, kind === "trouble" ? `No fresh data: ${visible(message)}. Next try in ${wait_ms / 1000} s.` : trouble.textContent);
  if (kind === "live" || kind === "done") setText(trouble, "");
  document.body.classList.toggle("stale", kind === "trouble");
  pauseButton.hidden = kind === "done";
}

function showLists() {
  const lists = ["batches", "sessions"].map((kind) => new List(kind, () => pulse.now(true)));
  const pulse = new Pulse(async () => {
    await Promise.all(lists.map((list) => list.load()));
  }, tell);
  main.append(...lists.map((list) => list.element));
  pulse.now(true);
  return pulse;
}

function showOne({ kind, name, logOnly }) {
  const one = new One(kind, name, logOnly, () => pulse.now(true));
  const pulse = new Pulse(() => one.load(), tell);
  main.append(...one.elements);
  pulse.now(true);
  return pulse;
}

async function showVersion() {
  try {
    const version = await get("version");
    document.getElementById("foot").append(el("span", {}, `Florus ${visible(version.revision)}, as Livy ${visible(version.version)}`));
  } catch (e) {
    if (!(e instanceof Refusal)) throw e; // the page does without
  }
}

async function start() {
  const where = place();
  const pulse = await (where ? showOne(where) : showLists());
  pauseButton.addEventListener("click", () => {
    const paused = pauseButton.getAttribute("aria-pressed") !== "true";
    pauseButton.setAttribute("aria-pressed", String(paused));
    pulse.pause(paused);
  });
  pauseButton.hidden = false;
  await showVersion();
}

start();
