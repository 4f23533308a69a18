"""Graphs as values: they run, and wrong ones are refused."""

from __future__ import annotations

from typing import Any

import pytest

from perf_tests.demo_platform.fields import Fields
from perf_tests.demo_platform.graph import MOST_NODES, Graph, read_graph, stored_graph
from perf_tests.demo_platform.responses import InvalidInput

INPUT = "c0a8e994-ebf1-4a9c-a4d8-89d09c86741b"
OUTPUT = "363ae599-353e-4804-937e-b2ee3cef3da4"
CALCULATOR = "b1ab9b19-67a6-406d-abf5-2dba76d00c79"
CONDITION = "715696a0-e1da-45c8-b209-c2fa9c3b0be6"
COMBINE = "e30a4d42-7b7d-4e6a-b36e-1f9b8e3b7d85"
TEMPLATE = "db7d8f02-2f44-4c55-ab7a-eae0941f0c30"
STORE = "1ff065e9-88e8-4358-9d82-8dc91f622ba9"


def node(node_id: str, block_id: str, **input_default: Any) -> dict[str, Any]:
    return {"id": node_id, "block_id": block_id, "input_default": input_default}


def link(source: str, sink: str) -> dict[str, str]:
    source_id, source_name = source.split(".")
    sink_id, sink_name = sink.split(".")
    return {"source_id": source_id, "source_name": source_name, "sink_id": sink_id, "sink_name": sink_name}


def graph(nodes: list[dict[str, Any]], *links: dict[str, str]) -> Graph:
    return read_graph(Fields({"nodes": nodes, "links": list(links)}, "body", "graph"))


def doubling() -> Graph:
    """x -> 2x, or an error when x is no number."""
    nodes = [
        node("out", OUTPUT, name="double"),  # before what it waits for: the order of nodes means nothing
        node("in", INPUT, name="x", value=21),
        node("twice", CALCULATOR, operation="Multiply", b=2),
    ]
    return graph(nodes, link("twice.result", "out.value"), link("in.result", "twice.a"))


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [({"x": 4}, {"double": [8]}), ({}, {"double": [42]}), ({"y": 1}, {"double": [42]})],
)
def test_values_travel_along_links(inputs: dict[str, Any], outputs: dict[str, list[Any]]) -> None:
    run = doubling().run(inputs)
    assert (run.outputs, run.error, run.nodes_run) == (outputs, None, 3)


def test_a_failing_block_ends_the_run_with_its_error() -> None:
    run = doubling().run({"x": "four"})
    assert run.outputs == {}
    assert run.error == "Node twice (CalculatorBlock): a: Input should be a valid number"
    assert run.nodes_run == 2


@pytest.mark.parametrize(("x", "outputs"), [(5, {"big": [5]}), (1, {"small": [1]})])
def test_a_condition_goes_one_way(x: int, outputs: dict[str, list[Any]]) -> None:
    nodes = [
        node("in", INPUT, name="x"),
        node("if", CONDITION, operator=">", value2=3),
        node("big", OUTPUT, name="big"),
        node("small", OUTPUT, name="small"),
    ]
    ways = (link("if.yes_output", "big.value"), link("if.no_output", "small.value"))
    assert graph(nodes, link("in.result", "if.value1"), *ways).run({"x": x}).outputs == outputs


def test_a_link_may_end_at_a_part_of_a_pin() -> None:
    nodes = [
        node("in", INPUT, name="x"),
        node("text", TEMPLATE, format="{{greeting}} {{name}}", values={"greeting": "Hello"}),
        node("both", COMBINE, input=["0"], delimiter="|"),
        node("out", OUTPUT, name="result"),
    ]
    links = (
        link("in.result", "text.values_#_name"),
        link("text.output", "both.input_$_2"),
        link("both.output", "out.value"),
    )
    assert graph(nodes, *links).run({"x": "Ada"}).outputs == {"result": ["0||Hello Ada"]}


def test_two_outputs_of_one_name_are_a_list() -> None:
    nodes = [node("a", OUTPUT, name="x", value=1), node("b", OUTPUT, name="x", value=2)]
    assert graph(nodes).run({}).outputs == {"x": [1, 2]}


def test_an_input_that_nobody_gave_is_null() -> None:
    nodes = [node("in", INPUT, name="x"), node("out", OUTPUT, name="x")]
    assert graph(nodes, link("in.result", "out.value")).run({}).outputs == {"x": [None]}


def test_a_stored_graph_is_the_same() -> None:
    original = doubling()
    assert stored_graph(original.nodes_json(), original.links_json()) == original


def test_a_graph_costs_what_its_blocks_cost() -> None:
    assert doubling().cost == 2
    assert graph([]).cost == 1


def test_the_schemas_name_inputs_and_outputs() -> None:
    assert doubling().input_schema() == (
        '{"type": "object", "properties": {"x": {"title": "x", "default": 21}}, "required": []}'
    )
    assert '"required": ["double"]' in doubling().output_schema()


IN_OUT = [node("in", INPUT, name="x"), node("out", OUTPUT, name="y")]


@pytest.mark.parametrize(
    ("nodes", "links", "location", "message"),
    [
        pytest.param("x", [], ("nodes",), "valid list", id="nodes are no list"),
        pytest.param([1], [], ("nodes", 0), "valid dictionary", id="a node is no object"),
        pytest.param([{}], [], ("nodes", 0, "block_id"), "Field required", id="a node without block"),
        pytest.param([node("a", "b")], [], ("nodes", 0, "block_id"), "no such block", id="an unknown block"),
        pytest.param([node("a", INPUT)], [], ("nodes", 0, "input_default", "name"), "required", id="no name"),
        pytest.param(
            [node("a", STORE), node("a", STORE)],
            [],
            ("nodes", 1, "id"),
            "another node a",
            id="the same id twice",
        ),
        pytest.param(
            [node(str(n), STORE) for n in range(MOST_NODES + 1)], [], (), "at most", id="too many nodes"
        ),
        pytest.param(IN_OUT, [{}], ("links", 0, "source_id"), "Field required", id="a link from nowhere"),
        pytest.param(
            IN_OUT,
            [link("x.result", "out.value")],
            ("links", 0, "source_id"),
            "no such node",
            id="an unknown node",
        ),
        pytest.param(
            IN_OUT,
            [link("in.output", "out.value")],
            ("links", 0, "source_name"),
            "it has result",
            id="no output",
        ),
        pytest.param(
            IN_OUT, [link("in.result", "out.input")], ("links", 0, "sink_name"), "no such pin", id="no input"
        ),
        pytest.param(
            [node("a", STORE), node("b", STORE)],
            [link("a.output", "b.input"), link("b.output", "a.input")],
            ("links",),
            "circle",
            id="a circle",
        ),
        pytest.param([node("a", STORE)], [link("a.output", "a.input")], ("links",), "circle", id="to itself"),
    ],
)
def test_a_wrong_graph_is_refused(
    nodes: Any, links: list[Any], location: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(InvalidInput) as raised:
        read_graph(Fields({"nodes": nodes, "links": links}, "body", "graph"))
    (error,) = raised.value.errors
    assert error["loc"] == ["body", "graph", *location]
    assert message in str(error["msg"])
