"""JUnit's XML, which CI systems show as tests: a test case a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from costmodel.report.guard.safe import plain


class Case(NamedTuple):
    """A model: what became of it (``"failure"``, ``"error"``, ``"system-out"``, or nothing), in a line and in full."""

    name: str
    tag: str = ""
    headline: str = ""
    message: str = ""


def junit(cases: Sequence[Case]) -> str:
    """The file that holds ``cases``.

    >>> print(junit([Case("lenet"), Case("a&b", "error", "no", "no")]))
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites>
    <testsuite name="costmodel" tests="2" failures="0" errors="1" skipped="0">
    <testcase classname="costmodel" name="lenet" />
    <testcase classname="costmodel" name="a&amp;b">
    <error message="no">no</error>
    </testcase>
    </testsuite>
    </testsuites>
    """
    from xml.etree.ElementTree import Element, SubElement, indent, tostring

    tags = [case.tag for case in cases]
    counts = {"tests": len(cases), "failures": tags.count("failure"), "errors": tags.count("error"), "skipped": 0}
    root = Element("testsuites")
    suite = SubElement(root, "testsuite", {"name": "costmodel"})
    for count, number in counts.items():
        suite.set(count, str(number))
    for name, tag, headline, message in cases:
        case = SubElement(suite, "testcase", classname="costmodel", name=plain(name))
        if tag:
            element = SubElement(case, tag)
            if headline:
                element.set("message", plain(headline))
            element.text = "\n".join(map(plain, message.split("\n")))
    indent(root, space="")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, "unicode")
