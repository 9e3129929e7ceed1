"""A day of pylivy: with_pylivy.py URL JOB NEVER [USER PASSWORD]. Prints what it saw as JSON."""

import json
import sys

from livy import LivyBatch
from livy.client import LivyClient

url, job, never, *auth = sys.argv[1:]
auth = tuple(auth) or None

with_conf = {"spark.a": "b", "spark.i": 4, "spark.flag": True}
good = LivyBatch.create(url, file=job, auth=auth, args=["do:lines=3", "do:exit=0"], name="py", spark_conf=with_conf)
bad = LivyBatch.create(url, file=job, auth=auth, args=["do:exit=3"], driver_memory="1g", executor_cores=2)
seen = {"good": good.wait().value, "bad": bad.wait().value, "log": good.log(), "page": good.log(from_=1, size=2)}

client = LivyClient(url, auth)
long = LivyBatch.create(url, file=job, auth=auth, args=[f"do:wait={never}"])
seen["version"] = repr(client.server_version())
seen["legacy"] = client.legacy_server()
seen["listed"] = [batch.batch_id for batch in client.list_batches()]
seen["ids"] = [good.batch_id, bad.batch_id, long.batch_id]
seen["app"] = [client.get_batch(good.batch_id).app_id, client.get_batch(good.batch_id).app_info]
long.kill()
seen["killed"] = [client.get_batch(long.batch_id), client.get_batch_log(long.batch_id)]
json.dump(seen, sys.stdout)
