"""Mutation testing beside cosmic-ray: the tests of one mutant, and what is printed in the end.

``serve`` waits at the socket that ``MUTANT_SOCKET`` names, with torch and its like imported; ``test`` asks it to run
the tests in a fork, on the files as they are now, so that no mutant imports torch anew; ``skip SESSION FILE...`` takes
out what is not asked for; ``report SESSION`` prints a line a file and each survivor, and fails under 95 % killed.
"""

from __future__ import annotations

import gc
import importlib
import os
import resource
import sqlite3
import sys
from multiprocessing.connection import Client, Listener

#: The cheapest first: one failure is enough, and no second round follows a failed one.
ROUNDS = (
    (
        "costmodel/formulas.py",
        "costmodel/core/shape.py",
        "costmodel/core/rounding.py",
        "costmodel/core/layers",
        "costmodel/core/network.py",
        "tests/core/test_layer_choices.py",
    ),
    (
        "tests/core/test_layer_rules.py",
        "tests/core/test_layers.py",
        "tests/core/test_network.py",
        "tests/core/test_formulas.py",
        "tests/core/test_shape.py",
        "tests/test_random_networks.py",
        "tests/core/test_ledger.py",
        # Long, and about the ledger's groups and the depth of the stack alone.
        "--deselect=tests/core/test_ledger.py::test_every_grouping_adds_up_to_the_totals",
        "--deselect=tests/core/test_network.py::test_depth_is_bounded_by_memory_alone",
        "--deselect=tests/core/test_network.py::test_a_network_survives_pickling_and_copying_at_any_depth[deep]",
    ),
)
#: Both rounds take about 3 seconds and 0.8 GB; a mutant that takes far more is stopped, and has failed.
CPU_SECONDS = 15
BYTES = 4 * 2**30
KILLED = 0.95


def run() -> int:
    """pytest's exit code."""
    import pytest

    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    early = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
    options = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "-W", early]
    return next((code for tests in ROUNDS if (code := pytest.main([*options, *tests]))), 0)


def serve(address: str) -> None:
    """Runs the tests for everyone who connects, until it is ended."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    # What the tests import, and nothing of what is mutated: each fork finds it loaded.
    for module in ("fvcore.nn", "hypothesis.internal.conjecture.engine", "pandas", "sympy", "xdist.plugin"):
        importlib.import_module(module)
    with FlopCounterMode(display=False):  # the first one imports half of torch
        torch.nn.Conv2d(1, 1, 1)(torch.zeros(1, 1, 1, 1))
    gc.freeze()  # pytest collects garbage often; not torch's
    with Listener(address) as listener:
        while True:
            with listener.accept() as connection:
                child = os.fork()
                if child == 0:
                    os._exit(run())
                _, status = os.waitpid(child, 0)
                connection.send(os.waitstatus_to_exitcode(status))


def test(address: str) -> int:
    """0 if the tests pass."""
    with Client(address) as connection:
        return int(connection.recv() != 0)


def skip(session: str, files: list[str]) -> None:
    """Takes out what is not in ``files``, if some are named, and ``|``: that stands in annotations alone."""
    with sqlite3.connect(session) as database:
        mutants = database.execute("SELECT job_id, module_path, operator_name FROM mutation_specs").fetchall()
        out = [(job,) for job, path, name in mutants if "Operator_BitOr_" in name or (files and path not in files)]
        database.executemany("DELETE FROM mutation_specs WHERE job_id = ?", out)
        database.executemany("DELETE FROM work_items WHERE job_id = ?", out)


def report(session: str) -> int:
    """0 if enough are killed."""
    with sqlite3.connect(session) as database:
        rows = database.execute(
            "SELECT module_path, test_outcome = 'KILLED', diff FROM mutation_specs LEFT JOIN work_results"
            " USING (job_id) ORDER BY module_path, start_pos_row, start_pos_col, operator_name"
        ).fetchall()
    for path in [*dict.fromkeys(path for path, _, _ in rows), ""]:
        killed = [bool(dead) for where, dead, _ in rows if where.startswith(path)]
        print(f"{path or 'all':<34}{len(killed):>6}{sum(killed):>6}{100 * sum(killed) / len(killed):>8.1f} %")
    for path, dead, diff in rows:
        if not dead:
            print(path, *[line for line in (diff or "not run").splitlines()[3:] if line[:1] in "@+-"], sep="\n    ")
    return int(sum(bool(dead) for _, dead, _ in rows) < KILLED * len(rows))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(os.environ["MUTANT_SOCKET"])
    elif sys.argv[1] == "test":
        sys.exit(test(os.environ["MUTANT_SOCKET"]))
    elif sys.argv[1] == "skip":
        skip(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(report(sys.argv[2]))
