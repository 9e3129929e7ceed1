"""Sessions by pylivy: with_pylivy_sessions.py URL [USER PASSWORD]. Prints what it saw as JSON."""

import json
import sys

from livy import LivySession
from livy.client import LivyClient
from livy.models import SessionKind, SparkRuntimeError

url, *auth = sys.argv[1:]
auth = tuple(auth) or None
client = LivyClient(url, auth)
seen = {}

with LivySession.create(url, auth=auth, name="py", spark_conf={"spark.a": 1}, heartbeat_timeout=600, echo=False) as session:
    seen["listed"] = session.session_id in [each.session_id for each in client.list_sessions()]
    seen["text"] = session.run("x = 6\nx * 7").text
    seen["printed"] = session.run("print('one')\nprint('two')").text
    try:
        session.run("1/0")
    except SparkRuntimeError as error:
        seen["error"] = [error.ename, error.evalue, len(error.traceback) > 0]
    session.run("frame = spark.rows({'a': 1, 'b': 'x'}, {'a': 2, 'b': 'y'})")
    seen["frame"] = session.download("frame").to_dict("list")
    seen["statements"] = [[each.statement_id, each.state.value] for each in client.list_statements(session.session_id)]
seen["closed"] = client.get_session(session.session_id)

with LivySession.create(url, auth=auth, kind=SessionKind.SQL, echo=False) as session:
    seen["sql"] = session.download_sql("select 1").to_dict("list")
    try:
        session.run("bad")
    except SparkRuntimeError as error:
        seen["sql error"] = error.evalue
json.dump(seen, sys.stdout)
