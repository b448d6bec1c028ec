"""Assembles the graph or the program of a traced function from what its builder wrote down.

A value that a step computes into memory and that later steps need is stored: it is a parameter of
their graphs.  So are elementary functions, and operators that may report an error, which NumPy does
once.  Other values are computed again where they are needed, and so is all that a quiet fold is of.

Loops that follow one another are one if all of their values have one shape, and if each element is
computed from what the loop before made of the same element.
"""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from cpnum.ir.evaluate import may_report_of
from cpnum.ir.graph import Graph
from cpnum.ir.movement import Movement
from cpnum.ir.nodes import (
    Apply,
    Broadcast,
    Constant,
    Host,
    Input,
    Node,
    Project,
    operands,
    renewed,
)
from cpnum.ir.program import Call, Loop, Program, Step, Target
from cpnum.ir.results import Fold, Given, Leaf, Number, Output, Results, Tree, View
from cpnum.ir.signature import ArrayOf, Parameter, Signature, Type
from cpnum.ir.walk import postorder
from cpnum.tables.dtypes import F32, F64
from cpnum.tables.ops import CAST
from cpnum.trace.builder import Builder, Called, Shape, Written
from cpnum.trace.loop_graphs import LoopGraph, refuse_many_tiles
from cpnum.trace.returns import views_in
from cpnum.trace.writing import stored


def assembled(
    builder: Builder, name: str, signature: Signature, results: Results
) -> Graph | Program:
    """Return what a function became that returns these results."""
    if not builder.steps:
        nodes = builder.nodes.reaching(results.nodes)
        conditions = _conditions(builder, nodes, [results])
        return _graph(builder, name, signature, nodes, results, conditions)
    return _Assembling(builder, name, signature).program(results)


def _graph(
    builder: Builder,
    name: str,
    signature: Signature,
    nodes: tuple[Node, ...],
    results: Results,
    conditions: tuple[Broadcast, ...] = (),
) -> Graph:
    """Return the graph of what a function returns."""
    graph = Graph(
        name,
        signature,
        nodes,
        results,
        builder.sites,
        frozenset(builder.checked),
        conditions,
        builder.as_written,
        builder.handling,
        frozenset(builder.taken),
        frozenset(builder.put),
        tuple(builder.guards),
        builder.joined or builder.stacked,
    )
    if builder.joined:
        refuse_many_tiles(graph)
    return graph


def _conditions(
    builder: Builder, nodes: tuple[Node, ...], every: Sequence[Results]
) -> tuple[Broadcast, ...]:
    """Return the inputs that have to broadcast though none of the `nodes` shows it."""
    if len(builder.nodes) == len(nodes):
        return ()
    views: set[tuple[int, tuple[Movement, ...]]] = set()
    for each in every:
        views |= views_in(each)
    computed = [node for each in every for node in each.nodes]
    return builder.conditions(nodes, computed, views)


class _Draft:
    """A loop that is not yet complete: the values of its targets, which have one shape."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.targets: dict[Target, Node] = {}
        self._inputs: tuple[list[Input], set[int]] | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether a later loop reports the errors of what is folded."""
        return any(each.fold is not None and each.fold.quiet for each in self.targets)

    def inputs(self) -> tuple[list[Input], set[int]]:
        """Return the inputs that the loop reads, and the parameters that shape constants."""
        if self._inputs is None:
            found: dict[Node, None] = {}
            read: dict[Node, None] = dict.fromkeys(self.targets.values())
            shaping: set[int] = set()
            for root in self.targets.values():
                for node in postorder(root, found):
                    found[node] = None
                    if type(node) is Constant:
                        shaping.update([each.parameter for each in node.like])
                    else:
                        read.update(dict.fromkeys(operands(node)))
            self._inputs = [node for node in read if type(node) is Input], shaping
        return self._inputs

    def changed(self) -> None:
        """Forget the inputs, since there are other targets."""
        self._inputs = None


class _CallDraft(NamedTuple):
    """A call, with the parameters that its arguments are."""

    call: Called
    passed: Results


class _Assembling:
    """Makes the steps of a program."""

    def __init__(self, builder: Builder, name: str, signature: Signature) -> None:
        self.builder = builder
        self.name = name
        self.given = len(signature)
        self.own = signature
        # The arrays that steps write to, by their first numbers.
        self.written = frozenset(builder.roots.values())
        # The inputs that stand for stored nodes in later steps.
        self.stored: dict[Node, Input] = {}
        self.drafts: list[_Draft | _CallDraft] = []
        # The nodes of equal loops, and their graphs.
        self._graphs: dict[tuple[Any, ...], Graph] = {}
        # The results of operators that have several, of which each is stored by itself.
        self._projects: dict[Node, list[Node]] = {}

    def program(self, results: Results) -> Program:
        """Return the program that returns these results."""
        builder = self.builder
        every = [*[_roots(each) for each in builder.steps], results.nodes]
        last = _last_steps(every, {at for at, each in enumerate(builder.steps) if _is_quiet(each)})
        for node in last:
            if type(node) is Project:
                self._projects.setdefault(node.node, []).append(node)
        puts = [put for each in builder.steps if isinstance(each, Written) for put in each.puts]
        nodes = (*last, *[each.target for each in puts])
        passed = [each.passed for each in builder.steps if isinstance(each, Called)]
        conditions = _conditions(builder, nodes, [*passed, results])
        for number, step in enumerate(builder.steps):
            if isinstance(step, Called):
                self._call(step, last, number)
            else:
                self._written(step, last, number)
        results = self._in_loops(results)
        results = results.with_nodes(self._renewed(results.nodes))
        signature = self._signature()
        read = _read(results, conditions)
        results = self._of_roots(results)
        kept = builder.nodes.reaching(results.nodes)
        conditions = tuple(
            dict.fromkeys([Broadcast(self._inputs(each.inputs)) for each in conditions])
        )
        graph = _graph(builder, self.name, signature, kept, results, conditions)
        steps = self._steps(read, signature)
        written = frozenset(each for each in self.written if each < self.given)
        sizes = [
            math.prod(shape)
            for node, shape in builder.shapes.items()
            if not node.movement and 0 <= node.parameter < self.given
        ]
        elements = max(sizes, default=1)
        return Program(tuple(steps), graph, self.given, written, elements, builder.visited)

    def _in_loops(self, results: Results) -> Results:
        """Compute the arrays that are returned in loops, which run as the steps before them."""
        if self.builder.joined or self.builder.stacked:
            return results
        own: dict[Node, Input] = {}
        leaves: list[Leaf] = []
        for leaf in results.leaves:
            node = leaf.node if isinstance(leaf, Output) else None
            # What is stored already, or is returned twice, is copied: nobody else has the copy.
            is_new = node not in self.stored and node not in own
            if is_new and type(node) is Apply and self.builder.shape_of(node):
                own[node] = self._stored(node)
                leaf = Given(own[node].parameter)
            leaves.append(leaf)
        self._add([(node, Target(each.parameter)) for node, each in own.items()])
        self.stored |= own
        return Results(results.tree, tuple(leaves))

    def _signature(self) -> Signature:
        """Return the parameters, with the extents of calls' results if the function saw shapes."""
        signature = [*self.own, *self.builder.signature[self.given :]]
        if self.builder.shape_observed:
            for at_, (name, of) in enumerate(signature[self.given :], self.given):
                if isinstance(of, ArrayOf):
                    node = self.builder.nodes.input(at_, (), of.dtype)
                    signature[at_] = Parameter(name, ArrayOf(of.dtype, self.builder.shapes[node]))
        return tuple(signature)

    # -- drafts ---------------------------------------------------------------------------------

    def _call(self, call: Called, last: Mapping[Node, int], number: int) -> None:
        """Add a call, and the loops that compute its arguments."""
        if call.fold is not None and not (self.builder.joined or self.builder.stacked):
            self._fold(call, *call.fold, last, number)
            return
        passed = call.passed
        outputs = [leaf.node for leaf in passed.leaves if isinstance(leaf, Output)]
        stores = {node: self._stored(node) for node in outputs if node not in self.stored}
        stores |= self._kept(passed.nodes, last, number)
        self._add([(node, Target(each.parameter)) for node, each in stores.items()])
        self.stored |= stores
        new = self._renewed(passed.nodes)
        arrays = [leaf.node for leaf in passed.leaves if isinstance(leaf, Output) and leaf.boxed]
        # An array without axes is a view of a number, which stands before it.
        before = [Given(self._parameter(new[node])) for node in arrays]
        leaves: list[Leaf] = [*before]
        numbers = iter(range(len(before)))
        for leaf in passed.leaves:
            if isinstance(leaf, Output):
                given = Given(self._parameter(new[leaf.node]))
                leaf = View(next(numbers), ()) if leaf.boxed else given
            elif isinstance(leaf, Number):
                leaf = Number(new[leaf.node])
            elif isinstance(leaf, View):
                leaf = leaf._replace(of=leaf.of + len(before))
            leaves.append(leaf)
        passed = Results(_moved(passed.tree, len(before)), tuple(leaves))
        self.drafts.append(_CallDraft(call, passed))

    def _fold(
        self, call: Called, fold: Fold, value: Node, last: Mapping[Node, int], number: int
    ) -> None:
        """Add the loop of what a call folds."""
        if fold.quiet:
            reports = any(type(each) is Apply and _is_stored(each) for each in postorder(value, {}))
            fold = fold._replace(quiet=reports)
        else:
            kept = self._kept([value], last, number)
            self._add([(node, Target(each.parameter)) for node, each in kept.items()])
            self.stored |= kept
        draft = _Draft(self.builder.shape_of(value))
        assert isinstance(call.results, int)
        draft.targets[Target(call.results, fold=fold)] = self._renewed([value])[value]
        before = self.drafts[-1] if self.drafts else None
        if not isinstance(before, _Draft) or not self._fused(before, draft):
            self.drafts.append(draft)

    def _parameter(self, node: Node) -> int:
        assert type(node) is Input and not node.movement
        return node.parameter

    def _written(self, step: Written, last: Mapping[Node, int], number: int) -> None:
        """Add the loops of what a step writes."""
        stores = {
            node: self.builder.nodes.input(parameter, (), node.dtype)
            for node, parameter in step.stores
        }
        rows = [(node, Target(each.parameter)) for node, each in stores.items()]
        kept = self._kept(_roots(step), last, number)
        for node in kept.keys() & stores.keys():
            del kept[node]
        rows += [(node, Target(each.parameter)) for node, each in kept.items()]
        rows += [
            (node, Target(parameter, target.parameter, target.movement, is_view))
            for node, target, parameter, is_view in step.puts
        ]
        shapes = {parameter: self.builder.shapes[target] for _, target, parameter, _ in step.puts}
        self._add(rows, shapes)
        self.stored |= kept
        # What is written to later stands for the value no longer.
        self.stored |= {
            node: each for node, each in stores.items() if each.parameter not in self.written
        }

    def _kept(
        self, roots: Sequence[Node], last: Mapping[Node, int], number: int
    ) -> dict[Node, Input]:
        """Store the values that a step computes, that cost much, and that a later one reads."""
        return {
            each: self._stored(each)
            for root in roots
            for node in postorder(root, self.stored)
            if last[node] > number
            and type(node) is Apply
            and _is_stored(node)
            and self.builder.shape_of(node)
            for each in self._projects.get(node, [node])
            if last[each] > number
        }

    def _stored(self, node: Node) -> Input:
        return stored(self.builder, node, self.builder.shape_of(node))

    def _add(
        self, rows: Sequence[tuple[Node, Target]], shapes: Mapping[int, Shape] | None = None
    ) -> None:
        """Add a loop for the values of each shape, to the loop before if that is possible."""
        new = self._renewed([node for node, _ in rows])
        drafts: dict[Shape, _Draft] = {}
        for node, target in rows:
            shape = (shapes or {}).get(target.parameter)
            own = self.builder.shape_of(node) if shape is None else shape
            drafts.setdefault(own, _Draft(own)).targets[target] = new[node]
        # What is stored was computed of what is written then.
        for draft in sorted(drafts.values(), key=_writes):
            before = self.drafts[-1] if self.drafts else None
            if not isinstance(before, _Draft) or not self._fused(before, draft):
                self.drafts.append(draft)

    def _fused(self, first: _Draft, second: _Draft) -> bool:
        """Add the second loop to the first, if each element depends on the same element only."""
        if first.shape != second.shape or not first.shape or first.is_quiet != second.is_quiet:
            return False
        folds = [each for each in (*first.targets, *second.targets) if each.fold is not None]
        if folds and any(each.of is not None for each in (*first.targets, *second.targets)):
            return False
        made = {each.parameter: (each.movement, node) for each, node in first.targets.items()}
        inputs, shaping = second.inputs()
        if not made.keys().isdisjoint(shaping):
            return False  # what gives a constant its shape is not there yet
        new: dict[Node, Node] = {}
        for each in inputs:
            if any(each.parameter == fold.parameter for fold in folds):
                return False
            if each.parameter in made:
                movement, node = made[each.parameter]
                if each.movement != movement or self.builder.shapes[each] != first.shape:
                    return False
                new[each] = node
        if any(each.is_assigned for each in (*first.targets, *second.targets)):
            return False
        for target in second.targets:
            if target.of is None:
                continue
            if any(
                each.parameter == target.of and each.movement != target.movement
                for each in first.inputs()[0]
            ):
                return False
            if target.of in made and made[target.of][0] != target.movement:
                return False
        replaced: dict[int, Target] = {each.parameter: each for each in first.targets}
        rows: list[tuple[Target | None, Target, Node]] = []
        for target, root in second.targets.items():
            for node in postorder(root, new):
                new[node] = self._made(node, new)
            before = replaced.get(target.of) if target.of is not None else None
            if before is not None:
                # The same elements are written again.
                target = target._replace(of=before.of)
            if target.of is None and self.builder.shape_of(new[root]) != first.shape:
                return False  # a new array has the shape of its value
            rows.append((before, target, new[root]))
        first.changed()
        for before, target, node in rows:
            if before is not None:
                del first.targets[before]
            first.targets[target] = node
        return True

    def _renewed(self, roots: Iterable[Node]) -> Mapping[Node, Node]:
        """Return nodes in the place of these, which read what is stored."""
        new: dict[Node, Node] = {}
        known = ChainMap[Node, Any](new, self.stored)
        for root in roots:
            for node in [root] if root in self.stored else postorder(root, known):
                for each in (node, *operands(node)):
                    if each in self.stored:
                        new[each] = self.stored[each]
                if node not in new:
                    new[node] = self._made(node, new)
        return new

    def _made(self, node: Node, new: Mapping[Node, Node]) -> Node:
        """Return a node with new operands, and note all that is known of it."""
        args = operands(node)
        if not args or all(new[each] is each for each in args):
            return node
        if isinstance(node, Constant):
            like = tuple([each for each in map(new.__getitem__, args) if type(each) is Input])
            if len(like) < len(args):
                return node  # it has the shape of what is computed in its place
            return self.builder.nodes.constant(node.value, node.dtype, like)
        if isinstance(node, Host):
            return node
        made = renewed(self.builder.nodes, node, new)
        self._describe(made, node)
        return made

    def _describe(self, made: Node, node: Node) -> None:
        """Note for a new node all that is known of the one in whose place it is."""
        builder = self.builder
        tables: tuple[dict[Any, Any], ...] = (builder.sites, builder.as_written, builder.handling)
        for table in tables:
            if node in table:
                table.setdefault(made, table[node])
        for each in (builder.checked, builder.taken, builder.put):
            if node in each:
                each.add(made)

    # -- steps ----------------------------------------------------------------------------------

    def _steps(self, needed: set[int], signature: Signature) -> list[Step]:
        """Return the steps; a value that no later step needs is not computed."""
        steps: list[Step] = []
        arrays = set(map(self._root, needed))
        for draft in reversed(self.drafts):
            step: Step
            if isinstance(draft, _CallDraft):
                step = self._call_step(draft, signature)
                read = _read(draft.passed)
                if draft.call.changes is not None:
                    read.add(draft.call.changes[0])
                needed |= read
                arrays.update(map(self._root, read))
            else:
                targets = {
                    target: node
                    for target, node in draft.targets.items()
                    if target.parameter in needed
                    or self._is_argument(target)
                    or (target.of is None and self._root(target.parameter) in arrays)
                }
                if not targets:
                    continue
                step = self._loop(targets, math.prod(draft.shape), signature)
                read = _inputs_of(targets.values())
                read.update([each.of for each in targets if each.of is not None])
                needed |= read
                # A constant may have the shape of an array before it was written to.
                arrays.update(map(self._root, read))
            steps.append(step)
        return steps[::-1]

    def _is_argument(self, target: Target) -> bool:
        """Tell whether a target is in the memory of an argument, which the caller sees."""
        return target.of is not None and self._root(target.of) < self.given

    def _call_step(self, draft: _CallDraft, signature: Signature) -> Call:
        call, passed = draft
        passed = self._of_roots(passed)
        nodes: dict[Node, None] = {}
        for root in passed.nodes:
            nodes.update(dict.fromkeys(postorder(root, nodes)))
        graph = Graph(self.name, signature, tuple(nodes), passed, self.builder.sites)
        return Call(
            graph,
            call.function,
            call.name,
            call.results,
            call.changes is not None,
            call.shares,
            call.handling,
        )

    def _root(self, parameter: int) -> int:
        """Return the number of an array that is a parameter once more after each write to it."""
        return self.builder.roots.get(parameter, parameter)

    def _inputs(self, inputs: Iterable[Input]) -> tuple[Input, ...]:
        """Return views of arrays by their first numbers."""
        return tuple(
            [
                self.builder.nodes.input(self._root(each.parameter), each.movement, each.dtype)
                for each in inputs
            ]
        )

    def _of_roots(self, results: Results) -> Results:
        """Return results that are computed from arrays by their first numbers, or are these."""
        new: dict[Node, Node] = {}
        for root in results.nodes:
            for node in postorder(root, new):
                if type(node) is Input:
                    (new[node],) = self._inputs([node])
                else:
                    new[node] = self._made(node, new)
        leaves = [
            Given(self._root(leaf.parameter)) if isinstance(leaf, Given) else leaf
            for leaf in results.with_nodes(new).leaves
        ]
        return Results(results.tree, tuple(leaves))

    def _loop(self, targets: Mapping[Target, Node], elements: int, signature: Signature) -> Loop:
        """Return the loop of these targets; its graph is that of an equal loop if there is one."""
        is_quiet = any(each.fold is not None and each.fold.quiet for each in targets)
        building = LoopGraph(self.builder, signature, is_quiet)
        for root in targets.values():
            building.add(root)
        boxed = [_is_array(signature[each.parameter].type) for each in targets]
        numbers = map(building.numbers.__getitem__, targets.values())
        folds = [each.fold for each in targets]
        key = (*building.rows, *zip(numbers, boxed, map(_fold_key, folds), strict=True))
        graph = self._graphs.get(key)
        if graph is None:
            roots = zip(targets.values(), boxed, folds, strict=True)
            graph = self._graphs[key] = building.graph(self.name, roots)
        views = tuple([(self._root(each), movement) for each, movement in building.views])
        return Loop(graph, views, tuple(map(self._target, targets)), elements)

    def _target(self, target: Target) -> Target:
        root = self._root(target.parameter)
        of = None if target.of is None else root
        return Target(root, of, target.movement, target.is_assigned, target.fold)


def _moved(tree: Tree, by: int) -> Tree:
    """Return a tree whose leaves have moved behind so many others."""
    if isinstance(tree, int):
        return tree + by
    return tree._replace(items=tuple([_moved(each, by) for each in tree.items]))


def _fold_key(fold: Fold | None) -> object:
    """Return a key that equal folds at one line of the user's have."""
    return None if fold is None else fold._replace(function=None, check=None)


def _read(results: Results, conditions: Iterable[Broadcast] = ()) -> set[int]:
    """Return the parameters that results are computed from, or are."""
    read = {leaf.parameter for leaf in results.leaves if isinstance(leaf, Given)}
    for condition in conditions:
        read |= {each.parameter for each in condition.inputs}
    return read | _inputs_of(results.nodes)


def _inputs_of(roots: Iterable[Node]) -> set[int]:
    """Return the parameters that values are computed from, or have the shape of."""
    found: dict[Node, None] = {}
    for root in roots:
        found.update(dict.fromkeys(postorder(root, found)))
    return {node.parameter for node in found if type(node) is Input}


def _writes(draft: _Draft) -> bool:
    """Tell whether a loop writes to an array that is there."""
    return any(each.of is not None for each in draft.targets)


def _is_stored(node: Apply) -> bool:
    """Tell whether an operator is computed once, because of its time or its reports."""
    if node.op is CAST and node.args[0].dtype is F32 and node.dtype is F64:
        return False  # each number of float32 is one of float64
    return node.op.ulp > 0.5 or may_report_of(node)


def _roots(step: Called | Written) -> list[Node]:
    """Return the nodes that a step needs."""
    if isinstance(step, Called):
        return step.passed.nodes if step.fold is None else [*step.passed.nodes, step.fold[1]]
    return [*[node for node, _ in step.stores], *[node for node, *_ in step.puts]]


def _is_quiet(step: Called | Written) -> bool:
    """Tell whether a step folds what a later one computes once more."""
    return isinstance(step, Called) and step.fold is not None and step.fold[0].quiet


def _last_steps(every: Sequence[Sequence[Node]], quiet: set[int]) -> dict[Node, int]:
    """Return for each node the last step that needs it, but a quiet one only if no other does."""
    last: dict[Node, int] = {}
    for number in sorted(range(len(every)), key=lambda at: (at in quiet, -at)):
        for root in every[number]:
            for node in postorder(root, last):
                last[node] = number
    return last


def _is_array(of: Type) -> bool:
    """Tell whether values of a type are arrays without axes."""
    return isinstance(of, ArrayOf) and not of.extents
