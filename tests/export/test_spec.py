"""What --load-export may be given."""

from __future__ import annotations

import pytest

from pytest_loadtest.core.redaction import MASK
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.export.spec import Spec, parse_spec


@pytest.mark.parametrize(
    ("text", "spec", "shown"),
    [
        ("otlp", Spec("otlp"), "otlp"),
        ("otlp,protocol=grpc", Spec("otlp", options={"protocol": "grpc"}), "otlp"),
        ("otlp=http://a:4318", Spec("otlp", url="http://a:4318"), "otlp=http://a:4318"),
        ("prometheus=0.0.0.0:9464", Spec("prometheus", host="0.0.0.0", port=9464), "prometheus=0.0.0.0:9464"),
        ("prometheus=[::1]:9464", Spec("prometheus", host="::1", port=9464), "prometheus=::1:9464"),
        (
            "statsd=localhost:8125,names=k6,tags=no",
            Spec("statsd", host="localhost", port=8125, options={"names": "k6", "tags": "no"}),
            "statsd=localhost:8125",
        ),
        (
            "influx=https://a/b?org=c,names=k6",
            Spec("influx", url="https://a/b?org=c", options={"names": "k6"}),
            "influx=https://a/b?org=c",
        ),
        (
            "influx=http://me:s%40crets@[::1]:8086/k6",
            Spec("influx", url="http://[::1]:8086/k6", user="me", password="s@crets"),
            "influx=http://[::1]:8086/k6",
        ),
    ],
)
def test_it_is_understood(text: str, spec: Spec, shown: str) -> None:
    assert parse_spec(text) == spec
    assert str(spec) == shown


def test_credentials_are_shown_nowhere() -> None:
    spec = parse_spec("influx=http://me:very-secret@127.0.0.1/k6")
    for shown in (str(spec), repr(spec)):
        assert "very-secret" not in shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "allowed are otlp or otlp="),
        ("graphite=a:1", "allowed are otlp or otlp="),
        ("prometheus", "'' is not as in prometheus=HOST:PORT"),
        ("prometheus=9464", "'9464' is not as in prometheus=HOST:PORT"),
        ("prometheus=:9464", "is not as in prometheus=HOST:PORT"),
        ("prometheus=a:0", "is not as in prometheus=HOST:PORT"),
        ("prometheus=a:65536", "is not as in prometheus=HOST:PORT"),
        ("prometheus=http://a:1", "is not as in prometheus=HOST:PORT"),
        ("statsd=a:b", "'a:b' is not as in statsd=HOST:PORT"),
        ("influx", "is not as in influx=http"),
        ("influx=localhost:8086/x", "is not as in influx=http"),
        ("influx=http://a:x/b", "is not as in influx=http"),
        ("influx=http:///b", "is not as in influx=http"),
        ("otlp=localhost:4318", "is not as in otlp or otlp=http"),
        ("otlp,names=k6", "'names=k6' is no option of it; there is protocol=http/protobuf|grpc"),
        ("otlp,protocol=http/json", "there is protocol=http/protobuf|grpc"),
        ("otlp,protocol=", "there is protocol=http/protobuf|grpc"),
        ("statsd=a:1,name=k6", "there is names=loadtest|k6, tags=yes|no"),
        ("influx=http://me:geheim@a b:x/", f"'http://{MASK}@a b:x/' is not as in influx"),
    ],
)
def test_what_is_wrong_is_said_with_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_spec(text)
    assert message in str(caught.value)
    assert "geheim" not in str(caught.value)
