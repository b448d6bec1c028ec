"""`out`: the arrays that a call writes its results to, in containers as those of the results.

None stands for a new array.
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import numpy as np

from cpnum.compile.call import Array, refuse_shape, refuse_shared_elements
from cpnum.errors import OutError, RangeError
from cpnum.ir.containers import is_named_tuple, made, opened
from cpnum.ir.evaluate import FloatingPointErrors
from cpnum.ir.results import (
    Container,
    Given,
    Known,
    Number,
    Results,
    Tree,
    View,
    moved,
)


def given_outs(results: Results, out: Any) -> list[tuple[int, Array]]:
    """Return the arrays of `out`, each with the number of its leaf.

    Raises:  OutError if its containers are not those of the results.
    """
    found: list[tuple[int, Array]] = []

    def visit(tree: Tree, out: Any) -> None:
        if out is None:
            return
        if isinstance(tree, int):
            refuse_other_than_array(out)
            found.append((tree, out))
            return
        items = _matched(tree.kind, tree.keys, len(tree.items), out)
        if items is None:
            raise _other_containers(tree, out)
        for each, item in zip(tree.items, items, strict=True):
            visit(each, item)

    visit(results.tree, out)
    return found


def outs_of(results: Results, out: Any) -> list[Array | None]:
    """Return the array that is computed into for each of `results.arrays`, None for a new one.

    An output that views are taken of, or that has several arrays in `out`, is copied there.
    """
    found = given_outs(results, out)
    count = Counter(leaf for leaf, _ in found)
    viewed = {leaf.of for leaf in results.leaves if isinstance(leaf, View)}
    arrays = {leaf: array for leaf, array in found if count[leaf] == 1 and leaf not in viewed}
    return [arrays.get(at) for at in results.arrays]


def filled(returned: Any, out: Any, *, copy: bool = True) -> Any:
    """Copy what a function returned to the arrays of `out`; return it with these in its place.

    Unless they are to `copy`, the arrays keep their elements.

    >>> out = np.empty(2), None
    >>> result = filled([np.ones(2), 5], out)
    >>> result, result[0] is out[0]
    ([array([1., 1.]), 5], True)
    """
    if out is None or returned is out:
        return returned
    found = opened(returned)
    if found is None or isinstance(out, np.ndarray):
        refuse_other_than_array(out)
        if not copy:
            return out
        try:
            # No line of the function converts the result, so the user's line of the call is told.
            with FloatingPointErrors({}):
                np.copyto(out, returned, casting="same_kind")
        except OverflowError:
            raise RangeError(
                f"Python integer out of bounds for {out.dtype}",
                seen=f"an integer of {returned.bit_length()} bits",
                write="an out of floats",
            ) from None
        except (TypeError, ValueError) as error:
            raise OutError(
                "`out` cannot take the result",
                seen=f"out of dtype {out.dtype} and shape {out.shape}; {error}",
            ) from None
        return out
    keys, items = found
    outs = _matched(type(returned), keys, len(items), out)
    if outs is None:
        tree = Container(type(returned), keys, tuple(range(len(items))))
        raise _other_containers(tree, out)
    pairs = zip(items, outs, strict=True)
    return made(type(returned), keys, [filled(item, each, copy=copy) for item, each in pairs])


def _matched(kind: type, keys: tuple[Any, ...], count: int, out: Any) -> tuple[Any, ...] | None:
    """Return the items of `out` in the order of a container's; None if it is another container."""
    found = opened(out)
    if found is None or len(found[1]) != count:
        return None
    own, items = found
    if own and keys:
        by_key = dict(zip(own, items, strict=True))
        return tuple([by_key[key] for key in keys]) if by_key.keys() == {*keys} else None
    ordered = isinstance(out, tuple | list) and (kind in (tuple, list) or is_named_tuple(kind))
    return items if ordered else None


# -- refusals -----------------------------------------------------------------------------------


def refuse_other_than_array(out: Any) -> None:
    """Refuse an `out` that is no plain array."""
    if type(out) is not np.ndarray:
        raise OutError(
            "`out` is not a plain array",
            seen=f"a {type(out).__name__}",
            write="out=np.asarray(out)" if isinstance(out, np.ndarray) else "out=np.empty(...)",
        )


def _other_containers(tree: Container, out: Any) -> OutError:
    return OutError(
        "`out` has other containers than the results",
        seen=f"{_described(type(out), opened(out))} for {_described(tree.kind, (), tree.items)}",
        write=f"out={_shape_of(tree)}, with arrays for None",
    )


def _described(kind: type, found: Any, items: Any = None) -> str:
    count = items if items is not None else found and found[1]
    name = "an array" if kind is np.ndarray else f"a {kind.__name__}"
    return name if count is None else f"{name} of {len(count)}"


def _shape_of(tree: Tree) -> str:
    """Return the text of an `out` without arrays.

    >>> _shape_of(Container(tuple, (), (0, Container(dict, ("a",), (1,)))))
    "(None, {'a': None})"
    """
    if isinstance(tree, int):
        return "None"
    inner = [_shape_of(each) for each in tree.items]
    if tree.keys:
        pairs = zip(tree.keys, inner, strict=True)
        return f"{{{', '.join(f'{key!r}: {text}' for key, text in pairs)}}}"
    text = ", ".join(inner)
    return f"[{text}]" if tree.kind is list else f"({text},)" if len(inner) == 1 else f"({text})"


def refuse_wrong_outs(results: Results, arguments: tuple[Any, ...], out: Any) -> None:
    """Refuse arrays for leaves that no kernel computes, if they cannot take these.

    Raises:  OutError.
    """
    for at, array in given_outs(results, out):
        leaf: Any = results.leaves[at]
        of = results.leaves[leaf.of] if isinstance(leaf, View) else leaf
        refuse_shared_elements(array, array.dtype)
        if isinstance(of, Given):
            value = arguments[of.parameter]
            value = moved(value, leaf) if isinstance(leaf, View) else value
        elif isinstance(leaf, Known):
            value = leaf.value
        elif isinstance(leaf, Number):
            value = leaf.node.dtype.scalar(0)
        else:
            continue  # a kernel's, or a view of that
        _refuse_value(value, array)


def _refuse_value(value: Any, out: Array) -> None:
    found = np.asarray(value)
    if found.dtype.kind not in "biuf" or not np.can_cast(found.dtype, out.dtype, "same_kind"):
        raise OutError(
            "`out` has the wrong dtype",
            seen=f"out of dtype {out.dtype} for {type(value).__name__} {value!r:.60}",
            write="None in its place, or an array of the dtype of the result",
        )
    refuse_shape(out, found.shape, found.dtype)


def refuse_shared_outs(given: list[tuple[int, Array]]) -> None:
    """Refuse arrays of `out` that share memory, unless they are one array for one result."""
    for (one, first), (other, second) in itertools.combinations(given, 2):
        if (one, id(first)) != (other, id(second)) and np.may_share_memory(first, second):
            if np.shares_memory(first, second):
                raise OutError(
                    "two arrays of `out` share memory",
                    seen=f"arrays of the shapes {first.shape} and {second.shape}",
                    write="an array of its own for each result",
                )
