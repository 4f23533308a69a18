"""A graph as a value: blocks as nodes, links that carry values between them; checked, and run. No database.

A graph has no cycles. Each node runs at most once, when the nodes before it have: a node whose linked input
got no value (the way that a condition did not go) does not run. What an input node gets from outside may
be missing; it is then the node's default, or null. A link may end at a part of a pin, ``values_#_name`` of
an object or ``input_$_0`` of a list.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from .block import Block, BlockError
from .blocks import CATALOGUE, INPUT, OUTPUT
from .fields import Fields

MOST_NODES = 100
MOST_LINKS = 400
LONGEST_NAME = 200
LONGEST_DESCRIPTION = 5_000
PART_OF_PIN = re.compile(r"(.+?)_(?:(#)_(.+)|(\$)_(\d{1,2}))")
BASE_COST = 1  # credits of an execution, besides those of its blocks


@dataclass(frozen=True, slots=True)
class Node:
    id: str
    block: Block
    input_default: Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Of an input or output node: under which the graph knows it."""
        return str(self.input_default["name"])

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "block_id": self.block.id,
            "input_default": self.input_default,
            "metadata": self.metadata,
        }


@dataclass(frozen=True, slots=True)
class Link:
    id: str
    source_id: str
    source_name: str
    sink_id: str
    sink_name: str

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "source_id": self.source_id,
            "source_name": self.source_name,
            "sink_id": self.sink_id,
            "sink_name": self.sink_name,
            "is_static": False,
        }


@dataclass(frozen=True, slots=True)
class Run:
    """What became of an execution."""

    outputs: Mapping[str, list[Any]]
    error: str | None
    nodes_run: int


@dataclass(frozen=True, slots=True)
class Graph:
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]

    @property
    def cost(self) -> int:
        return BASE_COST + sum(node.block.cost for node in self.nodes)

    def nodes_json(self) -> str:
        return json.dumps([node.as_json() for node in self.nodes], separators=(",", ":"))

    def links_json(self) -> str:
        return json.dumps([link.as_json() for link in self.links], separators=(",", ":"))

    def input_schema(self) -> str:
        return _schema(node for node in self.nodes if node.block is INPUT)

    def output_schema(self) -> str:
        return _schema(node for node in self.nodes if node.block is OUTPUT)

    def run(self, inputs: Mapping[str, Any]) -> Run:
        given: dict[str, dict[str, Any]] = {}
        outputs: dict[str, list[Any]] = {}
        for node in self._in_order():
            values = self._values_for(node, given, inputs)
            if values is None:
                continue
            try:
                given[node.id] = dict(node.block.run(node.block.checked(values)))
            except BlockError as error:
                return Run(outputs, f"Node {node.id} ({node.block.name}): {error}", len(given) + 1)
            if node.block is OUTPUT:
                outputs.setdefault(node.name, []).append(given[node.id]["output"])
        return Run(outputs, None, len(given))

    def _values_for(
        self, node: Node, given: Mapping[str, Mapping[str, Any]], inputs: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """The node's inputs; None when one of its links has nothing to bring."""
        values = dict(node.input_default)
        if node.block is INPUT and node.name in inputs:
            values["value"] = inputs[node.name]
        for link in self.links:
            if link.sink_id != node.id:
                continue
            if link.source_name not in given.get(link.source_id, {}):
                return None
            _put(values, link.sink_name, given[link.source_id][link.source_name])
        return values

    def _in_order(self) -> Iterable[Node]:
        """Sources before sinks. Raises CycleError."""
        before: dict[str, list[str]] = {node.id: [] for node in self.nodes}
        for link in self.links:
            before[link.sink_id].append(link.source_id)
        nodes = {node.id: node for node in self.nodes}
        return [nodes[node_id] for node_id in TopologicalSorter(before).static_order()]

    def has_cycle(self) -> bool:
        try:
            self._in_order()
        except CycleError:
            return True
        return False


def _put(values: dict[str, Any], name: str, value: Any) -> None:
    """Give a pin its value, or with ``pin_#_key`` and ``pin_$_index`` a part of an object or a list."""
    pin, kind, key = _parts(name)
    if kind == "#":
        values[pin] = {**_of_type(values, pin, {}), key: value}
    elif kind == "$":
        items, index = _of_type(values, pin, []), int(key)
        values[pin] = [*items[:index], *[None] * (index - len(items)), value, *items[index + 1 :]]
    else:
        values[pin] = value


def _of_type(values: Mapping[str, Any], pin: str, empty: Any) -> Any:
    """What the pin has so far, if parts can be added to it."""
    value = values.get(pin)
    return value if isinstance(value, type(empty)) else empty


def _parts(name: str) -> tuple[str, str, str]:
    found = PART_OF_PIN.fullmatch(name)
    if found is None:
        return name, "", ""
    return found[1], found[2] or found[4], found[3] or found[5]


def _schema(nodes: Iterable[Node]) -> str:
    properties: dict[str, Any] = {}
    required = []
    for node in nodes:
        defaults = node.input_default
        properties[node.name] = {"title": defaults.get("title") or node.name}
        if defaults.get("value") is not None:
            properties[node.name]["default"] = defaults["value"]
        else:
            required.append(node.name)
    return json.dumps({"type": "object", "properties": properties, "required": required})


def stored_graph(nodes: str, links: str) -> Graph:
    """A graph from the JSON that it gave."""
    return Graph(
        tuple(
            Node(node["id"], CATALOGUE[node["block_id"]], node["input_default"], node["metadata"])
            for node in json.loads(nodes)
        ),
        tuple(
            Link(link["id"], link["source_id"], link["source_name"], link["sink_id"], link["sink_name"])
            for link in json.loads(links)
        ),
    )


# -- from a request -----------------------------------------------------------------------------------------


def read_graph(fields: Fields) -> Graph:
    """A graph that somebody sent. Raises InvalidInput."""
    sent_nodes, sent_links = fields.objects("nodes"), fields.objects("links")
    if len(sent_nodes) > MOST_NODES or len(sent_links) > MOST_LINKS:
        message = f"Value error, a graph has at most {MOST_NODES} nodes and {MOST_LINKS} links"
        raise fields.invalid(None, "value_error", message)
    nodes: dict[str, Node] = {}
    for sent in sent_nodes:
        node = _read_node(sent)
        if node.id in nodes:
            raise sent.invalid("id", "value_error", f"Value error, there is another node {node.id}")
        nodes[node.id] = node
    graph = Graph(tuple(nodes.values()), tuple(_read_link(sent, nodes) for sent in sent_links))
    if graph.has_cycle():
        raise fields.invalid("links", "value_error", "Value error, the links go round in a circle")
    return graph


def _read_node(fields: Fields) -> Node:
    block = CATALOGUE.get(fields.text("block_id"))
    if block is None:
        raise fields.invalid("block_id", "value_error", "Value error, there is no such block")
    input_default = fields.object("input_default", {})
    if block in (INPUT, OUTPUT):
        input_default.text("name", longest=LONGEST_NAME)
    node_id = fields.text("id", None, longest=LONGEST_NAME) or str(uuid.uuid4())
    return Node(node_id, block, input_default.content, fields.object("metadata", {}).content)


def _read_link(fields: Fields, nodes: Mapping[str, Node]) -> Link:
    for end in ("source", "sink"):
        node = nodes.get(fields.text(f"{end}_id"))
        if node is None:
            raise fields.invalid(f"{end}_id", "value_error", "Value error, there is no such node")
        pins = node.block.outputs if end == "source" else node.block.inputs
        name = fields.text(f"{end}_name", longest=LONGEST_NAME)
        if (_parts(name)[0] if end == "sink" else name) not in pins:
            message = f"Value error, {node.block.name} has no such pin; it has {', '.join(pins)}"
            raise fields.invalid(f"{end}_name", "value_error", message)
    ends = [fields.text(name) for name in ("source_id", "source_name", "sink_id", "sink_name")]
    return Link(fields.text("id", None, longest=LONGEST_NAME) or str(uuid.uuid4()), *ends)
