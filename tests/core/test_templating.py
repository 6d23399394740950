"""A value is put into a query as a value: whatever it holds, the query stays the one that its author wrote."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.core.templating import Word, Words, render_json, render_json_path, render_path, render_query, variables_of
from rollouts.core.word_patterns import is_closed, pods_pattern
from rollouts.errors import SpecInvalid

WORDS: Words = {
    "namespace": Word("shop"),
    "target": Word("cart.v1"),
    "interval": Word("60s"),
    "pods": Word("cart-[a-z]{5}", pattern=True),
    "args.code": Word("5..|429", pattern=True),
    "args.loose": Word("a)|(b", pattern=True),
    "args.text": Word('x"} or vector(0) #\n\\'),
    "args.tick": Word("a`b"),
    "args.limit": Word("-1.5e3"),
    "variables.name-1": Word("up"),
    "args.path": Word("a/../b?x=1&y"),
    "ingress": None,
    "args.key": Word("a b", secret=True),
}


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ('up{ns="{{ namespace }}"}', 'up{ns="shop"}'),
        ("up{ns=\"{{namespace}}\",a='{{ target }}'}", "up{ns=\"shop\",a='cart.v1'}"),
        ('up{app=~"{{ target }}-.*"}', r'up{app=~"cart\\.v1-.*"}'),
        ('up{app!~ \n"{{ target }}"}', 'up{app!~ \n"cart\\\\.v1"}'),
        ("up{app=~`{{ target }}`}", r"up{app=~`cart\.v1`}"),
        ('up{app=~"{{ pods }}"}', 'up{app=~"(?:cart-[a-z]{5})"}'),
        ('up{code=~"2..|{{ args.code }}"}', 'up{code=~"2..|(?:5..|429)"}'),
        ("rate({{ variables.name-1 }}[{{ interval }}]) > {{ args.limit }}", "rate(up[60s]) > -1.5e3"),
        ('up{a="{{ args.text }}"}', r'up{a="x\"} or vector(0) #\n\\"}'),
        ("up{a='{{ args.text }}'}", r"""up{a='x"} or vector(0) #\n\\'}"""),
        ('up{a="{{ args.tick }}"}', 'up{a="a`b"}'),
        ('up # {{ nobody.knows }} "\n+ 1'.replace("nobody.knows", "target"), "up \n+ 1"),
        ('up{a="#{{ target }}\\"#"} # x', 'up{a="#cart.v1\\"#"} '),
        ("up{a=`\\`} * {{ args.limit }}", "up{a=`\\`} * -1.5e3"),
        ('up{a="\\\\{{ target }}"}', 'up{a="\\\\cart.v1"}'),
        ("no variable } at all {", "no variable } at all {"),
    ],
)
def test_values_stand_where_they_are_put(text: str, rendered: str) -> None:
    """As what they are: text in a string, a literal or a pattern in a regular expression, a bare number or name."""
    assert render_query(text, WORDS) == rendered


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ nobody }}", "{{ nobody }} is no variable: there are ingress, interval, namespace, pods, target"),
        ("{{ args.window }}", "{{ args.window }} has no value: set templateVariables.window"),
        ("{{ variables.x }}", "{{ variables.x }} has no value: set templateVariables.x"),
        ("{{ ingress }}", "{{ ingress }} has no value: the Canary names none"),
        ("{{ pods.x }}", "{{ pods.x }} is no variable"),
        ("{{ if x }}", "{{ 'if x' }} is no variable: write one name"),
        ("{{ }}", "is no variable: write one name"),
        ('up{a="{{ pods }}"}', 'write =~ and quotes, as in pod=~"{{ pods }}"'),
        ("up{a=~{{ pods }}}", "is a regular expression: write =~ and quotes"),
        ('up{a=~"x{{ args.loose }}"}', "which is no whole regular expression"),
        ("sum({{ args.text }})", "outside of quotes only a number, a duration such as 5m or a name can stand"),
        ("sum({{ args.key }})", "has the value that can't be shown: outside of quotes"),
        ("up{a=`{{ args.tick }}`}", "a value with a backtick"),
        ('up{a="\\{{ args.text }}"}', "has a backslash before it"),
    ],
)  # fmt: skip
def test_what_can_not_be_put_in_is_named(text: str, words: str) -> None:
    """The error names the variable, and says what to write."""
    with pytest.raises(SpecInvalid) as refused:
        render_query(text, WORDS)
    assert words in str(refused.value)


def test_a_url_gets_pieces() -> None:
    """No value adds a slash, a parameter or a host; a pattern has no place there."""
    assert render_path("/x/{{ args.path }}?app={{ target }}", WORDS) == "/x/a%2F..%2Fb%3Fx%3D1%26y?app=cart.v1"
    assert render_path("/none", WORDS) == "/none"
    with pytest.raises(SpecInvalid, match="a URL has none"):
        render_path("/{{ pods }}", WORDS)


def test_a_value_stays_within_its_string_of_json() -> None:
    """Quotes, backslashes and line ends in it too; outside of a string it is a number or a word."""
    words: Words = {"a": Word('x", "b": "\\\n'), "n": Word("5")}
    rendered = render_json('{"a": "{{ a }}#", "n": {{ n }}}', words)
    assert json.loads(rendered) == {"a": 'x", "b": "\\\n#', "n": 5}


def test_a_json_path_keeps_its_hashes() -> None:
    """It has quotes as a query has, and no comments."""
    assert render_json_path("$['#{{ args.tick }}'].x", WORDS) == "$['#a`b'].x"


def test_variables_are_found_once_each() -> None:
    """In the order in which they stand."""
    assert variables_of("{{ b }}{{a}}{{ b }} {{ args.c-d }}") == ("b", "a", "args.c-d")


@given(st.text(max_size=40), st.sampled_from(['"', "'"]))
def test_no_value_leaves_its_string(value: str, mark: str) -> None:
    """Read back as Go reads a string, it is the value; what follows is as it was written."""
    rendered = render_query(f"up{{a={mark}{{{{ args.x }}}}{mark}}} + 1", {"args.x": Word(value)})
    inside = rendered.removeprefix(f"up{{a={mark}").removesuffix(f"{mark}}} + 1")
    assert re.sub(r"\\(.)", lambda found: {"n": "\n", "r": "\r", "t": "\t"}.get(found[1], found[1]), inside) == value
    assert not re.search(rf"(?<!\\)(\\\\)*{mark}", inside)


@given(st.text(max_size=30))
def test_a_literal_means_itself_in_a_regular_expression(value: str) -> None:
    """No character of a value matches anything but itself."""
    rendered = render_query("up{a=~`{{ args.x }}`}", {"args.x": Word(value.replace("`", ""))})
    pattern = rendered.removeprefix("up{a=~`").removesuffix("`}")
    assert re.fullmatch(pattern, value.replace("`", ""), re.DOTALL)


@given(st.text(max_size=30))
def test_only_a_word_stands_without_quotes(value: str) -> None:
    """A number, a duration, a name; nothing that has a place for an operator."""
    try:
        rendered = render_query("sum({{ args.x }})", {"args.x": Word(value)})
    except SpecInvalid:
        return
    assert rendered == f"sum({value})"
    assert re.fullmatch(r"[-+]?[a-zA-Z0-9_:.]+([eE][-+]?[0-9]+)?", value)


DEPLOYED = "app-6bcdf75c9d-x2v4z"
LONG = "a" * 60


@pytest.mark.parametrize(
    ("workload", "per_node", "pod", "belongs"),
    [
        ("app", False, DEPLOYED, True),
        ("app", False, "app-primary-6bcdf75c9d-x2v4z", False),
        ("app", False, "app-canary-x2v4z", False),
        ("app", False, "my-app-6bcdf75c9d-x2v4z", False),
        ("app.v1", False, "appxv1-6bcdf75c9d-x2v4z", False),
        ("app", True, "app-x2v4z", True),
        ("app", True, DEPLOYED, False),
        ("app", True, "app-primary-x2v4z", False),
        # Cut at 58 characters, as Kubernetes cuts what it generates names from.
        (LONG, False, LONG[:58] + "x2v4z", True),
        (LONG, True, LONG[:58] + "x2v4z", True),
        (LONG[:50], False, (LONG[:50] + "-6bcdf75c9d-")[:58] + "x2v4z", True),
        (LONG[:47], False, (LONG[:47] + "-6bcdf75c9d-")[:58] + "x2v4z", True),
        (LONG[:46], False, LONG[:46] + "-6bcdf75c9d-x2v4z", True),
    ],
)
def test_pods_are_known_by_their_names(workload: str, *, per_node: bool, pod: str, belongs: bool) -> None:
    """Those of one workload, and of no other whose name begins alike."""
    assert bool(re.fullmatch(pods_pattern(workload, per_node=per_node), pod)) is belongs


@pytest.mark.parametrize(
    ("pattern", "closed"),
    [
        ("", True), ("a|b", True), ("(a)(b(c))", True), (r"\(", True), ("[(]", True), ("[])]", True), ("[^])]", True),
        ("(", False), (")", False), ("a)(b", False), ("[", False), ("\\", False), (r"\Q(\E", False), ("[a", False),
    ],
)  # fmt: skip
def test_a_pattern_is_whole(pattern: str, *, closed: bool) -> None:
    """What it opens it closes, so that it ends nothing around it."""
    assert is_closed(pattern) is closed


@pytest.mark.parametrize("text", ["{{ args.a }}", "{{ args.a }}/x", "x", ".example.org/", "@example.org", ":81/"])
def test_a_path_that_would_be_a_part_of_the_server_is_refused(text: str) -> None:
    """What a Canary of another namespace puts in there would lead the template's credentials to a server of its own."""
    with pytest.raises(SpecInvalid, match="must begin with / or"):
        render_path(text, {"args.a": Word(".example.org")})
