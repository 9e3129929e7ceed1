"""Python statements: run like lines typed at a prompt, in one module that lasts as long as the session."""

import ast
import os
import re
import sys
import traceback
import types
import warnings

from florus import magics
from florus.output import StatementError

OUR_FRAME = f'File "{os.path.dirname(os.path.abspath(__file__))}'
TOP_FRAME = re.compile(r'\s*File "<stdin>", line \d+, in <module>')


def split_magics(code):
    """The code as pieces ("python", text) and ("magic", line), in order."""
    pieces, lines = [], []
    for number, line in enumerate(code.split("\n")):
        if line.startswith("%"):
            pieces += [("python", "\n".join(lines)), ("magic", line)]
            lines = [""] * (number + 1)  # so that errors name the line of the statement
        else:
            lines.append(line)
    pieces.append(("python", "\n".join(lines)))
    return [(kind, text) for kind, text in pieces if text.strip()]


class Python:
    kind = "pyspark"

    def __init__(self, names):
        # Spark 4 says so at the first toJSON(), by which sparkmagic and pylivy fetch frames; to them it would be a row of data.
        warnings.filterwarnings("ignore", "The return type of DataFrame.toJSON will be changed", UserWarning)
        self.module = types.ModuleType("__main__")
        self.names = self.module.__dict__
        self.names.update(names)
        # Functions that travel to executors are pickled by value when they are of __main__.
        sys.modules["__main__"] = self.module

    def _display(self, value):
        if value is not None:
            self.names["_"] = value
            sys.stdout.write(repr(value) + "\n")

    def execute(self, code, _group):
        """Runs a statement; returns what magics gave by MIME type. Printed text is the caller's matter."""
        data = {}
        sys.displayhook = self._display
        try:
            for piece in self._pieces(code):
                data = piece() or data
        except StatementError:
            raise
        except BaseException as error:  # SystemExit and KeyboardInterrupt are answers, too
            raise self._describe(error) from None
        return data

    def _pieces(self, code):
        try:
            try:
                return [self._compile("python", code)]
            except SyntaxError:  # a % that begins a line of a text or an expression is no magic; where all is Python, none is
                return [self._compile(kind, text) for kind, text in split_magics(code)]
        except SyntaxError as error:
            raise StatementError(type(error).__name__, str(error), traceback.format_exception_only(error)) from None

    def _compile(self, kind, text):
        if kind == "magic":
            return lambda: magics.run(text, self.names)
        tree = ast.parse(text, "<stdin>", "exec")
        # All but the last part run silently; the last one as at a prompt, which shows the value of an expression.
        steps = []
        if tree.body[:-1]:
            steps.append(compile(ast.Module(tree.body[:-1], []), "<stdin>", "exec"))
        if tree.body:
            steps.append(compile(ast.Interactive(tree.body[-1:]), "<stdin>", "single"))

        def run():
            for step in steps:
                exec(step, self.names)  # what this program is for

        return run

    def _describe(self, error):
        kind = type(error)
        lines = traceback.format_exception(kind, error, error.__traceback__, chain=False)
        top = next((i for i, line in enumerate(lines) if TOP_FRAME.match(line)), None)
        if top is not None:
            lines = lines[:1] + lines[top + 1 :]
        lines = [line for line in lines if OUR_FRAME not in line]
        try:
            text = str(error)
        except BaseException as trouble:  # a __str__ of the user's
            text = f"<no text: {type(trouble).__name__}>"
        return StatementError(kind.__name__, text, lines)

    def complete(self, code, cursor):
        """Names that could stand where the cursor is."""
        head = code[:cursor]
        match = re.search(r"[A-Za-z_][A-Za-z0-9_.]*$", head)
        if not match:
            return []
        path, _, prefix = match.group().rpartition(".")
        if not path:
            import builtins
            import keyword

            known = {*self.names, *dir(builtins), *keyword.kwlist}
            return sorted(name for name in known if name.startswith(prefix))
        value = self._look_up(path)
        names = dir(value) if value is not None else []
        return sorted(name for name in names if name.startswith(prefix) and (prefix or not name.startswith("_")))

    def _look_up(self, path):
        """The object behind a.b.c, without running properties of the user's classes more than getattr does; else None."""
        first, *rest = path.split(".")
        value = self.names.get(first)
        for name in rest:
            try:
                value = getattr(value, name)
            except Exception:
                return None
        return value
