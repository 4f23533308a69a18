"""The blocks that graphs are made of: what each takes and gives, and what it does. No HTTP, no database.

Ids, names and pins are those of the platform, so that a graph made for it runs here. A block is called with
checked inputs and gives values by the name of its outputs, none where it has nothing to say.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from .block import Block, BlockError, Input, Values

# Texts grow by being put into each other, so a small graph could ask for more memory than there is.
LONGEST_TEXT = 100_000

# -- what blocks do -----------------------------------------------------------------------------------------

PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def text_of(value: Any) -> str:
    """A value as part of a text: nothing for null, texts as they are, JSON for the rest."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _bounded(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise BlockError(f"the text is longer than {LONGEST_TEXT} characters")
    return text


def _take_input(values: Values) -> Values:
    return {"result": values["value"]}


def _give_output(values: Values) -> Values:
    return {"output": values["value"], "name": values["name"]}


def _store(values: Values) -> Values:
    return {"output": values["input"] if values["data"] is None else values["data"]}


def _fill_template(values: Values) -> Values:
    given = values["values"]
    # The length is known before the text is made: what does not fit is never in memory.
    names = PLACEHOLDER.findall(values["format"])
    if sum(len(text_of(given.get(name))) for name in names) > LONGEST_TEXT:
        raise BlockError(f"the text is longer than {LONGEST_TEXT} characters")
    return {"output": PLACEHOLDER.sub(lambda found: text_of(given.get(found[1])), values["format"])}


def _combine_texts(values: Values) -> Values:
    return {"output": _bounded(values["delimiter"].join(text_of(text) for text in values["input"]))}


def _count_text(values: Values) -> Values:
    text = values["text"]
    return {"words": len(text.split()), "characters": len(text), "lines": len(text.splitlines())}


def _reverse_order(values: Values) -> Values:
    return {"reversed_list": values["input_list"][::-1]}


ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "Add": lambda a, b: a + b,
    "Subtract": lambda a, b: a - b,
    "Multiply": lambda a, b: a * b,
    "Divide": lambda a, b: a / b,
    "Power": lambda a, b: a**b,
}


def _calculate(values: Values) -> Values:
    try:
        # Floats: a power of integers could have more digits than there is memory.
        result = ARITHMETIC[values["operation"]](float(values["a"]), float(values["b"]))
    except (ZeroDivisionError, OverflowError) as error:
        raise BlockError(f"cannot calculate: {error}") from error
    if isinstance(result, complex) or not math.isfinite(result):
        raise BlockError("cannot calculate: the result is no finite real number")
    return {"result": round(result) if values["round_result"] or result.is_integer() else result}


COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    ">": lambda a, b: bool(a > b),
    "<": lambda a, b: bool(a < b),
    ">=": lambda a, b: bool(a >= b),
    "<=": lambda a, b: bool(a <= b),
}


def _decide(values: Values) -> Values:
    try:
        result = COMPARISONS[values["operator"]](values["value1"], values["value2"])
    except TypeError as error:
        raise BlockError(f"cannot compare: {error}") from error
    yes, no = values["yes_value"], values["no_value"]
    if result:
        return {"result": True, "yes_output": values["value1"] if yes is None else yes}
    return {"result": False, "no_output": values["value1"] if no is None else no}


# -- the catalogue ------------------------------------------------------------------------------------------

NAME = Input("string", "Its name among those of the graph", required=True)
COMMON = {
    "title": Input("string", "The name that people see"),
    "description": Input("string", "What it is for"),
}

INPUT = Block(
    "c0a8e994-ebf1-4a9c-a4d8-89d09c86741b",
    "AgentInputBlock",
    "What is put into the graph.",
    "INPUT",
    {"name": NAME, "value": Input(description="What it is when nothing is put in"), **COMMON},
    ("result",),
    _take_input,
    cost=0,
    ui_type="Input",
)
OUTPUT = Block(
    "363ae599-353e-4804-937e-b2ee3cef3da4",
    "AgentOutputBlock",
    "What comes out of the graph.",
    "OUTPUT",
    {"name": NAME, "value": Input(description="What comes out"), **COMMON},
    ("output", "name"),
    _give_output,
    cost=0,
    ui_type="Output",
)
STORE_VALUE = Block(
    "1ff065e9-88e8-4358-9d82-8dc91f622ba9",
    "StoreValueBlock",
    "Hands on the value that was stored in it, or else its input.",
    "BASIC",
    {
        "input": Input(description="What triggers it", required=True),
        "data": Input(description="What it stores"),
    },
    ("output",),
    _store,
    cost=0,
)
FILL_TEMPLATE = Block(
    "db7d8f02-2f44-4c55-ab7a-eae0941f0c30",
    "FillTextTemplateBlock",
    "Puts values into a text, at the places that are marked {{name}}.",
    "TEXT",
    {
        "values": Input("object", "The values by name", required=True),
        "format": Input("string", "The text", required=True),
    },
    ("output",),
    _fill_template,
)
COMBINE_TEXTS = Block(
    "e30a4d42-7b7d-4e6a-b36e-1f9b8e3b7d85",
    "CombineTextsBlock",
    "Joins texts.",
    "TEXT",
    {
        "input": Input("array", "The texts", required=True),
        "delimiter": Input("string", "What stands between them", default=""),
    },
    ("output",),
    _combine_texts,
)
COUNT_TEXT = Block(
    "c5a3f0b6-5a3f-4c8b-9c0e-2f6a0d7c1e94",
    "CountTextBlock",
    "Counts the words, characters and lines of a text.",
    "TEXT",
    {"text": Input("string", "The text", required=True)},
    ("words", "characters", "lines"),
    _count_text,
)
REVERSE_ORDER = Block(
    "422cb708-3109-4277-bfe3-bc2ae5812777",
    "ReverseListOrderBlock",
    "Turns a list round.",
    "BASIC",
    {"input_list": Input("array", "The list", required=True)},
    ("reversed_list",),
    _reverse_order,
)
CALCULATOR = Block(
    "b1ab9b19-67a6-406d-abf5-2dba76d00c79",
    "CalculatorBlock",
    "Calculates with two numbers.",
    "LOGIC",
    {
        "operation": Input("string", "What to do", required=True, choices=tuple(ARITHMETIC)),
        "a": Input("number", "The first number", required=True),
        "b": Input("number", "The second number", required=True),
        "round_result": Input("boolean", "Whether to round to a whole number", default=False),
    },
    ("result",),
    _calculate,
)
CONDITION = Block(
    "715696a0-e1da-45c8-b209-c2fa9c3b0be6",
    "ConditionBlock",
    "Compares two values and goes one of two ways.",
    "LOGIC",
    {
        "value1": Input(description="The first value", required=True),
        "operator": Input("string", "How to compare", required=True, choices=tuple(COMPARISONS)),
        "value2": Input(description="The second value", required=True),
        "yes_value": Input(description="What to give if it is so; else the first value"),
        "no_value": Input(description="What to give if it is not; else the first value"),
    },
    ("result", "yes_output", "no_output"),
    _decide,
)

CATALOGUE: Mapping[str, Block] = {
    block.id: block
    for block in (
        INPUT,
        OUTPUT,
        STORE_VALUE,
        FILL_TEMPLATE,
        COMBINE_TEXTS,
        COUNT_TEXT,
        REVERSE_ORDER,
        CALCULATOR,
        CONDITION,
    )
}
