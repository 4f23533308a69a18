"""From the words of a load marker, and what overrides them, to a shape. Owns the grammar of ``load(...)``.

Values come in layers, the strongest last; each layer knows what it is called, so that errors and the
run's header can say where a value came from.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_loadtest.core.profile import Profile, Stage
from pytest_loadtest.core.shape import (
    DEFAULT_GRACEFUL_STOP_NS,
    DEFAULT_ITERATIONS_TIME_NS,
    Arrivals,
    ClosedShape,
    OpenShape,
    Shape,
    default_max_vus,
)
from pytest_loadtest.core.units import UnitError, parse_count, parse_duration, parse_rate
from pytest_loadtest.core.wording import short_duration
from pytest_loadtest.errors import ConfigurationError

CLOSED_WORDS = frozenset({"vus", "iterations", "iterations_per_vu", "pacing"})
OPEN_WORDS = frozenset({"rate", "max_vus", "arrivals"})
ITERATION_WORDS = frozenset({"iterations", "iterations_per_vu"})
# A debugging run waits for a person at a prompt.
ONCE_TIME_NS = 24 * 3600 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Layer:
    """Values from one place: ``Layer("--load-vus", {"vus": "5"})``."""

    source: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """What one load test is to do. `overrides` says what other layers changed in the marker's words.

    `warm_up_ns` is how much of the first hold budgets leave out; None: as much as is found to be warm-up.
    """

    shape: Shape
    seed: int | str = 0
    name: str | None = None
    overrides: tuple[str, ...] = ()
    warm_up_ns: int | None = None


def _parse_arrivals(value: object) -> Arrivals:
    try:
        return Arrivals(str(value))
    except ValueError:
        raise UnitError(value, '"constant" or "poisson"') from None


def _parse_seed(value: object) -> int | str:
    if isinstance(value, (int, str)) and not isinstance(value, bool):
        return value
    raise UnitError(value, "a seed: a whole number or a text")


def _parse_name(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise UnitError(value, "a name: a text")


def _parse_positive_duration(value: object) -> int:
    nanoseconds = parse_duration(value)
    if not nanoseconds:
        raise UnitError(value, "a duration above zero")
    return nanoseconds


def _parse_stages(value: object) -> tuple[str, tuple[Stage, ...]]:
    """``[("30s", 100), ...]`` -> ("vus", stages), ``[("30s", "50/s"), ...]`` -> ("rate", stages)."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence) or not value:
        raise UnitError(value, 'a list of stages such as [("30s", 100), ("3m", 100)]')
    kinds = set()
    stages = []
    for stage in value:
        if isinstance(stage, (str, bytes)) or not isinstance(stage, Sequence) or len(stage) != 2:
            raise UnitError(stage, 'a stage with a duration and a target, such as ("30s", 100)')
        kind, target = _parse_target(stage[1])
        kinds.add(kind)
        stages.append(Stage(parse_duration(stage[0]), target))
    if len(kinds) > 1:
        raise UnitError(value, "stages of one kind: all targets are numbers of VUs, or all are rates")
    if not any(stage.duration_ns for stage in stages) or not any(stage.target for stage in stages):
        raise UnitError(value, "stages that last and reach a target above zero")
    return kinds.pop(), tuple(stages)


def _parse_target(value: object) -> tuple[str, float]:
    if isinstance(value, str) and "/" in value:
        return "rate", parse_rate(value, zero=True)
    return "vus", parse_count(value, least=0)


_PARSERS: Mapping[str, Callable[[object], Any]] = {
    "vus": parse_count,
    "duration": _parse_positive_duration,
    "ramp_up": parse_duration,
    "ramp_down": parse_duration,
    "stages": _parse_stages,
    "iterations": parse_count,
    "iterations_per_vu": parse_count,
    "pacing": _parse_positive_duration,
    "rate": parse_rate,
    "max_vus": parse_count,
    "arrivals": _parse_arrivals,
    "graceful_stop": parse_duration,
    "warm_up": parse_duration,
    "seed": _parse_seed,
    "name": _parse_name,
}
# What holds for a word that nobody gives.
_UNSET = {"vus": 1, "ramp_up": 0, "ramp_down": 0}
# What a stronger layer may change; the model itself is the marker's.
OVERRIDABLE = ("vus", "duration", "ramp_up", "ramp_down", "rate", "max_vus", "graceful_stop")


def plan_load(
    marker: Mapping[str, object], overrides: Sequence[Layer] = (), defaults: Layer | None = None
) -> LoadPlan:
    """The marker's words, changed by `overrides` (strongest last), on top of `defaults`.

    Raises ConfigurationError that names the word, the value and what is allowed.
    """
    words = {word: _parse(word, value, "load") for word, value in marker.items()}
    _check_combination(words)
    if defaults is not None:
        words = _add_defaults(words, defaults)
    marked, notes = words, dict[str, str]()
    for layer in overrides:
        for word, raw in layer.values.items():
            value = _parse_override(word, raw, layer.source)
            if _applies(words, word):
                words = _override(words, word, value)
                is_changed = value != marked.get(word, _UNSET.get(word))
                notes[word] = _note(marker, word, raw, layer.source) if is_changed else ""
    shape = _shape(words)
    warm_up_ns = words.get("warm_up")
    if warm_up_ns and warm_up_ns >= _first_hold_ns(shape):
        if not notes.get("duration"):
            raise _no_room(marker["warm_up"], _first_hold_ns(shape))
        warm_up_ns = None  # who tries a test out with --load-duration=5s must not have to edit its marker
        notes["warm_up"] = f"warm_up {marker['warm_up']} left out, the load is too short for it"
    return LoadPlan(
        shape, words.get("seed", 0), words.get("name"), tuple(filter(None, notes.values())), warm_up_ns
    )


def check_layer(layer: Layer) -> None:
    """Raise ConfigurationError if one of its values is not allowed, whatever test it is for."""
    for word, raw in layer.values.items():
        _parse_override(word, raw, layer.source)


def plan_once(plan: LoadPlan) -> LoadPlan:
    """The same test for one user and one iteration."""
    shape = ClosedShape(Profile.plateau(1, ONCE_TIME_NS), iterations=1)
    return LoadPlan(shape, plan.seed, plan.name, ("1 VU, 1 iteration, no budgets (--load-once)",))


def _parse(word: str, value: object, source: str) -> Any:
    parser = _PARSERS.get(word)
    if parser is None:
        close = difflib.get_close_matches(word, _PARSERS, n=1, cutoff=0.5)
        meant = f" (did you mean {close[0]!r}?)" if close else ""
        raise ConfigurationError(
            f"{source}: unknown keyword {word!r}{meant}; allowed are {', '.join(_PARSERS)}"
        )
    try:
        return parser(value)
    except UnitError as error:
        raise ConfigurationError(f"{source}: {word}: {error}") from None


def _is_open(words: Mapping[str, Any]) -> bool:
    return "rate" in words or ("stages" in words and words["stages"][0] == "rate")


def _check_combination(words: Mapping[str, Any]) -> None:
    """Words that contradict each other are an error, with the reason."""
    is_open = _is_open(words)
    wrong = sorted(words.keys() & (CLOSED_WORDS if is_open else OPEN_WORDS))
    if is_open and wrong:
        raise ConfigurationError(
            f"load: both models at once: rate (open) does not go with {', '.join(wrong)} (closed)"
            + ("; use max_vus= to limit the users of a rate" if "vus" in wrong else "")
        )
    if wrong:
        raise ConfigurationError(f"load: {', '.join(wrong)} needs rate= or stages of rates (open model)")
    if "stages" in words:
        _forbid(words, {"duration", "ramp_up", "ramp_down", "vus", "rate"} | ITERATION_WORDS, "stages")
    for word in sorted(words.keys() & ITERATION_WORDS):
        _forbid(words, {"ramp_up", "ramp_down", "warm_up"} | (ITERATION_WORDS - {word}), word)


def _forbid(words: Mapping[str, Any], forbidden: set[str], because: str) -> None:
    if wrong := sorted(words.keys() & forbidden):
        others = ", ".join(f"{word}=" for word in wrong)
        raise ConfigurationError(f"load: {because}= does not go with {others}")


def _add_defaults(words: dict[str, Any], defaults: Layer) -> dict[str, Any]:
    """Defaults fill what the marker leaves open, as far as they go with it."""
    for word, value in defaults.values.items():
        if word not in words and _applies(words, word):
            words = {**words, word: _parse(word, value, defaults.source)}
    return words


def _applies(words: Mapping[str, Any], word: str) -> bool:
    """Whether an override means something for a test with these words."""
    if word in ("ramp_up", "ramp_down"):
        return "stages" not in words and not words.keys() & ITERATION_WORDS
    if word == "vus":
        return not _is_open(words)
    if word == "duration":  # for iterations it is a limit, which belongs to how many there are
        return not words.keys() & ITERATION_WORDS
    if word in ("rate", "max_vus"):
        return _is_open(words)
    return True


def _parse_override(word: str, raw: object, source: str) -> Any:
    value = _parse(word, raw, source)
    if word not in OVERRIDABLE:
        raise ConfigurationError(f"{source}: {word!r} cannot be overridden; only {', '.join(OVERRIDABLE)}")
    return value


def _override(words: dict[str, Any], word: str, value: Any) -> dict[str, Any]:
    """Stages keep their form: they are scaled to the new peak or length."""
    is_scaled = "stages" in words and word in ("vus", "rate", "duration")
    return {**words, f"scaled {word}" if is_scaled else word: value}


def _note(marker: Mapping[str, object], word: str, raw: object, source: str) -> str:
    """What an override changed, in words."""
    if "stages" in marker and word in ("vus", "rate", "duration"):
        return f"stages scaled to {word} {raw} ({source})"
    before = f"{marker[word]} -> " if word in marker else ""
    return f"{word} {before}{raw} ({source})"


def _shape(words: Mapping[str, Any]) -> Shape:
    graceful_stop_ns = words.get("graceful_stop", DEFAULT_GRACEFUL_STOP_NS)
    if _is_open(words):
        profile = _profile(words, "rate")
        max_vus = words.get("max_vus") or default_max_vus(profile.peak)
        return OpenShape(profile, max_vus, words.get("arrivals", Arrivals.CONSTANT), graceful_stop_ns)
    return ClosedShape(
        _profile(words, "vus"),
        words.get("iterations"),
        words.get("iterations_per_vu"),
        graceful_stop_ns,
        words.get("pacing"),
    )


def _first_hold_ns(shape: Shape) -> int:
    return next((ends - begins for begins, ends in shape.steady_spans()), 0)


def _no_room(warm_up: object, first_hold_ns: int) -> ConfigurationError:
    if not first_hold_ns:
        return ConfigurationError("load: warm_up= needs a time at one level; all of this load is ramps")
    longest = short_duration(first_hold_ns)
    return ConfigurationError(
        f"load: warm_up: {warm_up!r} is not shorter than the first time at one level, {longest}"
    )


def _profile(words: Mapping[str, Any], level: str) -> Profile:
    if "stages" in words:
        return Profile(words["stages"][1]).scaled(
            peak=words.get(f"scaled {level}"), duration_ns=words.get("scaled duration")
        )
    duration_ns = words.get("duration")
    if duration_ns is None and words.keys() & ITERATION_WORDS:
        duration_ns = DEFAULT_ITERATIONS_TIME_NS
    if duration_ns is None:
        raise ConfigurationError("load: how long? give duration=, stages=, iterations= or iterations_per_vu=")
    return Profile.plateau(
        words.get(level, 1), duration_ns, words.get("ramp_up", 0), words.get("ramp_down", 0)
    )
