"""%json, %table and %matplot: the value of a variable as data instead of text (livy.md 7.4)."""

import base64
import datetime
import decimal
import io
import json

from florus.output import StatementError

ROWS_OF_RDD = 10

# Order matters: a bool is an int, a datetime is a date.
TYPES = (
    (type(None), "NULL_TYPE"),
    (bool, "BOOLEAN_TYPE"),
    (int, "INT_TYPE"),
    (float, "DOUBLE_TYPE"),
    (str, "STRING_TYPE"),
    (datetime.datetime, "TIMESTAMP_TYPE"),
    (datetime.date, "DATE_TYPE"),
    (decimal.Decimal, "DECIMAL_TYPE"),
    ((list, tuple), "ARRAY_TYPE"),
    (dict, "MAP_TYPE"),
)


def run(line, names):
    command, *words = line[1:].split()[:2] or [""]
    if command not in MAGICS:
        why = f"unknown magic command '{command}'" if command else "magic command not specified"
        raise StatementError("UnknownMagic", why, [f"UnknownMagic: {why}\n"])
    if not words:
        raise StatementError("SyntaxError", f"%{command} needs the name of a variable")
    if words[0] not in names:
        raise StatementError("NameError", f"name '{words[0]}' is not defined")
    return MAGICS[command](names[words[0]])


def plain(value):
    """The value as what JSON has; texts for what it has not."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def taken(value):
    """The first rows of what is spread over the cluster; other values as they are."""
    from pyspark import RDD
    from pyspark.sql import DataFrame

    if isinstance(value, RDD):
        return value.take(ROWS_OF_RDD)
    if isinstance(value, DataFrame):
        return [row.asDict(recursive=True) for row in value.take(ROWS_OF_RDD)]
    return value


def to_json(value):
    try:
        data = plain(taken(value))
        json.dumps(data)
    except (TypeError, ValueError, RecursionError) as trouble:
        raise StatementError("ValueError", f"cannot be written as JSON: {trouble}") from None
    return {"application/json": data}


def type_name(value):
    for kind, name in TYPES:
        if isinstance(value, kind):
            return name
    return "STRING_TYPE"


def shown(value):
    """The value as it stands in a table, which takes anything: texts for what JSON has not, and every digit of a decimal."""
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, dict):
        return {str(key): shown(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [shown(item) for item in value]
    try:
        return plain(value)
    except TypeError:
        return str(value)


def cells_of(row):
    if getattr(row, "__fields__", None) and hasattr(row, "asDict"):  # a Row of Spark is a tuple that knows names
        row = row.asDict()
    if isinstance(row, dict):
        return sorted(((str(key), cell) for key, cell in row.items()), key=lambda pair: pair[0])
    if isinstance(row, (list, tuple)):
        return [(str(i), cell) for i, cell in enumerate(row)]
    return [("0", row)]


def to_table(value):
    rows = taken(value)
    rows = rows if isinstance(rows, (list, tuple)) else [rows]
    types, data = {}, []
    for row in rows:
        cells = dict(cells_of(row))
        for name, cell in cells.items():
            found, known = type_name(cell), types.get(name, "NULL_TYPE")
            if "NULL_TYPE" not in (found, known) and found != known:
                raise StatementError("TypeError", "table rows have different types")
            types[name] = found if known == "NULL_TYPE" else known
        data.append(cells)
    headers = [{"name": name, "type": kind} for name, kind in types.items()]
    body = [[shown(cells.get(name)) for name in types] for cells in data]
    return {"application/vnd.livy.table.v1+json": {"headers": headers, "data": body}}


def to_picture(value):
    picture = io.BytesIO()
    value.gcf().savefig(picture, format="png")
    return {"image/png": base64.b64encode(picture.getvalue()).decode()}


MAGICS = {"json": to_json, "table": to_table, "matplot": to_picture}
