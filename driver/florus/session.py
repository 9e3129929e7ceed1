"""One session: statements come in, are run one after the other on the main thread, and their results go out.

A statement is known by its id. One that came before is never run again: florusd repeats what it has no result of after
every reconnection. A result is sent again until florusd has said that it is stored.
"""

import json
import os
import queue
import signal
import sys
import threading
import time
import traceback

from florus.jobs import Job, Jobs
from florus.output import Capture, Router, StatementError, answer_error, answer_ok
from florus.wire import PART_MAX, Link, clean

QUEUED_MAX = 2000  # statements and questions that wait; florusd sends fewer
OUTPUT_OVERHEAD = 64 * 1024  # bytes beside text and data
OUTPUT_MAX = 16 * 1024 * 1024  # bytes of an output, whatever output-max says: SESSION_OUTPUT_MAX of src/service/sessions.h
REASON_MAX = 1000  # characters
TICK_S = 0.1
PROGRESS_TICKS = 5
GOODBYE_S = 2.0
SHUTDOWN_S = 10.0  # for what runs to stop and for Spark to be put away


def now_ms():
    return int(time.time() * 1000)


def within(texts, limit):
    """Those of the first 1000 that fit into so many characters."""
    kept = []
    for text in texts[:1000]:
        limit -= len(text)
        if limit >= 0:
            kept.append(text)
    return kept


class Statement:
    def __init__(self, message):
        self.id, self.kind, self.code = message["id"], message.get("kind"), message.get("code") or ""
        self.cancelled, self.started = bool(message.get("cancelled")), 0
        self.group = f"florus-statement-{self.id}"
        self.result = None  # the message, once there is one


class Session:
    def __init__(self, settings):
        self.output_max = settings.output_max
        self.answer_max = min(4 * settings.output_max + OUTPUT_OVERHEAD, OUTPUT_MAX)  # UTF-8: a character may be four bytes
        self.orphan_timeout_s = settings.orphan_timeout_s
        self.statements = {}  # by id: those florusd has not acknowledged the result of
        self.seen = -1  # the highest id that came
        self.jobs = Jobs(self)
        self.work = queue.Queue(QUEUED_MAX)
        self.running = None
        self.makers, self.interpreters = {}, {}
        self.spark = None
        self.child = False
        self.ending, self.ending_since = threading.Event(), 0
        self.stdout, self.stderr = Router("stdout", sys.stdout), Router("stderr", sys.stderr)
        sys.stdout, sys.stderr = self.stdout, self.stderr
        self.capture = None
        self.link = Link(settings.address, settings.session, settings.secret, self._on_up, self._on_message,
                         settings.certificate)
        self.link.hello = {"pid": os.getpid(), "state": "starting"}
        os.register_at_fork(after_in_child=self._in_child)

    # --- life ---

    def start(self):
        self.link.start()
        threading.Thread(target=self._tick, name="florus-tick", daemon=True).start()

    def prepare(self, spark, makers, kind):
        """Makes the interpreter of the session's kind: who waits for the session does not wait again for that."""
        self.spark, self.makers = spark, makers
        if kind in makers:
            self._interpreter(kind)

    def ready(self, about):
        """From now on statements are taken."""
        signal.signal(signal.SIGINT, self._on_interrupt)
        self._say_state("idle", **about)

    def fail(self, reason):
        """The reason is the last line of the log, too, for whoever looks there."""
        print(f"The session did not start: {reason}", file=sys.__stderr__, flush=True)
        self._say_state("error", reason=reason[:REASON_MAX])
        self.link.flush(GOODBYE_S)

    def run(self):
        while not self.ending.is_set():
            try:
                job = self.work.get(timeout=1)
            except queue.Empty:
                continue
            except KeyboardInterrupt:
                continue
            job()
        self.link.flush(GOODBYE_S)
        self.link.close()

    def _say_state(self, state, **more):
        self.link.hello.update(state=state, **more)
        self.link.send({"type": "state", "state": state, **more})

    def _in_child(self):
        self.child = True

    # --- what florusd says; on the link's thread ---

    def _on_up(self, _welcome):
        self.link.send({"type": "state", **{k: v for k, v in self.link.hello.items() if k != "pid"}})
        for statement in list(self.statements.values()):
            if statement.result:
                self.link.send(statement.result)
        self.jobs.say_all()

    def _on_message(self, message):
        handler = getattr(self, "_on_" + message["type"], None)
        if handler:
            handler(message)

    def _on_execute(self, message):
        known = self.statements.get(message["id"])
        if known:
            if known.result:
                self.link.send(known.result)
            elif known is self.running:
                self.link.send({"type": "started", "id": known.id, "started": known.started})
            return
        if message["id"] <= self.seen:
            return  # acknowledged long ago
        statement = Statement(message)
        try:
            self.work.put_nowait(lambda: self._execute(statement))
        except queue.Full:
            self._finish(statement, "available", answer_error(StatementError("Error", "too many statements wait")), 0)
        self.seen = statement.id
        self.statements[statement.id] = statement

    def _on_ack(self, message):
        self.statements.pop(message["id"], None)

    def _on_cancel(self, message):
        statement = self.statements.get(message["id"])
        if statement and not statement.result:
            statement.cancelled = True

    def _on_complete(self, message):
        self._queue(lambda: self._complete(message), {"type": "completion", "candidates": []}, message)

    def _on_add(self, message):
        self._queue(lambda: self._add(message), {"type": "added", "error": "too much waits"}, message)

    def _queue(self, work, refusal, message):
        """Never waits: who waited here would not hear of cancellations."""
        try:
            self.work.put_nowait(work)
        except queue.Full:
            self.link.send({**refusal, "request": message["request"]})

    def _on_job(self, message):
        one = self.jobs.take(message)
        if not one:
            return
        try:
            self.work.put_nowait(lambda: self._job(one))
        except queue.Full:
            self.jobs.refuse(one, "too much waits")

    def _on_cancel_job(self, message):
        self.jobs.cancel(message["id"])

    def _on_ping(self, _message):
        self.link.send({"type": "pong"})

    def _on_shutdown(self, _message):
        self.ending_since = time.monotonic()
        self.ending.set()

    # --- statements; on the main thread ---

    def _interpreter(self, kind):
        if kind not in self.makers:
            raise StatementError("InterpreterError", f"Fail to start interpreter: no kind {kind}")
        if kind not in self.interpreters:
            made = self.makers[kind]()
            self.interpreters[kind] = made
        return self.interpreters[kind]

    def _execute(self, statement):
        if statement.cancelled or self.ending.is_set():
            self._finish(statement, "cancelled", None, 0)
            return
        started = statement.started = now_ms()
        self.link.send({"type": "started", "id": statement.id, "started": started})
        sys.stdout, sys.stderr = self.stdout, self.stderr  # the last statement may have put others there
        self.capture = self.stdout.capture = self.stderr.capture = Capture(self.output_max)
        try:
            interpreter = self._interpreter(statement.kind)
            self.spark.sparkContext.setJobGroup(statement.group, "", interruptOnCancel=True)
            self.running = statement
            data = interpreter.execute(statement.code, statement.group)
            output = answer_ok(self._with_text(data))
        except StatementError as error:
            output = answer_error(error)
        except KeyboardInterrupt:
            output = answer_error(StatementError("KeyboardInterrupt", ""))
        except Exception as error:
            traceback.print_exc(file=sys.__stderr__)
            output = answer_error(StatementError(f"Internal Error: {type(error).__name__}", str(error)))
        finally:
            self.running = None
            if self.child:
                os._exit(0)  # a fork of the statement's: the session goes on in its parent alone
            self.stdout.capture = self.stderr.capture = self.capture = None
        self._finish(statement, "cancelled" if statement.cancelled else "available", output, started)

    def _with_text(self, data):
        """What was printed stands beside data only when there is some, or nothing else (livy.md 7.3)."""
        text = data.pop("text/plain", "") if data else ""
        printed = self.capture.text()
        whole = text + printed if text else printed.rstrip()
        return {**data, "text/plain": whole} if whole or not data else data

    def _finish(self, statement, state, output, started):
        if output is not None:
            output = {"status": output["status"], "execution_count": statement.id, **output}  # in Livy's order
        statement.result = {"type": "result", "id": statement.id, "state": state, "output": self._as_text(output),
                            "started": started, "completed": now_ms()}
        self.link.send(statement.result)

    def _as_text(self, output):
        """The output as florusd keeps it and hands it on. Data that is too large becomes an error that says so."""
        if output is None:
            return None
        try:
            text = json.dumps(output, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        except (TypeError, ValueError, RecursionError) as trouble:
            problem = StatementError("ValueError", f"the result cannot be written as JSON: {trouble}")
        else:
            whole = clean(text)
            if len(whole) <= self.answer_max:
                return whole.decode()
            problem = StatementError("OutputTooLarge", f"the result has {len(whole)} bytes; "
                                                       f"florus.session.output-max is {self.output_max}")
        return self._as_text({"status": "error", "execution_count": output["execution_count"], **answer_error(problem)})

    # --- everything else that is asked; on the main thread ---

    def _complete(self, message):
        candidates = []
        try:
            interpreter = self._interpreter(message.get("kind"))
            code = message.get("code") or ""
            candidates = interpreter.complete(code, min(max(message.get("cursor") or 0, 0), len(code)))
        except Exception:
            traceback.print_exc(file=sys.__stderr__)
        self.link.send({"type": "completion", "request": message["request"], "candidates": within(candidates, PART_MAX)})

    def _add(self, message):
        failed = None
        try:
            context = self.spark.sparkContext
            if message["what"] == "file":
                context.addFile(message["uri"])
            elif message["uri"].endswith(".jar"):
                context._jsc.addJar(message["uri"])
            else:
                context.addPyFile(message["uri"])
        except Exception as error:
            reason = getattr(error, "java_exception", None) or error  # py4j's own words do not say what Java said
            failed = str(reason).split("\n")[0][:500]
        self.link.send({"type": "added", "request": message["request"], "error": failed})

    def _job(self, one):
        self.spark.sparkContext.setJobGroup(one.group, "", interruptOnCancel=True)
        try:
            self.jobs.run(one)
        finally:
            if self.child:
                os._exit(0)

    # --- cancelling; on the tick's thread ---

    def _tick(self):
        ticks = 0
        while True:
            time.sleep(TICK_S)
            ticks += 1
            statement = self.running
            if self.ending.is_set() and time.monotonic() - self.ending_since > SHUTDOWN_S:
                os._exit(0)
            if statement:
                is_job = isinstance(statement, Job)
                if not is_job:
                    self._tell_output(statement)
                statement.cancelled |= self.ending.is_set()
                if statement.cancelled:
                    self._pursue(statement)
                elif ticks % PROGRESS_TICKS == 0 and not is_job:
                    self._tell_progress(statement)
            if self.link.lost_for_s() > self.orphan_timeout_s:
                print("florusd has not been seen for too long: the session ends", file=sys.__stderr__, flush=True)
                os._exit(3)

    def _tell_output(self, statement):
        capture = self.capture
        for stream, text in capture.take_fresh() if capture else ():
            self.link.send({"type": "output", "id": statement.id, "stream": stream, "text": text})

    def _tell_progress(self, statement):
        try:
            tracker = self.spark.sparkContext.statusTracker()
            done = total = 0
            for job_id in tracker.getJobIdsForGroup(statement.group):
                info = tracker.getJobInfo(job_id)
                for stage_id in info.stageIds if info else ():
                    stage = tracker.getStageInfo(stage_id)
                    done += stage.numCompletedTasks if stage else 0
                    total += stage.numTasks if stage else 0
        except Exception:
            return  # the context is going
        if total:
            self.link.send({"type": "progress", "id": statement.id, "progress": done / total})

    def _pursue(self, statement):
        """Asks again until the statement has stopped: Spark's jobs by their group, Python by an interrupt."""
        try:
            self.spark.sparkContext.cancelJobGroup(statement.group)
            scala = self.interpreters.get("spark")
            if statement.kind == "spark" and scala:
                scala.interrupt()
        except Exception:
            pass
        if self.running is statement:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    def _on_interrupt(self, _signal, frame):
        """An interrupt within a call of the JVM would leave its answer to the next one: those end by their job group."""
        statement = self.running
        if not statement or not statement.cancelled:
            return
        while frame:
            if "py4j" in frame.f_code.co_filename:
                return
            frame = frame.f_back
        raise KeyboardInterrupt
