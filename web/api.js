// Asking the server, and asking it again: requests with readable errors, and a refresh that rests when nobody looks.

// The root of this server as the browser sees it, whatever a proxy puts before it: we are <root>static/api.js.
export const root = new URL("../", import.meta.url);
root.username = root.password = ""; // the browser sends them by itself, and refuses to from an address

const ANSWER_MAX_CHARS = 32 * 1024 * 1024;
const TIMEOUT_MS = 20000;
const REFRESH_MS = 2000;
const RETRY_MAX_MS = 30000;

export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status; // 0: no answer came
  }
}

// What an error's body says: {"msg": "…"}, a bare string, or nothing one could show.
function reason(response, text) {
  try {
    const body = JSON.parse(text);
    const said = typeof body === "string" ? body : body.msg;
    if (typeof said === "string" && said) return said;
  } catch {
    // not JSON
  }
  if (response.status === 401) return "the server wants you to sign in: load this page again";
  if (response.status === 403) return "this is for its owner, and for those whom the server's configuration names";
  return `the server answered ${response.status} ${response.statusText}`.trim();
}

// Reads an answer, but never more than one can show.
async function read(response) {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (reader) {
    const { value, done } = await reader.read();
    text += decoder.decode(value, { stream: !done });
    if (done) break;
    if (text.length > ANSWER_MAX_CHARS) {
      await reader.cancel();
      throw new Refusal(413, "the answer is too long to show");
    }
  }
  return text;
}

// `hear` is told of the headers.
async function ask(method, path, signal, hear) {
  let response, text;
  try {
    response = await fetch(new URL(path, root), { method, signal, cache: "no-store", headers: { "X-Requested-By": "florus" } });
    text = await read(response);
  } catch (e) {
    if (e instanceof Refusal) throw e;
    throw new Refusal(0, e.name === "TimeoutError" ? "the server does not answer in time" : "the server cannot be reached");
  }
  if (!response.ok) throw new Refusal(response.status, reason(response, text));
  hear?.(response.headers);
  return text;
}

export const getText = (path, hear) => ask("GET", path, AbortSignal.timeout(TIMEOUT_MS), hear);

export async function get(path, hear) {
  const text = await getText(path, hear);
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(0, "what answered is not Florus");
  }
}

// May take long: a job gets its time to end by itself.
export const remove = (path) => ask("DELETE", path);

export const ref = (kind, name) => `${kind}/${encodeURIComponent(name)}`;

// Calls `work` every two seconds, one call at a time, while the page is seen and not paused; later and later while it
// fails. work() answers true when there is nothing left to ask. tell({kind, message, wait_ms}) hears how it goes.
export class Pulse {
  constructor(work, tell) {
    Object.assign(this, { work, tell, timer: 0, failures: 0, done: false, paused: false });
    Object.assign(this, { busy: false, again: false, forced: false });
    document.addEventListener("visibilitychange", () => this.now());
  }

  get resting() {
    return document.hidden || this.paused || this.done;
  }

  pause(paused) {
    this.paused = paused;
    this.now();
  }

  // Asks at once, or as soon as the call under way is over; `force`: although we rest.
  async now(force = false) {
    clearTimeout(this.timer);
    this.again ||= this.busy;
    this.forced ||= force;
    if (this.busy) return;
    if (this.resting && !this.forced) {
      this.tell({ kind: this.done ? "done" : "paused" });
      return;
    }
    this.again = this.forced = false;
    this.busy = true;
    const wait_ms = await this.once().finally(() => (this.busy = false));
    if (this.again) this.now();
    else if (!this.resting) this.timer = setTimeout(() => this.now(), wait_ms);
  }

  // One call; how long to wait until the next.
  async once() {
    try {
      this.done = (await this.work()) === true;
      this.failures = 0;
      this.tell({ kind: this.done ? "done" : this.resting ? "paused" : "live" });
      return REFRESH_MS;
    } catch (e) {
      if (!(e instanceof Refusal)) throw e;
      this.failures++;
      const wait_ms = Math.min(REFRESH_MS * 2 ** Math.min(this.failures, 10), RETRY_MAX_MS);
      this.tell({ kind: "trouble", message: e.message, wait_ms });
      return wait_ms;
    }
  }
}
