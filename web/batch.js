// The page of one batch or session: what is known of it, its log, and a way to end it.

import { get, ref, Refusal, remove, root } from "./api.js";
import { badge, el, FINAL, foreign, setText, visible } from "./dom.js";
import { links, owners } from "./list.js";
import { Log } from "./log.js";

const WORDS = { batches: { one: "batch", page: "batch" }, sessions: { one: "session", page: "session" } };

// What Livy's object has no room for: the cluster, and who gave the job to it, and why so.
function where(headers) {
  const [cluster, launcher, reason] = ["Cluster", "Launcher", "Launcher-Reason"].map((name) => headers.get(`Florus-${name}`));
  return cluster && `${cluster}, ${launcher}${reason ? `: ${reason}` : ""}`;
}

export class One {
  // `changed` is called when the object should be asked for again.
  constructor(kind, name, logOnly, changed) {
    this.path = ref(kind, name);
    this.one = WORDS[kind].one;
    this.name = name;
    this.page = new URL(`ui/${WORDS[kind].page}/${encodeURIComponent(name)}`, root).href;
    this.changed = changed;
    this.item = null;
    this.ending = this.gone = false;
    this.build(logOnly);
  }

  build(logOnly) {
    const label = `${this.one[0].toUpperCase()}${this.one.slice(1)} ${visible(this.name)}`;
    this.label = label;
    this.state = el("span", { class: "now" });
    this.title = el("span", { class: "given" });
    this.facts = el("dl", { class: "facts", hidden: true });
    this.end = el("button", { type: "button", class: "danger", hidden: true, onclick: () => this.confirm() }, "Kill\u2026");
    this.log = new Log(`${this.path}/log`, `Log of ${label}`);
    this.view = el("a", { class: "view", href: logOnly ? this.page : `${this.page}/log` }, logOnly ? "Details" : "Only the log");
    this.note = el("p", { class: "note", hidden: true });
    const lists = el("a", { href: new URL("ui", root).href }, "\u2190 All jobs");
    this.elements = [
      el("nav", { class: "crumbs", "aria-label": "Where you are" }, lists),
      el("div", { class: "head" }, el("h1", {}, label), this.state, this.title, el("span", { class: "space" }), this.view, this.end),
      this.note, this.facts, this.log.element, this.dialog(),
    ];
    this.setTitle("");
    this.logOnly = logOnly;
    document.body.classList.add("one");
  }

  dialog() {
    this.question = el("h2", { id: "question" });
    this.subject = el("p", {});
    this.consequence = el("p", {});
    this.yes = el("button", { type: "submit", value: "yes", class: "danger" });
    this.ask = el("dialog", { "aria-labelledby": "question", "aria-describedby": "consequence",
      onclose: () => this.ask.returnValue === "yes" && this.remove() },
      this.question, el("div", { id: "consequence" }, this.subject, this.consequence),
      el("div", { class: "answers" }, el("button", { type: "button", autofocus: true, onclick: () => this.ask.close("no") }, "Cancel"), this.yes));
    this.yes.type = "button";
    this.yes.addEventListener("click", () => this.ask.close("yes"));
    return this.ask;
  }

  setTitle(state) {
    document.title = [state, this.label, this.item?.name && visible(this.item.name)].filter(Boolean).join(" \u00b7 ");
  }

  // True when nothing will change any more.
  async load() {
    let item;
    try {
      item = await get(this.path, (headers) => (this.where = where(headers)));
    } catch (e) {
      if (e.status !== 404 && e.status !== 400) throw e;
      this.vanish(e.status === 404 ? "There is nothing of this number or name. It may have been deleted." : visible(e.message));
      return true;
    }
    this.show(item);
    const over = FINAL.has(item.state);
    try {
      await this.log.load(over);
    } catch (e) {
      if (e.status === 404) return false; // deleted in this moment: the next look says so
      if (e.status !== 403) throw e;
      this.log.forbid();
    }
    return over;
  }

  show(item) {
    const seen = JSON.stringify([item, this.where, this.ending]);
    this.item = item;
    if (seen === this.seen) return;
    this.seen = seen;
    this.setTitle(item.state);
    if (item.state !== this.shownState) this.state.replaceChildren(badge(item.state));
    this.shownState = item.state;
    this.title.replaceChildren(...(item.name ? [foreign(item.name)] : []));
    const rows = this.rows(item);
    this.facts.hidden = this.logOnly || !rows.length;
    this.facts.replaceChildren(...rows.flatMap(([name, nodes]) => [el("dt", {}, name), el("dd", {}, ...nodes)]));
    setText(this.end, FINAL.has(item.state) ? "Delete\u2026" : "Kill\u2026");
    this.end.hidden = this.ending;
  }

  rows(item) {
    const owner = owners(item);
    const more = links(item.appInfo).flatMap((a) => [a, " "]);
    return [
      ["Owner", owner ? [foreign(owner)] : []],
      ["Kind", item.kind ? [foreign(item.kind)] : []],
      ["Application", item.appId ? [foreign(item.appId)] : []],
      ["Cluster", this.where ? [foreign(this.where)] : []],
      ["Links", more],
    ].filter(([, nodes]) => nodes.length);
  }

  say(text) {
    setText(this.note, text);
    this.note.hidden = !text;
    setText(document.getElementById("news"), text);
  }

  vanish(message) {
    if (this.gone) return;
    this.gone = true;
    this.end.hidden = true;
    if (this.item) this.say(this.ending ? this.note.textContent : `This ${this.one} was deleted. What you see is the last that was read of it.`);
    else this.say(message);
    this.log.element.hidden = !this.item;
    this.view.hidden = true;
    if (!this.item) this.setTitle("not found");
  }

  confirm() {
    const over = FINAL.has(this.item.state);
    this.subject.replaceChildren(...(this.item.name ? [foreign(this.item.name)] : []));
    setText(this.question, `${over ? "Delete" : "Kill"} ${this.one} ${this.item.id}?`);
    setText(this.consequence, over
      ? "Its record and its log are removed. This cannot be undone."
      : "It is stopped with every process it started, and its record and its log are removed. This cannot be undone.");
    setText(this.yes, over ? `Delete ${this.one} ${this.item.id}` : `Kill ${this.one} ${this.item.id}`);
    this.ask.returnValue = "no";
    this.ask.showModal();
  }

  async remove() {
    const was = FINAL.has(this.item.state) ? "deleted" : "killed";
    this.ending = true;
    this.end.hidden = true;
    this.say(was === "killed" ? "Killing: it is given a little time to end by itself." : "Deleting.");
    try {
      await remove(this.path);
      this.say(`The ${this.one} was ${was}, and its record is removed. What you see is the last that was read of it.`);
    } catch (e) {
      if (!(e instanceof Refusal)) throw e;
      this.ending = false;
      this.end.hidden = this.gone;
      this.say(`It was not ${was}: ${visible(e.message)}.`);
    }
    this.changed();
  }
}
