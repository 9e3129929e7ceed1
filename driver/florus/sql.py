"""SQL statements: one query each; the answer is its first rows with their schema (livy.md 7.3)."""

import datetime
import json
import re

from florus.magics import plain
from florus.output import StatementError

COMPLETED = """ALTER AND AS BETWEEN BY CASE CREATE CROSS DELETE DESC DESCRIBE DISTINCT DROP ELSE END EXCEPT EXISTS EXPLAIN
FALSE FROM FULL GROUP HAVING IN INNER INSERT INTERSECT INTO IS JOIN LEFT LIKE LIMIT NOT NULL ON OR ORDER OUTER OVER
PARTITION RIGHT SELECT SHOW TABLES THEN TRUE UNION UPDATE USE VALUES VIEW WHEN WHERE WITH""".split()


class Sql:
    kind = "sql"

    def __init__(self, spark, rows_max):
        self.spark, self.rows_max = spark, rows_max

    def execute(self, code, _group):
        try:
            frame = self.spark.sql(code)
            rows = frame.limit(self.rows_max).collect() if frame.columns else []
            schema = json.loads(frame._jdf.schema().json())  # in Spark's order of keys
            local = ["timestamp_ntz" in kind for _, kind in frame.dtypes]
        except KeyboardInterrupt:
            raise StatementError("KeyboardInterrupt", "cancelled") from None
        except Exception as error:
            raise describe(error) from None
        return {"application/json": {"schema": schema, "data": [plain_row(row, local) for row in rows]}}

    def complete(self, code, cursor):
        match = re.search(r"[A-Za-z_][A-Za-z0-9_]*$", code[:cursor])
        if not match:
            return []
        word = match.group()
        tables = [table.name for table in self.spark.catalog.listTables()]
        known = [name for name in COMPLETED if name.startswith(word.upper())]
        return sorted(known + [name for name in tables if name.lower().startswith(word.lower())])


def plain_row(row, local):
    return [plain_cell(cell, zoneless) for cell, zoneless in zip(row, local)]


def plain_cell(value, zoneless):
    """As plain(), but as Livy writes rows: instants in UTC, bytes as Java's numbers, null for NaN. Texts for the rest."""
    if hasattr(value, "asDict"):
        return {name: plain_cell(item, zoneless) for name, item in value.asDict().items()}
    if isinstance(value, (list, tuple)):
        return [plain_cell(item, zoneless) for item in value]
    if isinstance(value, dict):
        return {str(key): plain_cell(item, zoneless) for key, item in value.items()}
    if isinstance(value, (bytes, bytearray)):
        return [byte - 256 if byte > 127 else byte for byte in value]
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return None
    if isinstance(value, datetime.datetime) and not zoneless:  # Spark's Python has it in this process' time zone
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        return plain(value)
    except TypeError:
        return str(value)


def describe(error):
    """Spark's message, and the frames of Java when it has them."""
    text = (getattr(error, "desc", None) or str(error)).strip()
    trace = getattr(error, "stackTrace", None) or getattr(error, "_stackTrace", None) or ""
    frames = [line.strip() for line in str(trace).split("\n") if line.strip().startswith(("at ", "org.", "java."))]
    return StatementError("Error", text, frames)
