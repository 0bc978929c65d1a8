"""JSON merge patch (RFC 7396): what an operator's edit is."""

from __future__ import annotations

from typing import Any


def merge(target: Any, patch: Any) -> Any:
    """Apply ``patch`` to ``target``: null removes, objects merge, everything else (arrays too) replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def compose(first: Any, second: Any) -> Any:
    """The one patch that does what ``first`` and then ``second`` do: a null stays a null, to remove again."""
    if not isinstance(first, dict) or not isinstance(second, dict):
        return second
    return {**first, **{key: compose(first.get(key), value) for key, value in second.items()}}


def outlive(edit: dict[str, Any], *, before: Any, after: Any) -> tuple[dict[str, Any], list[str]]:
    """What is left of an edit after the shop sent a newer version, and the fields where the shop's change won.

    An edit of a field survives where the shop did not touch that field between ``before`` and ``after``.
    """
    kept: dict[str, Any] = {}
    lost: list[str] = []
    for key, value in edit.items():
        old = before.get(key) if isinstance(before, dict) else None
        new = after.get(key) if isinstance(after, dict) else None
        if isinstance(value, dict) and isinstance(old, dict) and isinstance(new, dict):
            inner, inner_lost = outlive(value, before=old, after=new)
            if inner:
                kept[key] = inner
            lost += [f"{key}.{name}" for name in inner_lost]
        elif old == new:
            kept[key] = value
        else:
            lost.append(key)
    return kept, lost
