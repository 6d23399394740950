"""The expectations as JUnit XML, so that whatever counts tests counts them too. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET


def junit_xml(suite_name: str, results: Sequence[dict[str, Any]]) -> str:
    """One test case for each expectation; its story stands for the class."""
    failed = sum(not result["ok"] for result in results)
    suite = ET.Element("testsuite", name=suite_name, tests=str(len(results)), failures=str(failed), errors="0")
    for result in results:
        case = ET.SubElement(suite, "testcase", classname=result["story"], name=result["expected"])
        if not result["ok"]:
            ET.SubElement(case, "failure", message=_printable(result["detail"]))
    root = ET.Element("testsuites")
    root.append(suite)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def _printable(text: str) -> str:
    """Without what XML can't hold."""
    return "".join(character if character.isprintable() else " " for character in text)
