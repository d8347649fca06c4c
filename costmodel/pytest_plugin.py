"""The cost check in pytest: fixtures ``cost_of`` and ``assert_cost``, and ``--costmodel-update``.

Everybody who has costmodel installed loads this with every run of pytest, so it imports next to nothing; what counts
is imported by the fixtures that count.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, final

import pytest

if TYPE_CHECKING:
    from pluggy import Result

    from costmodel.core.network import Network
    from costmodel.errors import CostModelError
    from costmodel.guard.cost import ModelCost

_UPDATE = "--costmodel-update"

#: The attribute of a test's report that carries what the test counted.
_CARRIED = "costmodel_snapshots"
#: What a test counted, until its report carries it: (lock file, the content of a lock that holds it).
_TAKEN = pytest.StashKey[list[tuple[str, str]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the one option."""
    group = parser.getgroup("costmodel", "what models cost")
    group.addoption(
        _UPDATE,
        action="store_true",
        help="write what assert_cost() without budgets compares with, instead of comparing",
    )


@pytest.fixture(scope="session")
def cost_of() -> Callable[..., Network]:
    """cost_of(model, input): what a model costs, as a costmodel.Network.

    The model is a network, the name of an architecture, a torch.nn.Module, or a function of one; the input is the
    sizes of one sample, (3, 224, 224) or "3x224x224", or example tensors for a module.
    """
    return _counted


def _counted(model: object, input: object = None) -> Network:  # noqa: A002  # what people call it
    """The network that ``model`` is."""
    __tracebackhide__ = True
    from costmodel.errors import CostModelError
    from costmodel.loading import load

    try:
        return load(model, input)
    except CostModelError as error:
        raise _short(error) from error.__cause__


def _short(error: CostModelError) -> CostModelError:
    """``error`` without the way it came: it says all that there is to know in its line."""
    return error.with_traceback(None)


@final
class AssertCost:
    """What the fixture ``assert_cost`` is, for type checkers and for its documentation."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._node = request.node
        self._config = request.config
        self._snapshots = 0

    def __call__(
        self,
        model: object,
        input: object = None,  # noqa: A002  # what people call it
        *,
        multiply_adds: str | int | None = None,
        flops: str | int | None = None,
        parameters: str | int | None = None,
        weights: str | int | None = None,
        activations: str | int | None = None,
        peak_memory: str | int | None = None,
        size: str | int | None = None,
    ) -> None:
        """Fails where ``model`` costs more than a budget: ``"<= 300 M"``, ``"0.6 GFLOPs"``, ``"256 KiB at int8"``.

        Without a budget, it must cost layer by layer what it did when ``pytest --costmodel-update`` was last run; that
        is in a lock file beside the test, under the name of the test.
        """
        __tracebackhide__ = True
        given = {
            "multiply_adds": multiply_adds, "flops": flops, "parameters": parameters, "weights": weights,
            "activations": activations, "peak_memory": peak_memory, "size": size,
        }  # fmt: skip
        asked = {quantity: text for quantity, text in given.items() if text is not None}
        network = _counted(model, input)
        wrong = _broken(network, asked) if asked else self._changed(network)
        if wrong:
            raise AssertionError(wrong)

    def _changed(self, network: Network) -> str:
        """How ``network`` differs from its snapshot; when updating, it is what it should be."""
        __tracebackhide__ = True
        from costmodel.files import seen
        from costmodel.guard import lockfile
        from costmodel.guard.cost import cost_of as locked_cost
        from costmodel.guard.diff import difference

        test: Path = self._node.path
        lock = test.with_name(f"{test.stem}.{lockfile.NAME}")
        self._snapshots += 1
        name = self._node.nodeid.partition("::")[2] + (f" ({self._snapshots})" if self._snapshots > 1 else "")
        cost = locked_cost(network, name)
        if self._config.getoption(_UPDATE):
            self._node.stash.setdefault(_TAKEN, []).append((str(lock), lockfile.write([cost])))
            return ""
        update = f"pytest {_UPDATE} {shlex.quote(seen(test))}"
        change = difference(_locked(lock, update).get(name), cost)
        if not change.changed:
            return ""
        from costmodel.report.guard.assertion import not_as_locked

        return not_as_locked(change, seen(lock), update)


@pytest.fixture
def assert_cost(request: pytest.FixtureRequest) -> AssertCost:
    """assert_cost(model, input, multiply_adds="<= 300 M"): fails with the figure, the budget and the largest layers.

    Without a budget it compares with a lock file beside the test, which `pytest --costmodel-update` writes.
    """
    return AssertCost(request)


def _broken(network: Network, asked: dict[str, str | int]) -> str:
    __tracebackhide__ = True
    from costmodel.errors import CostModelError
    from costmodel.guard.budget import parse_limit
    from costmodel.report.guard.assertion import over_budget

    try:
        return over_budget(network, [parse_limit(quantity, text) for quantity, text in asked.items()])
    except CostModelError as error:
        raise _short(error) from None


def _locked(lock: Path, update: str) -> dict[str, ModelCost]:
    __tracebackhide__ = True
    from costmodel.errors import CostModelError
    from costmodel.guard.check import read_lock

    try:
        # What fixes the lock of a project does not fix that of a test.
        return read_lock(lock, f"run `{update}`")
    except CostModelError as error:
        raise CostModelError(str(error)) from None


@final
class _Updates:
    """Writes what the tests counted, when all of them have run.

    A test may run in a process of pytest-xdist. Its report carries what it counted to the process that reads the
    reports, and that one alone writes: nothing is lost between two writers.
    """

    def __init__(self, writes: bool) -> None:
        self._writes = writes
        self._counted: dict[str, dict[str, ModelCost]] = {}
        self._said: list[str] = []

    # The older kind of wrapper, because this must load beside any pluggy that somebody has.
    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, Result[pytest.TestReport], None]:
        outcome = yield
        if taken := item.stash.get(_TAKEN, None):
            setattr(outcome.get_result(), _CARRIED, taken)
            del item.stash[_TAKEN]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not self._writes:
            return
        from costmodel.guard import lockfile

        for lock, content in getattr(report, _CARRIED, ()):
            self._counted.setdefault(lock, {}).update(lockfile.read(content.encode()))

    # First, so that the summary comes after it.
    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        from costmodel.errors import CostModelError

        for lock, counted in sorted(self._counted.items()):
            try:
                self._said.append(_write(Path(lock), counted))
            except CostModelError as error:
                self._said.append(f"error: {error}")
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self._said:
            terminalreporter.write_line(f"costmodel: {line}")


def pytest_configure(config: pytest.Config) -> None:
    """Adds the writer, if there is something to write."""
    if config.getoption(_UPDATE):
        # The attribute is how pytest-xdist marks a process that runs tests for another.
        config.pluginmanager.register(_Updates(writes=not hasattr(config, "workerinput")))


def _write(lock: Path, counted: dict[str, ModelCost]) -> str:
    """Puts ``counted`` beside what other tests of the file have in ``lock``, and says so."""
    from costmodel.files import seen
    from costmodel.guard import lockfile
    from costmodel.guard.check import Verdict, read_lock, renewed, write_lock
    from costmodel.guard.diff import difference

    try:
        before = read_lock(lock)
    except lockfile.NewerFormatError:
        raise
    except lockfile.LockError:  # damaged: written anew, from the tests that ran
        before = {}
    after = {**before, **counted}
    changes = [Verdict(name, difference(before.get(name), cost)) for name, cost in after.items()]
    content = lockfile.write(renewed(changes)).encode()
    if not write_lock(lock, content):
        return f"{seen(lock)} is up to date"
    return f"{seen(lock)} is written: {sum(change.stale for change in changes)} of {len(after)} changed"
