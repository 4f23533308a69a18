"""A shape in words, for headers and results."""

from __future__ import annotations

from pytest_loadtest.core.profile import Profile
from pytest_loadtest.core.shape import Arrivals, ClosedShape, OpenShape, Shape
from pytest_loadtest.core.units import NS_PER_MS, NS_PER_S, format_rate


def shape_in_words(shape: Shape) -> str:
    """``157 VUs, 3m, ramps 30s up and 30s down``."""
    if isinstance(shape, OpenShape):
        arrivals = ", Poisson arrivals" if shape.arrivals is Arrivals.POISSON else ""
        levels = _levels([format_rate(level) for level in _points(shape.profile)])
        return f"{levels}{arrivals}, at most {_number(shape.vus, 'VU')}, {_time(shape.profile)}"
    levels = _levels([f"{level:g}" for level in _points(shape.profile)])
    users = f"{levels} VU{'' if levels == '1' else 's'}"
    return f"{users}, {_limit(shape)}{_pace(shape)}"


def _limit(shape: ClosedShape) -> str:
    if shape.iterations is not None:
        return _number(shape.iterations, "iteration")
    if shape.iterations_per_vu is not None:
        return f"{_number(shape.iterations_per_vu, 'iteration')} each"
    return _time(shape.profile)


def _pace(shape: ClosedShape) -> str:
    if shape.pacing_ns is None:
        return ""
    is_short = shape.pacing_ns < NS_PER_S
    every = f"{shape.pacing_ns / NS_PER_MS:g}ms" if is_short else short_duration(shape.pacing_ns)
    return f", an iteration every {every}{' each' if shape.vus > 1 else ''}"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _plateau(profile: Profile) -> tuple[int, int, int] | None:
    """Times up, at the level and down, in ns, when there is one level with at most a ramp at each end."""
    peak = profile.peak
    segments = [(ends - begins, low, high) for begins, ends, low, high in profile.segments() if begins < ends]
    up_ns = segments.pop(0)[0] if segments[0][1:] == (0, peak) else 0
    down_ns = segments.pop()[0] if segments and segments[-1][1:] == (peak, 0) else 0
    if not segments or any((low, high) != (peak, peak) for _, low, high in segments):
        return None
    return up_ns, sum(time_ns for time_ns, _, _ in segments), down_ns


def _points(profile: Profile) -> list[float]:
    """The plateau's level if there is one plateau, else every level on the way."""
    if _plateau(profile):
        return [profile.peak]
    return [profile.start, *(stage.target for stage in profile.stages)]


def _levels(levels: list[str]) -> str:
    return " to ".join(level for n, level in enumerate(levels) if n == 0 or levels[n - 1] != level)


def _time(profile: Profile) -> str:
    times = _plateau(profile)
    if times is None:
        return short_duration(profile.duration_ns)
    up_ns, level_ns, down_ns = times
    named = ((up_ns, "up"), (down_ns, "down"))
    ramps = [f"{short_duration(time_ns)} {direction}" for time_ns, direction in named if time_ns]
    words = f", ramp{'s' if len(ramps) > 1 else ''} {' and '.join(ramps)}" if ramps else ""
    return short_duration(level_ns) + words


def as_broken(limit: str) -> str:
    """``<= 5 s`` as what breaks it: ``> 5 s``."""
    return limit.replace("<=", ">").replace(">=", "<")


def short_duration(nanoseconds: int) -> str:
    """As one would type it: ``30s``, ``3m``, ``1h30m``, ``1.5s``."""
    hours, rest = divmod(nanoseconds, 3600 * NS_PER_S)
    minutes, rest = divmod(rest, 60 * NS_PER_S)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else ""]
    if rest or not any(parts):
        parts.append(f"{rest / NS_PER_S:g}s")
    return "".join(parts)
