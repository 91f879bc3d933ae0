"""Expressions as data: what `1 + hp.lognormal("c", 0, 1)` is before any value is drawn.

An `Apply` node is the name of a function with its arguments, which are nodes themselves; a `Literal` holds any Python
object. The functions live in `scope`, a table of names, so that a graph can be pickled and read by another process.
Nothing is computed here (`evaluate.py`), and nothing knows of hyperparameters.

Nodes of the real hyperopt are accepted wherever ours are: they have the same `name`, `pos_args` and `named_args`, and
`adopted` rebuilds their graph from these alone.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

__all__ = [
    "Apply",
    "Literal",
    "MissingArgument",
    "PyllImportError",
    "SymbolTable",
    "SymbolTableEntry",
    "apply",
    "as_apply",
    "clone",
    "dfs",
    "scope",
    "toposort",
]


class PyllImportError(ImportError):
    """Says that a name is not in the scope."""


class MissingArgument:
    """Stands in `Apply.arg` for an argument that was not given."""


class SymbolTable:
    """Functions by name. `scope.exp(x)` is a node; `scope._impls["exp"]` is the function that computes it."""

    def __init__(self) -> None:
        self._impls: dict[str, Callable[..., Any]] = {}
        self._entries: dict[str, Callable[..., Apply]] = {}
        self._own: set[str] = set()

    def __getattr__(self, name: str) -> Callable[..., Apply]:
        entry: Callable[..., Apply] | None = self.__dict__.get("_entries", {}).get(name)
        if entry is None:
            raise AttributeError(f"scope has no function {name!r}; define it with @scope.define")
        return entry

    def define(
        self, f: Callable[..., Any], o_len: int | None = None, pure: bool = False
    ) -> Callable[..., Any]:
        """Adds a function under its name; a decorator. **Raises** ValueError where the name is taken."""
        name = f.__name__
        if name in self._impls:
            raise ValueError("Cannot override existing symbol", name)
        self._impls[name] = f
        self._entries[name] = SymbolTableEntry(self, name, o_len, pure)
        return f

    def define_pure(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """Adds a function without side effects."""
        return self.define(f, pure=True)

    def define_info(self, o_len: int | None = None, pure: bool = False) -> Callable[..., Any]:
        """A decorator that also says how many values the function returns, so that its node can be unpacked."""
        return lambda f: self.define(f, o_len, pure)

    def define_if_new(
        self, f: Callable[..., Any], o_len: int | None = None, pure: bool = False
    ) -> Callable[..., Any]:
        """Adds a function unless it is there already. **Raises** ValueError where another one has its name."""
        known = self._impls.get(f.__name__)
        if known is not None and known is not f:
            raise ValueError("Cannot redefine existing symbol", f.__name__)
        return f if known is f else self.define(f, o_len, pure)

    def define_as_nodes(self, name: str, make: Callable[..., Apply]) -> None:
        """Adds a function that makes nodes of other functions."""
        self._entries[name] = make

    def undefine(self, f: str | Callable[..., Any]) -> None:
        """Takes a function out."""
        name = f if isinstance(f, str) else f.__name__
        del self._impls[name], self._entries[name]

    def inject(self, *args: str, **kwargs: str) -> dict[str, Any]:
        """The named functions as a dict, under other names where keywords say so."""
        wanted = {**{name: name for name in args}, **kwargs}
        missing = [name for name in wanted.values() if name not in self._entries]
        if missing:
            raise PyllImportError(missing[0])
        return {new: self._entries[name] for new, name in wanted.items()}

    def import_(self, _globals: dict[str, Any], *args: str, **kwargs: str) -> None:
        """Puts the named functions into a module's globals."""
        _globals.update(self.inject(*args, **kwargs))

    def seal(self) -> None:
        """Counts all functions known so far as ours; those that follow are users' and travel with pickled nodes."""
        self._own = set(self._impls)

    def is_users(self, name: str) -> bool:
        """Whether a function was defined by a user."""
        return name in self._impls and name not in self._own


class SymbolTableEntry:
    """Makes nodes that apply one function."""

    def __init__(self, symbol_table: SymbolTable, apply_name: str, o_len: int | None, pure: bool) -> None:
        self.symbol_table = symbol_table
        self.apply_name = apply_name
        self.o_len = o_len
        self.pure = pure

    def __call__(self, *args: Any, **kwargs: Any) -> Apply:
        named = sorted((name, as_apply(value)) for name, value in kwargs.items()) if kwargs else []
        return Apply(self.apply_name, [as_apply(a) for a in args], named, self.o_len, self.pure)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_entry, (self.apply_name,))


scope = SymbolTable()


def _entry(name: str) -> Any:
    return getattr(scope, name)


class Apply:
    """One function applied to nodes. Compared by identity; every use of the same node has the same value.

    `o_len` is the number of values it returns, where that is known before it is computed.
    """

    def __init__(
        self,
        name: str,
        pos_args: Sequence[Apply],
        named_args: Sequence[Sequence[Any]],
        o_len: int | None = None,
        pure: bool = False,
    ) -> None:
        self.name = name
        self.pos_args = list(pos_args)
        self.named_args = [[key, node] for key, node in named_args]
        self.o_len = o_len
        self.pure = pure

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        if scope.is_users(self.name):  # so that a process that never ran the user's module can compute it
            state["travels"] = scope._impls[self.name]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        function = state.pop("travels", None)
        self.__dict__.update(state)
        if function is not None and self.name not in scope._impls:
            scope.define(function, self.o_len, self.pure)

    def inputs(self) -> list[Apply]:
        """All arguments, those with names last."""
        return self.pos_args + [node for _, node in self.named_args] if self.named_args else self.pos_args

    @property
    def arg(self) -> dict[str, Any]:
        """The arguments by the names of the function's parameters; `MissingArgument` where one was not given."""
        signature = inspect.signature(scope._impls[self.name])
        bound = signature.bind_partial(*self.pos_args, **dict(self.named_args))
        return {name: bound.arguments.get(name, MissingArgument) for name in signature.parameters}

    def set_kwarg(self, name: str, value: Any) -> None:
        """Gives the argument of this name another value."""
        for pair in self.named_args:
            if pair[0] == name:
                pair[1] = as_apply(value)
                return
        if self.arg.get(name, MissingArgument) is not MissingArgument:
            raise NotImplementedError("change pos arg to kw arg")
        self.named_args.append([name, as_apply(value)])

    def clone_from_inputs(self, inputs: Sequence[Apply], o_len: Any = "same") -> Apply:
        """A node that applies the same function to other arguments."""
        if len(inputs) != len(self.inputs()):
            raise TypeError(f"{self.name} takes {len(self.inputs())} inputs, not {len(inputs)}")
        first = len(self.pos_args)
        named = [(key, inputs[first + i]) for i, (key, _) in enumerate(self.named_args)]
        return Apply(self.name, inputs[:first], named, self.o_len if o_len == "same" else o_len, self.pure)

    def eval(self, memo: dict[int, Any] | None = None) -> Any:
        """Computes everything below this node, all branches of a switch too; `rec_eval` computes what is needed."""
        memo = {} if memo is None else memo
        if id(self) not in memo:
            args = [node.eval(memo) for node in self.pos_args]
            kwargs = {key: node.eval(memo) for key, node in self.named_args}
            memo[id(self)] = scope._impls[self.name](*args, **kwargs)
        return memo[id(self)]

    def __str__(self) -> str:
        return "\n".join(f"{number} {line}" for number, line in enumerate(_lines(self, "", {})))

    def __len__(self) -> int:
        if self.o_len is None:
            raise TypeError("len of pyll.Apply either undefined or unknown")
        return self.o_len

    def __getitem__(self, index: Any) -> Apply:
        if self.o_len is not None and isinstance(index, int) and index >= self.o_len:
            raise IndexError(index)  # ends `a, b = node`
        return apply("getitem", self, index)

    def __iter__(self) -> Iterator[Apply]:
        return iter([self[index] for index in range(len(self))])

    def __bool__(self) -> bool:
        return True

    def __call__(self, *args: Any, **kwargs: Any) -> Apply:
        return apply("call", self, args, kwargs)


def _operators() -> None:
    """Gives `Apply` Python's operators: each makes a node of the function of that name."""
    for name in ("add", "sub", "mul", "truediv", "floordiv", "pow", "mod"):
        setattr(Apply, f"__{name}__", lambda self, other, name=name: apply(name, self, other))
        setattr(Apply, f"__r{name}__", lambda self, other, name=name: apply(name, other, self))
    for name in ("lt", "le", "gt", "ge"):
        setattr(Apply, f"__{name}__", lambda self, other, name=name: apply(name, self, other))
    for name in ("neg", "abs"):
        setattr(Apply, f"__{name}__", lambda self, name=name: apply(name, self))


_operators()


class Literal(Apply):
    """A Python object as a node."""

    def __init__(self, obj: Any = None) -> None:
        try:
            length: int | None = len(obj)
        except Exception:  # noqa: BLE001  an estimator that is not fitted raises what it likes
            length = None
        super().__init__("literal", [], [], length, pure=True)
        self._obj = obj

    @property
    def obj(self) -> Any:
        """The object."""
        return self._obj

    @property
    def arg(self) -> dict[str, Any]:
        """None: a literal has no arguments."""
        return {}

    def eval(self, memo: dict[int, Any] | None = None) -> Any:
        return self._obj if memo is None else memo.setdefault(id(self), self._obj)

    def clone_from_inputs(self, inputs: Sequence[Apply], o_len: Any = "same") -> Apply:
        return Literal(self._obj)


def _lines(node: Apply, indent: str, seen: dict[Apply, str]) -> Iterator[str]:
    if node in seen:
        yield f"{indent}{seen[node]} (again)"
        return
    seen[node] = f"Literal{{{node.obj}}}" if isinstance(node, Literal) else node.name
    yield f"{indent}{seen[node]}"
    for child in node.pos_args:
        yield from _lines(child, indent + "  ", seen)
    for key, child in node.named_args:
        yield f"{indent} {key} ="
        yield from _lines(child, indent + "  ", seen)


def apply(name: str, *args: Any, **kwargs: Any) -> Apply:
    """The node that applies the function of this name."""
    return Apply(name, [as_apply(a) for a in args], [(k, as_apply(v)) for k, v in sorted(kwargs.items())])


def as_apply(obj: Any) -> Apply:
    """Any object as a node: containers become nodes of their items, lists and tuples are computed as tuples, dicts
    keep their order, all else is a literal."""
    if isinstance(obj, Apply):
        return obj
    if isinstance(obj, (list, tuple)):
        return Apply("pos_args", [as_apply(a) for a in obj], [], len(obj) if isinstance(obj, tuple) else None)
    if isinstance(obj, dict):
        if all(isinstance(key, str) for key in obj):
            return Apply("dict", [], [(key, as_apply(value)) for key, value in obj.items()], len(obj))
        return Apply("dict", [as_apply([(key, as_apply(value)) for key, value in obj.items()])], [])
    return adopted(obj) if _is_foreign(obj) else Literal(obj)


def _is_foreign(obj: Any) -> bool:
    """Whether it is a node of the real hyperopt, which need not be loaded for this."""
    return (
        type(obj).__module__.startswith("hyperopt.")
        and hasattr(obj, "pos_args")
        and hasattr(obj, "named_args")
    )


def adopted(obj: Any) -> Apply:
    """A graph of the real hyperopt as ours; a node used twice stays one. Functions that its users defined are taken
    from its scope, which its own module has loaded."""
    foreign = getattr(sys.modules.get("hyperopt.pyll.base"), "scope", None)
    made: dict[int, Apply] = {}

    def one(node: Any) -> Apply:
        if id(node) not in made:
            if node.name == "literal":
                made[id(node)] = Literal(node.obj)
            else:
                if node.name not in scope._impls and foreign is not None:
                    scope.define(foreign._impls[node.name], node.o_len, node.pure)
                named = [(key, one(value)) for key, value in node.named_args]
                made[id(node)] = Apply(
                    node.name, [one(a) for a in node.pos_args], named, node.o_len, node.pure
                )
        return made[id(node)]

    return one(obj)


def dfs(node: Apply, seq: list[Apply] | None = None, seqset: dict[Apply, Any] | None = None) -> list[Apply]:
    """All nodes below a node and itself, arguments before what uses them, each once."""
    order: list[Apply] = [] if seq is None else seq
    seen: dict[Apply, Any] = {} if seqset is None else seqset
    stack: list[tuple[Apply, Iterator[Apply]]] = []
    if node not in seen:
        seen[node] = node.inputs()
        stack.append((node, iter(seen[node])))
    while stack:
        parent, rest = stack[-1]
        child = next(rest, None)
        if child is None:
            order.append(parent)
            stack.pop()
        elif child not in seen:
            seen[child] = child.inputs()
            stack.append((child, iter(seen[child])))
    return order


def toposort(expr: Apply) -> list[Apply]:
    """All nodes of an expression, arguments first."""
    return dfs(expr)


def clone(expr: Apply, memo: dict[Apply, Apply] | None = None) -> Apply:
    """A copy of a graph; nodes in `memo` are replaced by what it says."""
    made: dict[Apply, Apply] = {} if memo is None else memo
    for node in dfs(expr):
        if node not in made:
            made[node] = node.clone_from_inputs([made[child] for child in node.inputs()])
    return made[expr]
