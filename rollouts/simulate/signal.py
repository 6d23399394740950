"""Signal files: a scenario's script as a user writes it, by name or by path, in seconds or in intervals of the Canary.

What a file may hold is said in rollouts/testing/scenario.py; this adds `times`, and finds the ready ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import yaml

from rollouts.errors import SpecInvalid
from rollouts.simulate.documents import read_documents

_SCALED = "at"
_UNITS = ("seconds", "intervals")


def ready_signals() -> tuple[str, ...]:
    """The names of the signals that are shipped."""
    found = (entry.name for entry in files("rollouts.simulate.signals").iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml")))


def read_signal(named: str) -> object:
    """The content of a signal, by its name or its path. Raises SpecInvalid."""
    if named in ready_signals():
        return yaml.safe_load((files("rollouts.simulate.signals") / f"{named}.yaml").read_text(encoding="utf-8"))
    if "/" not in named and not named.endswith((".yaml", ".yml")) and not Path(named).exists():
        raise SpecInvalid(f"no signal {named!r}: name one of {', '.join(ready_signals())}, or a file")
    documents = read_documents(Path(named))
    if len(documents) != 1:
        raise SpecInvalid(f"{named}: a signal file holds one document, not {len(documents)}")
    return documents[0]


def script_of(signal: object, interval_s: float) -> object:
    """The script in seconds. `interval_s` is the Canary's. Raises SpecInvalid where `times` is wrong."""
    if not isinstance(signal, Mapping):
        raise SpecInvalid("the signal is no map: write `when:` and what happens")
    script = dict(signal)
    unit = script.pop("times", _UNITS[0])
    if unit not in _UNITS:
        raise SpecInvalid(f"times: {unit!r} is neither of {' and '.join(_UNITS)}")
    factor = interval_s if unit == "intervals" else 1.0
    ready = script.get("readyAfter")
    if isinstance(ready, Mapping):
        script["readyAfter"] = {name: _times(told, factor) for name, told in ready.items()}
    if isinstance(script.get("when"), list):
        script["when"] = [_scaled(happening, factor) for happening in script["when"]]
    if "until" in script:
        script["until"] = _times(script["until"], factor)
    return script


def _scaled(happening: object, factor: float) -> object:
    if not isinstance(happening, Mapping) or _SCALED not in happening:
        return happening
    return {**happening, _SCALED: _times(happening[_SCALED], factor)}


def _times(value: object, factor: float) -> object:
    """What is no number, or too large for one, is left to be refused where all of it is looked at."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return value
    try:
        return value * factor
    except OverflowError:
        return value
