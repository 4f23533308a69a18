"""What each block does with its inputs, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from perf_tests.demo_platform.block import Block, BlockError, InputError
from perf_tests.demo_platform.blocks import CATALOGUE, LONGEST_TEXT

BY_NAME = {block.name: block for block in CATALOGUE.values()}


def run(block: Block, inputs: dict[str, Any]) -> dict[str, Any]:
    return dict(block.run(block.checked(inputs)))


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        ("AgentInputBlock", {"name": "x", "value": [1]}, {"result": [1]}),
        ("AgentInputBlock", {"name": "x"}, {"result": None}),
        ("AgentOutputBlock", {"name": "x", "value": 1}, {"output": 1, "name": "x"}),
        ("StoreValueBlock", {"input": "go", "data": "kept"}, {"output": "kept"}),
        ("StoreValueBlock", {"input": "go"}, {"output": "go"}),
        (
            "FillTextTemplateBlock",
            {"values": {"who": "Ada", "n": 3}, "format": "{{who}}: {{ n }}{{nobody}}{}"},
            {"output": "Ada: 3{}"},
        ),
        (
            "CombineTextsBlock",
            {"input": ["a", 1, None, {"b": 2}], "delimiter": "-"},
            {"output": 'a-1--{"b": 2}'},
        ),
        ("CombineTextsBlock", {"input": []}, {"output": ""}),
        ("CountTextBlock", {"text": "two words\nand three more"}, {"words": 5, "characters": 24, "lines": 2}),
        ("ReverseListOrderBlock", {"input_list": [1, "b", None]}, {"reversed_list": [None, "b", 1]}),
        ("CalculatorBlock", {"operation": "Add", "a": 1, "b": 2}, {"result": 3}),
        ("CalculatorBlock", {"operation": "Subtract", "a": 1, "b": 2.5}, {"result": -1.5}),
        ("CalculatorBlock", {"operation": "Multiply", "a": 3, "b": 4}, {"result": 12}),
        ("CalculatorBlock", {"operation": "Divide", "a": 1, "b": 3, "round_result": True}, {"result": 0}),
        ("CalculatorBlock", {"operation": "Power", "a": 2, "b": 10}, {"result": 1024}),
        (
            "ConditionBlock",
            {"value1": 2, "operator": ">", "value2": 1, "yes_value": "more"},
            {"result": True, "yes_output": "more"},
        ),
        ("ConditionBlock", {"value1": 1, "operator": "==", "value2": 2}, {"result": False, "no_output": 1}),
    ],
)
def test_a_block_computes(name: str, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
    block = BY_NAME[name]
    assert run(block, inputs) == outputs
    assert set(outputs) <= set(block.outputs)


@pytest.mark.parametrize(
    ("name", "inputs", "kind", "wrong"),
    [
        pytest.param("AgentInputBlock", {}, "missing", "name", id="nothing"),
        pytest.param("AgentInputBlock", {"name": None}, "string_type", "name", id="null"),
        pytest.param("CountTextBlock", {"text": 5}, "string_type", "text", id="a number for a text"),
        pytest.param("CombineTextsBlock", {"input": "ab"}, "array_type", "input", id="a text for a list"),
        pytest.param(
            "FillTextTemplateBlock",
            {"values": [], "format": ""},
            "object_type",
            "values",
            id="a list for an object",
        ),
        pytest.param(
            "CalculatorBlock",
            {"operation": "Add", "a": True, "b": 1},
            "number_type",
            "a",
            id="a flag is no number",
        ),
        pytest.param(
            "CalculatorBlock",
            {"operation": "Root", "a": 1, "b": 1},
            "enum",
            "operation",
            id="an unknown word",
        ),
        pytest.param(
            "CalculatorBlock",
            {"operation": "Add", "a": 1, "b": 1, "round_result": 1},
            "boolean_type",
            "round_result",
            id="a number is no flag",
        ),
    ],
)
def test_a_wrong_input_is_refused(name: str, inputs: dict[str, Any], kind: str, wrong: str) -> None:
    with pytest.raises(InputError) as raised:
        BY_NAME[name].checked(inputs)
    assert (raised.value.kind, raised.value.name) == (kind, wrong)


LONG = "x" * LONGEST_TEXT


@pytest.mark.parametrize(
    ("name", "inputs", "reason"),
    [
        ("CalculatorBlock", {"operation": "Divide", "a": 1, "b": 0}, "cannot calculate: float division"),
        ("CalculatorBlock", {"operation": "Power", "a": 10, "b": 999}, "cannot calculate"),
        ("CalculatorBlock", {"operation": "Power", "a": -1, "b": 0.5}, "no finite real number"),
        ("CalculatorBlock", {"operation": "Multiply", "a": 1e200, "b": 1e200}, "no finite real number"),
        ("CalculatorBlock", {"operation": "Add", "a": 10**400, "b": 1}, "cannot calculate: int too large"),
        ("ConditionBlock", {"value1": "a", "operator": "<", "value2": 1}, "cannot compare"),
        ("CombineTextsBlock", {"input": [LONG, "y"]}, "longer than"),
        ("FillTextTemplateBlock", {"values": {"a": LONG}, "format": "{{a}}{{a}}"}, "longer than"),
    ],
)
def test_what_cannot_be_done_is_an_error(name: str, inputs: dict[str, Any], reason: str) -> None:
    with pytest.raises(BlockError, match=reason):
        run(BY_NAME[name], inputs)


def test_the_list_says_what_a_block_takes_and_gives() -> None:
    described = BY_NAME["CalculatorBlock"].description_of_itself()
    assert described["inputSchema"]["required"] == ["operation", "a", "b"]
    assert described["inputSchema"]["properties"]["round_result"]["default"] is False
    assert described["inputSchema"]["properties"]["operation"]["enum"][0] == "Add"
    assert list(described["outputSchema"]["properties"]) == ["result"]
    assert described["costs"][0]["cost_amount"] == 1
