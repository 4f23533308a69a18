"""A shape in words, for headers and results."""

from __future__ import annotations

from pytest_loadtest.core.shape import Arrivals, ClosedShape, OpenShape, Profile, Shape
from pytest_loadtest.core.units import NS_PER_S, format_rate


def shape_in_words(shape: Shape) -> str:
    """``157 VUs, 3m, ramps 30s up and 30s down``."""
    if isinstance(shape, OpenShape):
        arrivals = ", Poisson arrivals" if shape.arrivals is Arrivals.POISSON else ""
        levels = _levels([format_rate(level) for level in _points(shape.profile)])
        return f"{levels}{arrivals}, at most {shape.vus} VUs, {_time(shape.profile)}"
    levels = _levels([f"{level:g}" for level in _points(shape.profile)])
    users = f"{levels} VU{'' if levels == '1' else 's'}"
    return f"{users}, {_limit(shape)}"


def _limit(shape: ClosedShape) -> str:
    if shape.iterations is not None:
        return f"{shape.iterations} iterations"
    if shape.iterations_per_vu is not None:
        return f"{shape.iterations_per_vu} iterations each"
    return _time(shape.profile)


def _points(profile: Profile) -> list[float]:
    """The plateau's level if there is one plateau, else every level on the way."""
    targets = [stage.target for stage in profile.stages]
    if len(targets) <= 3 and len({level for level in targets if level}) == 1:
        return [profile.peak]
    return [profile.start, *targets]


def _levels(levels: list[str]) -> str:
    return " to ".join(level for n, level in enumerate(levels) if n == 0 or levels[n - 1] != level)


def _time(profile: Profile) -> str:
    return short_duration(profile.duration_ns)


def short_duration(nanoseconds: int) -> str:
    """As one would type it: ``30s``, ``3m``, ``1h30m``, ``1.5s``."""
    hours, rest = divmod(nanoseconds, 3600 * NS_PER_S)
    minutes, rest = divmod(rest, 60 * NS_PER_S)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else ""]
    if rest or not any(parts):
        parts.append(f"{rest / NS_PER_S:g}s")
    return "".join(parts)
