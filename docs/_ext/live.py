"""Directives whose output is made while the site is built: what a page shows is what the program answers today.

``command``  runs shell commands in a project of the page's own, and shows them with what they print;
``file``     writes a file into that project, and shows it;
``session``  runs Python as an interpreter would, one namespace a page;
``formula``  a formula of ``costmodel.formulas`` beside its code, and runs its doctest;
``conventions``, ``architectures`` and ``audit``  tables of what the package holds; ``commands``  every command's help.

Whatever does not run as the page says is a warning, and a warning fails the build.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import inspect
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import costmodel as cm
from costmodel import formulas, load
from costmodel.cli import COMMANDS
from costmodel.conventions import CONVENTIONS, Convention
from costmodel.models.registry import FAMILIES, names
from costmodel.report.audit import AuditReport
from costmodel.report.explore.page import drawable, page
from costmodel.reproduction.audit import audit
from costmodel.scaling.tables import tables

SECONDS = 120
ROOT = Path(__file__).parent.parent.parent


class Live(SphinxDirective):
    """What the directives share: a scratch folder and a namespace for each page, and how text becomes nodes."""

    has_content = True
    _folders: ClassVar[dict[str, Path]] = {}
    _namespaces: ClassVar[dict[str, dict[str, Any]]] = {}

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.env.note_reread()  # the package may have changed, though the page has not

    @property
    def folder(self) -> Path:
        """An empty project, made when a page first needs it and thrown away after the build."""
        if self.env.docname not in self._folders:
            folder = Path(tempfile.mkdtemp()) / "project"
            folder.mkdir()
            self._folders[self.env.docname] = folder
        return self._folders[self.env.docname]

    @property
    def namespace(self) -> dict[str, Any]:
        return self._namespaces.setdefault(self.env.docname, {"__name__": "page", "cm": cm})

    @classmethod
    def clear(cls, *_: object) -> None:
        for folder in cls._folders.values():
            shutil.rmtree(folder.parent, ignore_errors=True)
        cls._folders.clear()
        cls._namespaces.clear()

    def warn(self, text: str) -> list[nodes.Node]:
        return [self.state.document.reporter.warning(f"{self.name}: {text}", line=self.lineno)]

    def block(self, text: str, language: str) -> nodes.literal_block:
        return nodes.literal_block(text, text, language=language, classes=["live"])

    def parsed(self, markdown: str) -> list[nodes.Node]:
        return self.parse_text_to_nodes(markdown)


class Command(Live):
    """Shell commands, each a line, with what they print. ``:status:`` is the exit status that the page tells of."""

    option_spec: ClassVar[dict[str, Any]] = {"status": directives.nonnegative_int, "quiet": directives.flag}

    def run(self) -> list[nodes.Node]:
        shown, wanted = [], self.options.get("status", 0)
        *before, last = joined(list(self.content))
        for command in [*before, last]:
            done = shell(command, self.folder)
            expected = wanted if command is last else 0
            if done.returncode != expected:
                return self.warn(f"{command!r} ended with {done.returncode}, not {expected}:\n{done.stdout}")
            text = done.stdout.replace(str(self.folder.resolve()), "~/project")
            output = "" if "quiet" in self.options else re.sub(r" +$", "", text, flags=re.MULTILINE).rstrip("\n")
            shown.append(f"$ {command}" + (f"\n{output}" if output else ""))
        return [self.block(("\n\n" if any("\n" in one for one in shown) else "\n").join(shown), "text")]


def joined(lines: list[str]) -> list[str]:
    """One command each: a line that ends in a backslash goes on in the next."""
    return re.split(r"(?<!\\)\n", "\n".join(line for line in lines if line.strip()))


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """``command`` as a user's shell runs it, with this environment's programs first, no colors and no settings."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # An architecture edited twice within a second would find the bytecode of the first edit.
    ours = {"PATH": path, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env={**kept, **ours}, text=True, timeout=SECONDS,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip


class File(Live):
    """A file of the page's project: written, and shown under its name."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"language": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        (name,) = self.arguments
        text = "\n".join(self.content)
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"{text}\n")
        default = {".py": "python", ".toml": "toml", ".yml": "yaml", ".yaml": "yaml"}.get(target.suffix, "text")
        box = nodes.container("", literal_block=True, classes=["literal-block-wrapper"])
        box += nodes.caption(name, name)
        box += self.block(text, self.options.get("language", default))
        return [box]


class Session(Live):
    """Python, statement by statement, with what each prints. ``:raises:`` names the error that the last one ends in."""

    option_spec: ClassVar[dict[str, Any]] = {"raises": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        source = "\n".join(self.content)
        shown, raised = [], ""
        for statement in ast.parse(source).body:
            text = ast.get_source_segment(source, statement) or ""
            first, *rest = text.splitlines()
            shown += [f">>> {first}", *(f"... {line}" for line in rest)]
            output, raised = self.evaluate(statement)
            shown += [output.rstrip("\n")] if output else []
            if raised:
                break
        wanted = self.options.get("raises", "")
        if raised != wanted:
            return self.warn(f"raised {raised or 'nothing'}, not {wanted or 'nothing'}:\n" + "\n".join(shown))
        return [self.block("\n".join(shown), "pycon")]

    def evaluate(self, statement: ast.stmt) -> tuple[str, str]:
        """What ``statement`` prints, and the name of the error that it raises."""
        code = compile(ast.Interactive([statement]), "<page>", "single")
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            try:
                exec(code, self.namespace)
            except Exception as error:
                kind = type(error)
                return f"{out.getvalue()}{kind.__module__}.{kind.__qualname__}: {error}", kind.__qualname__
        return out.getvalue(), ""


class Formula(Live):
    """A function of ``costmodel.formulas``: what it computes, its code, and its example, which must hold."""

    required_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        (name,) = self.arguments
        function = getattr(formulas, name, None)
        if function is None:
            return self.warn(f"costmodel.formulas has no {name}")
        test = doctest.DocTestFinder().find(function, name, globs=vars(formulas) | {name: function})[0]
        ran = doctest.DocTestRunner(verbose=False).run(test, out=lambda text: None)
        if ran.failed or not ran.attempted:
            return self.warn(f"the doctest of {name} fails, or there is none")
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
        assert isinstance(tree, ast.FunctionDef)
        (returned,) = (part.value for part in tree.body if isinstance(part, ast.Return) and part.value)
        for argument in tree.args.args:
            argument.annotation = None
        signature = f"{name}({ast.unparse(tree.args)})"
        example = "".join(f">>> {one.source}{one.want}" for one in test.examples)
        return [
            self.block(f"{signature}\n    = {ast.unparse(returned)}", "python"),
            self.block(example.rstrip(), "pycon"),
        ]


class Conventions(Live):
    """Every way to count that the package knows, with what it says of one network."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"quantity": directives.unchanged_required}
    has_content = False

    def run(self) -> list[nodes.Node]:
        ledger = load(self.arguments[0]).ledger
        wanted = self.options["quantity"].split()
        rows = [
            f"| `{one.name}` | {one.of(ledger).total:,} | {code(one.counts)}.<br><small>{code(place(one))}</small> |"
            for one in CONVENTIONS.values()
            if one.quantity in wanted
        ]
        head = [f"| name | {self.arguments[0]} | what it counts, and where that is written |", "|:--|--:|:--|"]
        return self.parsed("\n".join([*head, *rows]))


class Bugs(Live):
    """What tools count without meaning to."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        by_bug: dict[str, list[str]] = {}
        for one in CONVENTIONS.values():
            for bug in one.bugs:
                by_bug.setdefault(bug, []).append(f"`{one.name}`")
        return self.parsed("\n".join(f"- {', '.join(who)}: {code(bug)}" for bug, who in by_bug.items()))


def place(one: Convention) -> str:
    version = "" if one.version == "-" else f" {one.version}"
    return f"{one.source}{version}: {one.place}"


def code(text: str) -> str:
    """Text that holds stars and underscores, as Markdown."""
    return re.sub(r"([*_\[\]|])", r"\\\1", text)


class Architectures(Live):
    """Every network of the zoo, with its cost."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        lines = ["| name | input | parameters | multiply-adds |", "|:--|:--|--:|--:|"]
        for name in names():
            net = load(name)
            lines.append(f"| `{name}` | {net.input} | {net.parameters:,} | {net.multiply_adds:,} |")
        return self.parsed("\n".join(lines))


class ArchitectureFunctions(Live):
    """The functions that build them, from their docstrings."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        lines = [f".. autofunction:: costmodel.{name}\n" for name in FAMILIES]
        return self.parsed("```{eval-rst}\n" + "\n".join(lines) + "```")


class Audit(Live):
    """Every published figure with the exact one, and how it comes about."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        return self.parsed(AuditReport(audit()).markdown())


class Commands(Live):
    """The help of every command."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        sections: list[nodes.Node] = []
        for name in COMMANDS:
            done = shell(f"costmodel {name} --help", self.folder)
            if done.returncode:
                return self.warn(f"costmodel {name} --help ended with {done.returncode}")
            section = nodes.section(ids=[f"costmodel-{name}"], names=[f"costmodel {name}"])
            section += nodes.title("", f"costmodel {name}")
            section += self.block(f"$ costmodel {name} --help\n{done.stdout.rstrip()}", "text")
            sections.append(section)
        return sections


def math(self: Any, node: nodes.math | nodes.math_block, display: str) -> None:
    """A formula as MathML, which browsers draw themselves: the site needs no script and no other server."""
    self.body.append(convert(node.astext(), display=display))
    raise nodes.SkipNode


def inline_math(self: Any, node: nodes.math) -> None:
    math(self, node, "inline")


def block_math(self: Any, node: nodes.math_block) -> None:
    math(self, node, "block")


def copy_notebooks(app: Sphinx) -> None:
    """The notebooks with the outputs that they are committed with; the tests hold those."""
    target = Path(app.srcdir) / "notebooks"
    target.mkdir(exist_ok=True)
    for old in target.glob("*.ipynb"):
        old.unlink()
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        shutil.copy(notebook, target)


def write_page_of_sliders(app: Sphinx, failure: Exception | None) -> None:
    """What the first page shows."""
    if failure is None and app.builder.format == "html":
        (Path(app.outdir) / "explore.html").write_text(page(map(tables, drawable())), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    for name, directive in (
        ("command", Command),
        ("file", File),
        ("session", Session),
        ("formula", Formula),
        ("conventions", Conventions),
        ("bugs", Bugs),
        ("architectures", Architectures),
        ("architecture-functions", ArchitectureFunctions),
        ("audit", Audit),
        ("commands", Commands),
    ):
        app.add_directive(name, directive)
    app.add_html_math_renderer("mathml", (inline_math, None), (block_math, None))
    app.connect("builder-inited", copy_notebooks)
    app.connect("build-finished", Live.clear)
    app.connect("build-finished", write_page_of_sliders)
    # Pages share a process: their projects and namespaces are class attributes.
    return {"parallel_read_safe": False, "parallel_write_safe": True}
