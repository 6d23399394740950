from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rollouts.errors import SpecInvalid
from rollouts.simulate.documents import read_documents


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1:30", "1:30"),
        ("2001-01-01", "2001-01-01"),
        ("2001-01-01T00:00:00Z", "2001-01-01T00:00:00Z"),
        ("0o10", 8),
        ("010", 8),
        ("0x1F", 31),
        ("-0x1F", -31),
        ("0b101", 5),
        ("1_000", 1000),
        ("0", 0),
        ("-7", -7),
        ("089", 89.0),
        ("1e3", 1000.0),
        ("+.5", 0.5),
        ("2.0", 2.0),
        (".inf", ".inf"),
        ("0o", "0o"),
        ("0x_1", 1),
        ("1_0.5", 10.5),
        ("=", "="),
        ("y", True),
        ("N", False),
        ("10s", "10s"),
        ("yes", True),
        ("no", False),
        ("~", None),
        ("'2'", "2"),
        ("-", [None]),
        (".", "."),
        ("1.2.3", "1.2.3"),
    ],
)
def test_a_plain_word_is_what_kubectl_takes_it_for(text: str, value: Any) -> None:
    """Go's reader decides what is a number."""
    found = read_documents(Path("-"), f"a: {text}" if text != "-" else "a:\n-")[0]["a"]
    assert (type(found), found) == (type(value), value)


def test_several_documents_are_read_and_empty_ones_left_out() -> None:
    """As kubectl does."""
    assert read_documents(Path("-"), "---\na: 1\n---\n# nothing\n---\nb: 2\n") == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [1", "x.yaml: not YAML: line 1, column 6: expected ',' or ']'"),
        ("a:\n\tb: 1", "x.yaml: not YAML: line 2, column 1: found character '\\t'"),
        ("a: \x00", "x.yaml: not YAML: unacceptable character"),
        ("a: !!python/object:os.system x", "x.yaml: not YAML: line 1, column 4: could not determine a constructor"),
        ("[" * 2000, "x.yaml: not YAML: "),
    ],
    ids=["unclosed", "a tab", "a control character", "a tag", "too deep"],
)
def test_what_is_no_yaml_is_told_by_its_place(text: str, says: str) -> None:
    """In one line."""
    with pytest.raises(SpecInvalid) as refused:
        read_documents(Path("x.yaml"), text)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
