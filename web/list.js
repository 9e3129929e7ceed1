// A list of batches or sessions, newest first, a page of it at a time.

import { getText, Refusal, root } from "./api.js";
import { badge, el, FINAL, foreign, link, number, plural, setText, visible } from "./dom.js";

const PAGE = 100;
const SLACK = 50; // how many more may come between two requests without a third
const TRIES = 4;

const WORDS = {
  batches: { title: "Batches", one: "batch", many: "batches", page: "batch", head: "Batch" },
  sessions: { title: "Sessions", one: "session", many: "sessions", page: "session", head: "Session" },
};
const NOISE = /^\d\d\/\d\d\/\d\d \d\d:\d\d:\d\d (INFO|WARN|DEBUG)/;
const TELLING = /(error|exception|fail|killed|denied|no such|not found|exit)/i;

// The line of its log that tells most likely why a job failed.
function cause(item) {
  const lines = (item.log ?? []).filter((line) => line.trim() && !line.startsWith("\n") && line !== "stdout: ");
  const said = lines.filter((line) => !NOISE.test(line));
  return said.findLast((line) => TELLING.test(line)) ?? said.at(-1) ?? "";
}

const executorLinks = (text) =>
  String(text ?? "").split(";").filter(Boolean).map((pair) => {
    const at = pair.indexOf("#");
    return link(pair.slice(at + 1), at > 0 ? visible(pair.slice(0, at)) : "executor");
  });

export function links(info) {
  const found = [];
  if (info?.sparkUiUrl) found.push(link(info.sparkUiUrl, "Spark UI"));
  if (info?.driverLogUrl) found.push(link(info.driverLogUrl, "Driver log"));
  return [...found, ...executorLinks(info?.executorLogUrls)];
}

export const owners = ({ owner, proxyUser }) =>
  proxyUser && proxyUser !== owner ? `${owner ?? "?"} as ${proxyUser}` : owner ?? "";

// One row; its link stays the same element for as long as the row lives, so that focus stays.
class Row {
  constructor(kind, item) {
    const cell = (label) => el("td", { role: "cell", "data-label": label });
    this.shown = {};
    this.cells = { state: cell("State"), name: cell("Name"), owner: cell("Owner"), app: cell("Application"), links: cell("Links") };
    const address = new URL(`ui/${WORDS[kind].page}/${item.id}`, root).href;
    const id = el("td", { role: "cell", class: "col-id", "data-label": WORDS[kind].head }, el("a", { href: address }, `${item.id}`));
    const { state, name, owner, app, links: more } = this.cells;
    for (const [column, element] of Object.entries(this.cells)) element.className = `empty col-${column}`;
    this.element = el("tr", { role: "row" }, id, state, name, owner, app, more);
  }

  put(cell, value, make) {
    if (this.shown[cell] === value) return;
    this.shown[cell] = value;
    const nodes = make();
    this.cells[cell].replaceChildren(...nodes);
    this.cells[cell].classList.toggle("empty", nodes.length === 0);
  }

  update(item) {
    const why = FINAL.has(item.state) && item.state !== "success" && item.state !== "killed" ? cause(item) : "";
    const owner = owners(item);
    this.put("state", item.state, () => [badge(item.state)]);
    this.put("name", `${item.name ?? ""}\n${why}`, () => [
      ...(item.name ? [foreign(item.name)] : []),
      ...(why ? [el("div", { class: "why" }, foreign(why.slice(0, 300)))] : []),
    ]);
    this.put("owner", owner, () => (owner ? [foreign(owner)] : []));
    this.put("app", item.appId ?? "", () => (item.appId ? [foreign(item.appId)] : []));
    this.put("links", JSON.stringify(item.appInfo ?? null), () => links(item.appInfo).flatMap((a) => [a, " "]));
    this.words = [item.id, item.name, owner, item.appId].join("\n").toLowerCase();
    this.state = item.state;
  }
}

const button = (text, onclick) => el("button", { type: "button", onclick }, text);

export class List {
  // `changed` is called when what is to be shown must be asked for.
  constructor(kind, changed) {
    const query = new URLSearchParams(location.search);
    this.kind = kind;
    this.words = WORDS[kind];
    this.prefix = kind === "batches" ? "" : "s-";
    this.changed = changed;
    this.rows = new Map();
    this.chips = new Map();
    this.total = null;
    this.text = query.get(this.prefix + "q") ?? "";
    this.state = query.get(this.prefix + "state") ?? "";
    this.end = /^\d{1,10}$/.test(query.get(this.prefix + "end") ?? "") ? Number(query.get(this.prefix + "end")) : null;
    this.build();
  }

  build() {
    const { title, head, many } = this.words;
    const heading = ([column, text]) => el("th", { role: "columnheader", scope: "col", class: `col-${column}` }, text);
    const headings = [["id", head], ["state", "State"], ["name", "Name"], ["owner", "Owner"], ["app", "Application"], ["links", "Links"]];
    this.count = el("span", { class: "count" });
    this.filter = el("input", { type: "search", placeholder: "Filter by id, name, owner, application", "aria-label": `Filter the ${many} on this page`,
      autocomplete: "off", spellcheck: "false", oninput: () => this.narrow() });
    this.filter.value = this.text;
    this.states = el("div", { class: "chips", role: "group", "aria-label": "Show only one state" });
    this.matches = el("span", { role: "status" });
    this.elsewhere = el("a", { hidden: true });
    this.body = el("tbody", { role: "rowgroup" });
    this.table = el("table", { role: "table", "aria-label": title },
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...headings.map(heading))), this.body);
    this.tools = el("div", { class: "tools" }, this.filter, this.states);
    this.place = el("span", { class: "place" });
    this.newer = button("\u2190 Newer", () => this.turn(1));
    this.older = button("Older \u2192", () => this.turn(-1));
    this.newest = button("Newest", () => this.turn(0));
    this.pager = el("nav", { class: "pager", "aria-label": `Pages of ${many}` }, this.newest, this.newer, this.place, this.older);
    this.nothing = el("div", { class: "nothing", hidden: true });
    this.element = el("section", { class: "list" }, el("h1", {}, title, " ", this.count), this.tools,
      el("p", { class: "matches" }, this.matches, this.elsewhere), this.table, this.pager, this.nothing);
    this.table.hidden = this.tools.hidden = this.pager.hidden = true;
  }

  // Asks for the page, again when so many came or went meanwhile that it is another one.
  async load() {
    let total = this.total ?? JSON.parse(await getText(`${this.kind}?from=0&size=0`)).total;
    for (let i = 0; i < TRIES; i++) {
      const newest = this.end === null || this.end >= total;
      const end = newest ? total : this.end;
      const from = Math.max(0, end - PAGE);
      const size = newest ? end - from + SLACK : end - from;
      const text = await getText(`${this.kind}?from=${from}&size=${size}`);
      const page = this.parse(text);
      total = page.total;
      const fits = newest ? from + size >= total && (from === 0 || from <= total - PAGE) : end <= total;
      if (!fits) continue;
      this.total = total;
      if (newest) this.end = null;
      this.show(text, page.sessions.slice(-PAGE), newest ? total : end);
      return;
    }
  }

  parse(text) {
    try {
      const page = JSON.parse(text);
      if (Array.isArray(page.sessions) && Number.isInteger(page.total)) return page;
    } catch {
      // said below
    }
    throw new Refusal(0, "what answered is not Florus");
  }

  show(text, items, end) {
    this.last = end;
    this.first = end - items.length;
    if (text !== this.seen) {
      this.seen = text;
      this.fill(items.reverse());
      this.countStates();
    }
    this.narrow();
    this.showPlace();
  }

  // Rows are kept by id and moved only when they must be, so that focus and selection stay.
  fill(items) {
    const old = this.rows;
    this.rows = new Map();
    for (const item of items) {
      const row = old.get(item.id) ?? new Row(this.kind, item);
      old.delete(item.id);
      row.update(item);
      this.rows.set(item.id, row);
    }
    for (const row of old.values()) row.element.remove();
    for (const column of ["owner", "app", "links"]) {
      const used = [...this.rows.values()].some((row) => !row.cells[column].classList.contains("empty"));
      this.table.classList.toggle(`no-${column}`, !used);
    }
    let at = this.body.firstChild;
    for (const { element } of this.rows.values()) {
      if (at === element) at = at.nextSibling;
      else this.body.insertBefore(element, at);
    }
  }

  // A button per state that occurs, with how often.
  countStates() {
    const counts = new Map([["", this.rows.size]]);
    for (const { state } of this.rows.values()) counts.set(state, (counts.get(state) ?? 0) + 1);
    if (!counts.has(this.state)) counts.set(this.state, 0);
    for (const state of counts.keys()) if (!this.chips.has(state)) this.addChip(state);
    for (const [state, chip] of this.chips) {
      chip.hidden = !counts.has(state);
      setText(chip.lastChild, number(counts.get(state) ?? 0));
    }
  }

  addChip(state) {
    const chip = el("button", { type: "button", class: "chip", onclick: () => this.only(state) },
      state ? badge(state) : "All", " ", el("span", { class: "count" }));
    this.chips.set(state, chip);
    this.states.append(chip);
  }

  only(state) {
    this.state = this.state === state ? "" : state;
    this.countStates();
    this.narrow();
  }

  // Hides what the filter does not let through.
  narrow() {
    this.text = this.filter.value;
    const text = this.text.trim().toLowerCase();
    let shown = 0;
    for (const row of this.rows.values()) {
      row.element.hidden = !(row.words.includes(text) && (!this.state || row.state === this.state));
      if (!row.element.hidden) shown++;
    }
    for (const [state, chip] of this.chips) chip.setAttribute("aria-pressed", String(state === this.state));
    const { one, many } = this.words;
    const all = this.total === this.rows.size ? plural(this.rows.size, one, many) : `${plural(this.rows.size, one, many)} on this page`;
    setText(this.matches, this.total && (text || this.state) ? `${number(shown)} of the ${all} ${shown === 1 ? "matches" : "match"}.` : "");
    this.offerNumber(text);
    this.remember();
  }

  // Lists forget what finished some minutes ago; by its number it can still be found.
  offerNumber(text) {
    const { one, page } = this.words;
    this.elsewhere.hidden = !/^\d{1,10}$/.test(text) || this.rows.has(Number(text));
    if (this.elsewhere.hidden) return;
    this.elsewhere.href = new URL(`ui/${page}/${Number(text)}`, root).href;
    setText(this.elsewhere, `Open ${one} ${Number(text)}`);
  }

  showPlace() {
    const { one, many } = this.words;
    const empty = this.total === 0;
    setText(this.count, empty ? "" : number(this.total));
    this.table.hidden = empty;
    this.states.hidden = empty;
    this.tools.hidden = false;
    this.pager.hidden = this.total <= PAGE;
    setText(this.place, `${number(this.total - this.last + 1)}\u2013${number(this.total - this.first)} of ${plural(this.total, one, many)}`);
    const off = (element, is) => element.setAttribute("aria-disabled", String(is));
    off(this.newest, this.end === null);
    off(this.newer, this.end === null);
    off(this.older, this.first <= 0);
    if (empty && this.nothing.hidden) this.nothing.append(...this.firstSteps());
    if (!empty) this.nothing.replaceChildren();
    this.nothing.hidden = !empty;
  }

  firstSteps() {
    if (this.kind !== "batches") return [el("p", { class: "big" }, "No sessions"), el("p", {}, "Notebooks and other interactive clients appear here.")];
    const url = new URL("batches", root).href;
    const command = `curl -X POST ${url} -H 'Content-Type: application/json' \\\n     -d '{"file": "/path/to/job.py", "args": ["8"]}'`;
    return [el("p", { class: "big" }, "No batches"), el("p", {}, "Submit one, and it appears here:"), el("pre", { tabindex: "0" }, command),
      el("p", {}, "or with the command line: ", el("code", {}, "florus submit --follow job.py 8"))];
  }

  // direction: 1 newer, -1 older, 0 newest.
  turn(direction) {
    if (this.end === null && direction >= 0) return;
    if (direction < 0 && this.first <= 0) return;
    const end = this.last + direction * PAGE;
    this.end = direction === 0 || end >= this.total ? null : end;
    this.remember();
    this.element.scrollIntoView();
    this.changed();
  }

  // The address names what is shown, so that it can be sent to somebody.
  remember() {
    const query = new URLSearchParams(location.search);
    for (const [key, value] of [["q", this.text.trim()], ["state", this.state], ["end", this.end ?? ""]]) {
      if (value === "") query.delete(this.prefix + key);
      else query.set(this.prefix + key, value);
    }
    const search = String(query) ? `?${query}` : "";
    if (search !== location.search) history.replaceState(null, "", location.pathname + search);
  }
}
