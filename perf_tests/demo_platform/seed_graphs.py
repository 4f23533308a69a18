"""The graphs that are there from the start, of the store and of each user, and what users did with theirs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from .block import Block
from .blocks import CALCULATOR, COUNT_TEXT, FILL_TEMPLATE, INPUT, OUTPUT
from .database import Database, Row
from .executions import INSERT_EXECUTION, execution_row
from .graph import Graph, Link, Node
from .graphs import INSERT_GRAPH, graph_row
from .library import add_own_agent
from .moments import text_of
from .schedules import INSERT_SCHEDULE

START = datetime(2025, 7, 1, tzinfo=UTC)

# The name of a user's graph -> what it is good for.
DESCRIPTIONS = {
    "Greeting": "Greets whomever you name.",
    "Length of a text": "Says how many words a text has.",
    "Division": "Divides one number by another.",
}
# The name of a user's graph -> the inputs that it has been executed with.
PAST_INPUTS: Mapping[str, tuple[dict[str, Any], ...]] = {
    "Greeting": ({"message": "Ada"}, {"message": "Grace"}),
    "Length of a text": ({"message": "a text of six short words"},),
    "Division": ({"a": 144, "b": 12}, {"a": 1, "b": 0}),
}


def _node(node_id: str, block: Block, x: int, **input_default: Any) -> Node:
    return Node(node_id, block, input_default, {"position": {"x": x, "y": 100}})


def _link(source: str, sink: str) -> Link:
    """``"node.pin"`` to ``"node.pin"``."""
    source_id, _, source_name = source.partition(".")
    sink_id, _, sink_name = sink.partition(".")
    return Link(f"{source_id}-{sink_id}", source_id, source_name, sink_id, sink_name)


def _template_graph(name: str, default: str | None, text: str) -> Graph:
    """One input, put into a text."""
    given = {"name": name} if default is None else {"name": name, "value": default}
    return Graph(
        (
            _node("input", INPUT, 100, **given),
            _node("text", FILL_TEMPLATE, 400, format=text),
            _node("output", OUTPUT, 700, name="result"),
        ),
        (_link("input.result", f"text.values_#_{name}"), _link("text.output", "output.value")),
    )


STORE_GRAPH = _template_graph("topic", None, "What there is to say about {{topic}}")
USER_GRAPHS = {
    "Greeting": _template_graph("message", "world", "Hello, {{message}}!"),
    "Length of a text": Graph(
        (
            _node("input", INPUT, 100, name="message", value="hello"),
            _node("count", COUNT_TEXT, 400),
            _node("output", OUTPUT, 700, name="words"),
        ),
        (_link("input.result", "count.text"), _link("count.words", "output.value")),
    ),
    "Division": Graph(
        (
            _node("first", INPUT, 100, name="a", value=12),
            _node("second", INPUT, 100, name="b", value=4),
            _node("divide", CALCULATOR, 400, operation="Divide"),
            _node("output", OUTPUT, 700, name="result"),
        ),
        (
            _link("first.result", "divide.a"),
            _link("second.result", "divide.b"),
            _link("divide.result", "output.value"),
        ),
    ),
}


def store_graph_row(graph_id: str, name: str, description: str, created_at: str) -> Row:
    return graph_row(STORE_GRAPH, graph_id, None, name, description, created_at)


def add_user_graphs(database: Database, random: Random, user_ids: list[str]) -> None:
    """Each user's graphs as agents of its library, some executions of them, and a schedule."""
    for user_id in user_ids:
        for name, graph in USER_GRAPHS.items():
            graph_id, created_at = _uuid(random), START + timedelta(seconds=random.randrange(86_400))
            row = graph_row(graph, graph_id, user_id, name, DESCRIPTIONS[name], text_of(created_at))
            database.execute(INSERT_GRAPH, row)
            add_own_agent(database, _uuid(random), user_id, graph_id, text_of(created_at))
            past = _past_executions(random, name, graph_id, user_id, created_at)
            database.execute_many(INSERT_EXECUTION, past)
        schedule = (_uuid(random), user_id, graph_id, 1, name, "0 9 * * 1-5", "{}", "{}", text_of(created_at))
        database.execute(INSERT_SCHEDULE, schedule)


def _past_executions(
    random: Random, name: str, graph_id: str, user_id: str, created_at: datetime
) -> Iterator[Row]:
    graph = USER_GRAPHS[name]
    for hours, inputs in enumerate(PAST_INPUTS[name], 1):
        started = created_at + timedelta(hours=hours)
        yield execution_row(
            graph.run(inputs), (graph_id, 1), user_id, started, graph.cost, json.dumps(inputs), _uuid(random)
        )


def _uuid(random: Random) -> str:
    return str(uuid.UUID(int=random.getrandbits(128), version=4))
