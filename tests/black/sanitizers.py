"""What sanitizers find in the programs under test.

tests/run sets ASAN_OPTIONS and its kin for the suites that take sanitized builds. Each program then writes its reports to
a file in the directory of its test: the launcher and the shims have no stderr, and a command that must fail anyhow would
hide one that fails because of a report.
"""

import os
import re

import pytest

# Not UBSan: gcc's knows only stderr. It ends the program, and a shim that ends early fails its test without a word.
ACTIVE = [name for name in ("ASAN_OPTIONS", "TSAN_OPTIONS") if name in os.environ]
REPORT = re.compile(r"(AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:).*")
PREFIX = "sanitizer-report"

# For tests that measure the memory of a program.
MEASURABLE = pytest.mark.skipif("TSAN_OPTIONS" in os.environ, reason="ThreadSanitizer's own memory hides the program's")


def environment(directory, env):
    """The environment for a program whose reports are to lie in the directory."""
    logs = {name: f"{env.get(name, '')}:log_path={directory}/{PREFIX}.{name[:4].lower()}" for name in ACTIVE}
    return {**env, **logs}


def shim_wrapper(directory, shim):
    """A script in the shim's place: florusd gives its launcher an empty environment, which says nothing of where to write."""
    wrapper = directory / "florus-shim"
    env = environment(directory, dict(os.environ))
    lines = [f"export {name}='{env[name]}'" for name in (*ACTIVE, "UBSAN_OPTIONS") if name in env]
    wrapper.write_text("\n".join(["#!/bin/bash", *lines, f'exec -a florus-shim "{shim}" "$@"', ""]))
    wrapper.chmod(0o755)
    return wrapper


def check(directory, text=""):
    """Fails when any program of the test has reported something, to a file or in its own text."""
    texts = [path.read_text(errors="replace") for path in sorted(directory.glob(f"{PREFIX}*"))]
    reports = [report for report in (*texts, text) if REPORT.search(report)]
    assert not reports, "\n".join(reports)
