"""What is wrong with settings, in sentences: the setting, its value and what is allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

_OWN_WORDS = "Value error, "
_ASKED = "Input should be "
_JSON = {
    "tuple_type": 'a list in JSON, such as ["one","another"]',
    "dict_type": 'an object in JSON, such as {"name":1}',
    "model_type": 'an object in JSON, such as {"name":1}',
}


def sentences(
    problem: ValidationError, model: type[BaseModel], name_of: Callable[[Sequence[str]], str]
) -> list[str]:
    """Return a sentence for each thing that is wrong.

    Args:
        problem: what pydantic found.
        model: what was to be made.
        name_of: from the path of a field to the name by which people set it.
    """
    return [
        _sentence(error, model, name_of)
        for error in problem.errors(include_url=False, include_context=True)
    ]


def _sentence(
    error: Mapping[str, Any], model: type[BaseModel], name_of: Callable[[Sequence[str]], str]
) -> str:
    path = [part for part in error["loc"] if isinstance(part, str)]
    said: str = error["msg"]
    if said.startswith(_OWN_WORDS):
        said = said.removeprefix(_OWN_WORDS)
        name = name_of(path) if path else ""
        return said if not name or name in said else f"{name}: {said}"
    name = name_of(path)
    if error["type"] == "extra_forbidden":
        known = ", ".join(name_of([*path[:-1], field]) for field in _fields(model, path[:-1]))
        return f"{name} is no setting; there are {known}"
    return f"{name}{_shown(error['input'], _annotation(model, path))}{_rule(error, said)}"


def _rule(error: Mapping[str, Any], said: str) -> str:
    if error["type"] == "literal_error":
        return f"allowed: {error['ctx']['expected']}"
    if error["type"].startswith("bool_"):
        return "it must be true or false"
    if error["type"] in _JSON:
        return f"it must be {_JSON[error['type']]}"
    rule, _, _ = said.partition(", ")
    return rule.replace(_ASKED, "it must be ")


def _shown(value: object, annotation: object) -> str:
    """Return the value for people; an address or a key with a mistake in it is a secret, too."""
    text = str(value)
    is_secret = "Secret" in str(annotation) or "://" in text or "@" in text
    return ": " if is_secret or not isinstance(value, str | int | float) else f" is {text!r}; "


def _fields(model: type[BaseModel], path: Sequence[str]) -> list[str]:
    found = _annotation(model, path) if path else model
    return list(found.model_fields) if _is_model(found) else []  # type: ignore[attr-defined]


def _annotation(model: type[BaseModel], path: Sequence[str]) -> object:
    """Return the type of a field; of a dictionary's entries that of the entries."""
    found: object = model
    for part in path:
        if _is_model(found):
            field = found.model_fields.get(part)  # type: ignore[attr-defined]
            found = field.annotation if field is not None else None
        else:
            found = next(_models(found), None)
    return found


def _models(annotation: object) -> Iterator[object]:
    return (argument for argument in get_args(annotation) if _is_model(argument))


def _is_model(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, BaseModel)
