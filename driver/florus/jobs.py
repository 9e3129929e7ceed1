"""Jobs of Livy's Python client (livy.md 1.7, 2.4): taken once by id, run like statements, their ends kept here.

The driver is the one that remembers them: whatever happens to florusd, a job that was taken is run once, and after each
connection all that is known of the jobs is said again.
"""

from florus import job
from florus.wire import PART_MAX

QUEUED, STARTED, SUCCEEDED, FAILED, CANCELLED = "QUEUED", "STARTED", "SUCCEEDED", "FAILED", "CANCELLED"
KEPT_MAX = 100  # ends that are kept
KEPT_BYTES_MAX = 64 * 1024 * 1024


class Job:
    """Looks to the session like a statement that runs (session.py: running, cancelling)."""

    kind = "pyspark"

    def __init__(self, number, encoded):
        self.id, self.encoded = number, encoded
        self.group = f"florus-job-{number}"
        self.state, self.answer, self.error = QUEUED, None, None
        self.cancelled = False

    def over(self):
        return self.state in (SUCCEEDED, FAILED, CANCELLED)

    def size(self):
        return len(self.answer or "") + len(self.error or "")

    def message(self):
        return {"type": "job", "id": self.id, "state": self.state, "result": self.answer, "error": self.error}

    def end(self, state, answer=None, error=None):
        """The end of an error says what went wrong."""
        self.state, self.answer, self.error, self.encoded = state, answer, error and error[-PART_MAX:], None


class Jobs:
    def __init__(self, session):
        self.session = session
        self.by_id = {}  # in the order they came

    def say_all(self):
        for one in list(self.by_id.values()):
            self.session.link.send(one.message())

    def take(self, message):
        """True: a new one, to be queued. One that came before is only told of."""
        known = self.by_id.get(message["id"])
        one = known or Job(message["id"], message["job"])
        self.by_id[one.id] = one
        self.session.link.send(one.message())
        return None if known else one

    def cancel(self, number):
        one = self.by_id.get(number)
        if one and not one.over():
            one.cancelled = True

    def refuse(self, one, why):
        self._end(one, FAILED, error=why)

    def run(self, one):
        """On the main thread."""
        if one.cancelled:
            self._end(one, CANCELLED)
            return
        one.state = STARTED
        self.session.link.send(one.message())
        try:
            self.session.running = one
            end = job.run(one.encoded, self.session)
        finally:
            self.session.running = None
        if one.cancelled and end["state"] == FAILED:
            self._end(one, CANCELLED)
        elif len(end["result"] or "") > KEPT_BYTES_MAX // 2:
            self._end(one, FAILED, error=f"the result has {len(end['result'])} bytes; at most {KEPT_BYTES_MAX // 2} are kept")
        else:
            self._end(one, end["state"], end["result"], end["error"])

    def _end(self, one, state, answer=None, error=None):
        one.end(state, answer, error)
        self.session.link.send(one.message())
        self._forget_old()

    def _forget_old(self):
        over = [one for one in self.by_id.values() if one.over()]
        size = sum(one.size() for one in over)
        while len(over) > KEPT_MAX or size > KEPT_BYTES_MAX:
            oldest = over.pop(0)
            size -= oldest.size()
            del self.by_id[oldest.id]
