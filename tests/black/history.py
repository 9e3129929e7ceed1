"""Load with idempotency keys that survives a dying server, and the check of what must hold afterwards."""

import http.client
import json
import threading
import time

LEGAL = {
    "starting": {"starting", "running", "success", "dead"},
    "running": {"running", "success", "dead"},
    "success": {"success"},
    "dead": {"dead"},
}


class History:
    def __init__(self, gateway, seed):
        self.gateway, self.seed = gateway, seed
        self.lock = threading.Lock()
        self.accepted = {}  # mark -> id of the 201
        self.status = {}  # mark -> exit status it was told to have
        self.faults = []

    def accepted_count(self):
        with self.lock:
            return len(self.accepted)

    def fault(self, text):
        with self.lock:
            self.faults.append(text)

    def client(self, number, done, dice):
        """Posts jobs one after the other; each until it got an answer, always with the same key."""
        n = 0
        while not done.is_set():
            mark, status = f"c{number}-{n}", dice.choice([0, 0, 0, 3])
            n += 1
            with self.lock:
                self.status[mark] = status
            self.post(mark, status, done)
            time.sleep(dice.uniform(0, 0.02))

    def post(self, mark, status, done):
        body = json.dumps(
            {"file": str(self.gateway.job), "args": [f"do:mark={mark}", "do:echo=x", f"do:exit={status}"]}
        )
        give_up = None
        while True:
            try:
                answer = self.gateway.post("/batches", body, headers={"Idempotency-Key": mark}, timeout=10)
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)
                give_up = give_up or (time.monotonic() + 30)
                if time.monotonic() > give_up:
                    return self.fault(f"{mark}: no answer for 30 s")
                continue
            if answer.status == 201:
                with self.lock:
                    self.accepted[mark] = answer.body["id"]
                return None
            if answer.status not in (409, 503):
                return self.fault(f"{mark}: {answer}")
            if done.is_set() and answer.status == 503:
                return None
            time.sleep(0.01)

    def watch(self, batches, final):
        """Follows every batch to its end; each step between states must be legal."""
        seen, end = {}, time.monotonic() + 90
        while time.monotonic() < end:
            for item in self.gateway.get("/batches?size=100000").body["sessions"]:
                before, now = seen.get(item["id"], "starting"), item["state"]
                if now != "recovering":
                    if now not in LEGAL[before]:
                        self.fault(f"batch {item['id']} went from {before} to {now}")
                    seen[item["id"]] = now
            if all(seen.get(b) in final for b in batches):
                return seen
        raise AssertionError(
            f"seed {self.seed}: not over after 90 s: { {b: seen.get(b) for b in batches if seen.get(b) not in final} }"
        )

    def check(self, final):
        accepted = dict(self.accepted)
        ids = list(accepted.values())
        seen = self.watch(ids, final)
        starts = self.gateway.ledger.started()
        for mark, batch in accepted.items():
            if batch not in seen:
                self.fault(f"{mark}: batch {batch} got a 201 and is not there")
            if starts.count(mark) > 1:
                self.fault(f"{mark}: started {starts.count(mark)} times")
            ended = [row[3] for row in self.gateway.ledger.lines() if row[0] == "exit" and row[2] == mark]
            truth = "success" if ended == [0] else "dead"
            if seen.get(batch) != truth:
                self.fault(f"{mark}: batch {batch} is {seen.get(batch)}, its exit was {ended}")
            if truth == "success" and self.status[mark] != 0:
                self.fault(f"{mark}: exit status {self.status[mark]} told as success")
        if len(set(ids)) != len(ids):
            self.fault("an id was given twice")
        if len(seen) > len(self.status):
            self.fault(f"{len(seen)} batches from {len(self.status)} orders")
        if len(accepted) < 30:
            self.fault(f"only {len(accepted)} accepted: no load, no proof")
        assert not self.faults, f"seed {self.seed}: " + "\n".join(self.faults[:20])
