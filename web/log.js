// A log: the last lines first, earlier ones on request, new ones as they come.
//
// Lines have absolute numbers and never change (the array of Livy's log: 0 is "stdout: "), so what is shown is a window
// [first, next) of them. An element that begins with a line feed is the header of a further section ("\nstderr: "): it and all
// after it stand behind the last line and move as the log grows.

import { get, Refusal } from "./api.js";
import { el, number, plural, setText, textNodes } from "./dom.js";

const CHUNK = 2000; // lines asked for at a time
const SHOWN_MAX = 10000; // lines in the page
const LINE_MAX_CHARS = 4000; // of a line, until one asks for the rest
const CATCH_UP = 5; // requests in a row while behind
const NEAR_END_PX = 24;
const HEAD = "stdout: ";

const LEVELS = [
  ["err", /\b(ERROR|FATAL|CRITICAL)\b|\bTraceback \(most recent|^(\w+\.)*\w*(Error|Exception)\b|^Caused by:/],
  ["warn", /\bWARN(ING)?\b/],
];
const level = (text) => LEVELS.find(([, sign]) => sign.test(text))?.[0] ?? "";

function lineElement(text, index) {
  const line = el("div", { class: `line ${level(text.slice(0, LINE_MAX_CHARS))}`, "data-n": index ?? "" }, ...textNodes(text.slice(0, LINE_MAX_CHARS)));
  const rest = text.length - LINE_MAX_CHARS;
  if (rest > 0) {
    const more = el("button", { type: "button", class: "more", onclick: () => more.replaceWith(...textNodes(text.slice(LINE_MAX_CHARS))) },
      `… ${plural(rest, "more character")}`);
    line.append(more);
  }
  return line;
}

function checkbox(label, checked, onchange) {
  const input = el("input", { type: "checkbox", checked, onchange });
  return [input, el("label", { class: "check" }, input, label)];
}

export class Log {
  constructor(path, label) {
    this.path = path;
    this.first = this.next = this.total = 0;
    this.after = 1; // elements that come after the lines
    this.loaded = false; // something was shown
    this.cut = false; // the window ends before the log does
    this.build(label);
  }

  build(label) {
    const wrapped = localStorageGet("florus.wrap") !== "no";
    [this.follow, this.followLabel] = checkbox("Follow", true, () => this.followChanged());
    const [wrap, wrapLabel] = checkbox("Wrap lines", wrapped, () => {
      this.box.classList.toggle("wrap", wrap.checked);
      localStorageSet("florus.wrap", wrap.checked ? "yes" : "no");
    });
    this.place = el("span", { class: "place", id: "log-place" });
    this.earlier = el("button", { type: "button", class: "earlier", hidden: true, onclick: () => this.guard(() => this.loadEarlier()) });
    this.toEnd = el("button", { type: "button", hidden: true, onclick: () => this.guard(() => this.jump()) }, "Jump to the end");
    this.lines = el("div", { class: "lines" });
    this.trailer = el("div", { class: "lines trailer" });
    this.message = el("p", { class: "quiet" });
    this.box = el("div", { class: `box${wrapped ? " wrap" : ""}`, role: "log", "aria-live": "off", "aria-label": label, tabindex: "0",
      onscroll: () => this.scrolled() }, this.earlier, this.message, this.lines, this.trailer);
    this.element = el("section", { class: "log", "aria-label": "Log" },
      el("div", { class: "bar" }, el("h2", {}, "Log"), this.place, this.toEnd, this.followLabel, wrapLabel), this.box);
  }

  // A button's request: what goes wrong is said where the log is.
  async guard(work) {
    try {
      await work();
    } catch (e) {
      if (!(e instanceof Refusal)) throw e;
      setText(this.message, `The log could not be read: ${e.message}.`);
    }
  }

  // Lines [from, …) and what the answer says of the rest; fewer lines when they are too long to be read at once.
  async slice(from, size) {
    let answer;
    for (;;) {
      try {
        answer = await get(`${this.path}?from=${from}&size=${size}`);
        break;
      } catch (e) {
        if (e.status !== 413 || size <= 1) throw e;
        size = Math.ceil(size / 8);
      }
    }
    let start = answer.from;
    let lines = answer.log;
    if (start === 0 && lines[0] === HEAD) {
      lines = lines.slice(1);
      start = 1;
    }
    const end = lines.findIndex((line) => line.startsWith("\n"));
    this.total = answer.total;
    if (end >= 0) this.after = lines.length - end;
    return { start, lines: end < 0 ? lines : lines.slice(0, end), trailer: end < 0 ? [] : lines.slice(end) };
  }

  // Brings the window up to date. `over`: the log will not grow any more.
  async load(over) {
    if (this.cut) {
      await this.slice(this.next, 0);
    } else if (this.loaded) {
      await this.catchUp();
    } else {
      await this.loadTail();
    }
    this.over = over;
    this.say();
  }

  // What else is known of the job may be seen all the same.
  forbid() {
    setText(this.message, "This log is for the job's owner, and for those whom the server's configuration names.");
    this.message.hidden = false;
    for (const part of [this.lines, this.trailer, this.earlier, this.toEnd, this.followLabel, this.place]) part.hidden = true;
  }

  async catchUp() {
    for (let i = 0; i < CATCH_UP; i++) {
      const part = await this.slice(this.next, CHUNK);
      const left = this.total - this.next - part.lines.length - part.trailer.length;
      if (this.total < this.next || (left > CHUNK && this.follow.checked)) {
        await this.loadTail();
        return;
      }
      this.append(part);
      if (left <= 0 || this.cut) return;
    }
  }

  async loadTail() {
    const part = await this.slice(-1, CHUNK + 1);
    this.lines.replaceChildren();
    this.first = this.next = part.start;
    this.cut = false;
    this.loaded = this.total > 0;
    this.append(part);
  }

  append({ lines, trailer }) {
    const room = this.follow.checked ? lines.length : Math.max(0, SHOWN_MAX - (this.next - this.first));
    const taken = lines.slice(0, room);
    this.lines.append(...taken.map((text, i) => lineElement(text, this.next + i)));
    this.next += taken.length;
    this.cut = taken.length < lines.length;
    while (this.next - this.first > SHOWN_MAX) {
      this.lines.firstChild.remove();
      this.first++;
    }
    this.showTrailer(this.cut ? [] : trailer);
    this.say();
    if (this.follow.checked) this.scrollToEnd();
  }

  // Headers without lines below them are not worth showing.
  showTrailer(trailer) {
    const shown = trailer.filter((text, i) => !text.startsWith("\n") || (i + 1 < trailer.length && !trailer[i + 1].startsWith("\n")));
    const seen = JSON.stringify(shown);
    if (seen === this.trailerSeen) return;
    this.trailerSeen = seen;
    this.trailer.replaceChildren(...shown.map((text) =>
      text.startsWith("\n") ? el("h3", {}, ...textNodes(text.trim().replace(/:$/, ""))) : lineElement(text, null)));
  }

  async loadEarlier() {
    const from = Math.max(0, this.first - CHUNK);
    const part = await this.slice(from, this.first - from);
    const lines = part.lines.slice(0, this.first - part.start);
    if (part.start + lines.length < this.first) lines.length = 0; // the answer was cut short
    if (!lines.length) throw new Refusal(413, "these lines are too long to show");
    this.follow.checked = false;
    const height = this.box.scrollHeight;
    this.lines.prepend(...lines.map((text, i) => lineElement(text, part.start + i)));
    this.box.scrollTop += this.box.scrollHeight - height;
    this.first = part.start;
    while (this.next - this.first > SHOWN_MAX) {
      this.lines.lastChild.remove();
      this.next--;
      this.cut = true;
    }
    if (this.cut) this.showTrailer([]);
    this.say();
  }

  async jump() {
    this.follow.checked = true;
    if (this.cut) await this.loadTail();
    this.scrollToEnd();
  }

  followChanged() {
    if (this.follow.checked) this.guard(() => this.jump());
  }

  scrollToEnd() {
    this.box.scrollTop = this.box.scrollHeight;
  }

  // Reading upwards stops following; coming back to the end takes it up again.
  scrolled() {
    const atEnd = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < NEAR_END_PX;
    this.follow.checked = atEnd && !this.cut;
    this.toEnd.hidden = this.follow.checked;
  }

  say() {
    const count = this.next - this.first;
    const all = Math.max(0, this.total - 1 - this.after); // without "stdout: " and the sections
    setText(this.message, count ? "" : this.over ? "The job wrote nothing." : "No output yet.");
    this.message.hidden = count > 0;
    this.earlier.hidden = this.first <= 1;
    setText(this.earlier, `Load earlier lines (${number(this.first - 1)} before this)`);
    setText(this.place, count ? `Lines ${number(this.first)}\u2013${number(this.next - 1)} of ${number(Math.max(all, this.next - 1))}` : "");
    this.toEnd.hidden = this.follow.checked && !this.cut;
    this.followLabel.hidden = this.over && !this.cut;
  }
}

// A browser may forbid to keep anything: then the setting lasts as long as the page.
function localStorageGet(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function localStorageSet(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // see above
  }
}
