"""A day of Airflow's Livy hooks and operator: with_airflow.py PREFIX JOB NEVER. Prints what it saw as JSON.

The connection is Airflow's own: AIRFLOW_CONN_LIVY_DEFAULT of the environment.
"""

import asyncio
import json
import sys
import threading
import time

from airflow.providers.apache.livy.hooks.livy import LivyAsyncHook, LivyHook
from airflow.providers.apache.livy.operators.livy import LivyOperator

prefix, job, never = sys.argv[1:]


class TaskInstance:
    """As much of a running task as the operator asks for."""

    stats_tags = {}

    def __init__(self):
        self.pushed = {}

    def xcom_push(self, key, value):
        self.pushed[key] = value


class Lines:
    """In place of a task's log: what went to it."""

    def __init__(self):
        self.lines = []

    def info(self, text, *args):
        self.lines.append(text % args if args else text)

    def debug(self, text, *args):
        pass


def operator(task, *orders, **fields):
    return LivyOperator(
        task_id=task,
        file=job,
        args=[f"do:{order}" for order in orders],
        livy_endpoint_prefix=prefix,
        polling_interval=1,
        **fields,
    )


def run(task):
    """(batch id or the error's text, what it pushed)."""
    ti = TaskInstance()
    try:
        return [task.execute({"ti": ti}), ti.pushed]
    except Exception as e:  # pylint: disable=broad-exception-caught
        return [str(e), ti.pushed]


def logs_of(hook, batch):
    """What dump_batch_logs writes into the task's log."""
    hook._log = log = Lines()
    hook.dump_batch_logs(batch)
    hook._log = None
    return log.lines


async def asynchronously(batch):
    """As a deferred task does. The hook of 4.6.4 puts its prefix in front twice, so it has none here."""
    hook = LivyAsyncHook(livy_conn_id="livy_default")
    state = await hook.get_batch_state(batch)
    log = await hook.get_batch_logs(batch, 0, 100)
    return [state["batch_state"].value, log["response"]["log"]]


def kill(hook):
    """A task that is cleared while its batch runs."""
    task = operator("killed", f"wait={never}")
    thread = threading.Thread(target=run, args=(task,), daemon=True)
    thread.start()
    while task._batch_id is None or hook.get_batch_state(task._batch_id).value != "running":
        time.sleep(0.1)
    task.on_kill()
    try:
        hook.get_batch_state(task._batch_id)
    except Exception as e:  # pylint: disable=broad-exception-caught
        return str(e)
    return "it is still there"


def main():
    hook = LivyHook(livy_conn_id="livy_default", endpoint_prefix=prefix)
    conf = {"spark.a": "b", "spark.i": 4, "spark.flag": True}
    good = run(operator("good", "lines=98", name="nightly", conf=conf, driver_cores="1", num_executors="2"))
    seen = {
        "good": good,
        "bad": run(operator("bad", "exit=3")),
        "again": run(operator("again", "exit=0", name="nightly")),
        "log": logs_of(hook, good[0]),
        "async": asyncio.run(asynchronously(good[0])),
        "killed": kill(hook),
    }
    json.dump(seen, sys.stdout)


main()
