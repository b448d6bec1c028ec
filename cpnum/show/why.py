"""The reasons of a kernel: what was done once, at once, or not at all, and because of what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cpnum.compile.arrange import Access
from cpnum.compile.instances import Instance
from cpnum.compile.kernel import Kernel
from cpnum.compile.schedule import vectors_of
from cpnum.ir.nodes import Apply, Host, Node
from cpnum.ir.sites import Location
from cpnum.show.view import locations
from cpnum.tables.ops import CAST, OPS


class Reason(NamedTuple):
    """A sentence about the code, and the user's line that it is about, if it is about one."""

    location: Location | None
    text: str


def reasons(kernel: Kernel, advises_fastmath: bool = True) -> list[Reason]:
    """Return the reasons of a kernel, in the order of the user's lines.

    `advises_fastmath` is false where the function has an option that excludes `fastmath`.

    >>> import numpy as np
    >>> from cpnum import cpjit
    >>> kernel = cpjit(lambda x, n: np.sqrt(n) * x, isa="aarch64").lower(np.ones(8), 2.0)
    >>> for reason in reasons(kernel):
    ...     print(reason.text)
    %1 = sqrt is computed once a call, because it is the same for all elements
    1 vector of 2 at once: the processor overlaps several rounds of so short a body
    """
    lines = locations(kernel)
    about = [
        *_hoisted(kernel),
        *_by_python(kernel),
        *_casts(kernel),
        *_accesses(kernel),
        *(_not_fused(kernel) if advises_fastmath else ()),
    ]
    found = [Reason(lines.get(node), text) for node, text in about]
    found.sort(key=lambda each: each.location or ("", 0))
    return [*found, *(Reason(None, text) for text in (*_vectors(kernel), *_spills(kernel)))]


_About = Iterator[tuple[Node, str]]


def _hoisted(kernel: Kernel) -> _About:
    names = kernel.graph.names
    nest = kernel.loop_nest
    for depth, body in enumerate(nest.bodies[:-1]):
        when = f"once for each i{depth - 1}" if depth else "once a call"
        for node in body:
            if type(node) is Apply and node.op is not CAST and node not in nest.scalars:
                what = f"along i{nest.axes - 1}" if depth else "for all elements"
                yield (
                    node,
                    f"{names[node]} = {node.op} is computed {when}, because it is the same {what}",
                )


def _by_python(kernel: Kernel) -> _About:
    names = kernel.graph.names
    for node in kernel.graph.nodes:
        if type(node) is Host:
            function = node.function.__name__
            yield (
                node,
                f"{names[node]} = {function} is computed by Python once a call, "
                "because it is between Python's numbers",
            )


def _casts(kernel: Kernel) -> _About:
    names = kernel.graph.names
    for node in kernel.loop_nest.bodies[-1]:
        if type(node) is Apply and node.op is CAST:
            (source,) = node.args
            yield (
                node,
                f"{names[source]} is converted from {source.dtype} to {node.dtype} "
                "for each element, as NumPy's rules for dtypes ask",
            )


def _accesses(kernel: Kernel) -> _About:
    axis = f"i{kernel.loop_nest.axes - 1}"
    for operand in kernel.loop_nest.operands:
        name = operand.buffer.name
        if operand.inner is Access.STRIDED:
            yield operand.node, f"{name} is strided along {axis}: its elements are not neighbours"
        elif operand.inner is Access.BROADCAST:
            yield operand.node, f"{name} is broadcast along {axis}: it is read outside of that loop"


def _not_fused(kernel: Kernel) -> _About:
    """Yield sums of products that fastmath would make one instruction each."""
    products = {
        node: user
        for user in kernel.loop_nest.bodies[-1]
        if type(user) is Apply and user.op in (OPS["add"], OPS["subtract"])
        for node in user.args
        if type(node) is Apply and node.op is OPS["multiply"] and node.dtype.family == "F"
    }
    if products:
        first = next(iter(products))
        count = f"and {len(products) - 1} more are" if len(products) > 1 else "is"
        yield (
            products[first],
            f"{kernel.graph.names[first]} = multiply {count} rounded before the addition, as by "
            "NumPy; fastmath=True lets one instruction do both",
        )


def _vectors(kernel: Kernel) -> Iterator[str]:
    nest = kernel.loop_nest
    vectors, why = vectors_of(nest.bodies[-1], len(nest.isa.registers))
    yield f"{vectors} vector{'s' if vectors > 1 else ''} of {nest.lanes} at once: {why}"


def _spills(kernel: Kernel) -> Iterator[str]:
    count = sum(
        type(item) is Instance and item.stencil.name == "spill" for item in kernel.instances.items
    )
    if count:
        registers = len(kernel.loop_nest.isa.registers)
        yield (
            f"{count} values are spilled to memory and reloaded: more are alive at once than "
            f"the {registers} vector registers hold"
        )
