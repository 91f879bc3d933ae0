"""Prints how large each room of the house is, and how many modules stand in an import cycle.

    python tools/sizes.py

Lines are lines of the files, comments included. `largest function` counts from `def` to its last line; of the page, which is
TypeScript, from where a function begins at the margin to the brace that ends it there. Imports made
inside functions and those for type checking count as imports: a cycle is a cycle. Exit code 1 when there is one.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import grimp

SOURCE = Path(__file__).parent.parent / "src" / "luthier"
PAGE = Path(__file__).parent.parent / "web" / "src"
BEGIN = re.compile(r"(?:export )?(?:async )?(?:function\*? |class |const )(\w+).*\{$")
LONGEST_FILE = 400
LONGEST_FUNCTION = 40


@dataclass(frozen=True)
class File:
    """One module, measured."""

    path: Path
    lines: int
    function: str
    function_lines: int


def measured(path: Path) -> File:
    """The size of a module and of its largest function."""
    text = path.read_text(encoding="utf-8")
    functions = [
        (node.end_lineno - node.lineno + 1, node.name)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    ]
    lines, name = max(functions, default=(0, ""))
    return File(path, len(text.splitlines()), name, lines)


def measured_page(path: Path) -> File:
    """The same of a module of the page. Its functions are those that begin at the margin: what is inside belongs to them."""
    lines = path.read_text(encoding="utf-8").splitlines()
    functions, begun = [(0, "")], (0, "")
    for place, line in enumerate(lines):
        if found := BEGIN.match(line):
            begun = (place, found[1])
        elif line.startswith("}") and begun[1]:
            if not lines[begun[0]].removeprefix("export ").startswith("class "):
                functions.append((place - begun[0] + 1, begun[1]))
            begun = (0, "")
    length, name = max(functions)
    return File(path, len(lines), name, length)


def rooms() -> dict[str, list[File]]:
    """The modules of each room; those at the top together. Templates are users' programs and count only their own."""
    found: dict[str, list[File]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).parts
        if parts[0] == "templates" and len(parts) > 2:
            continue
        found.setdefault(f"{parts[0]}/" if len(parts) > 1 else "luthier", []).append(measured(path))
    pages = sorted(PAGE.rglob("*.ts*"))
    if pages:  # not in a package
        found["the page"] = [measured_page(path) for path in pages]
    return found


def table(found: Mapping[str, Iterable[File]]) -> str:
    """One line a room; a star marks what is over the house's measure."""
    lines = [f"{'room':<14} {'files':>5} {'lines':>6}  {'largest file':<28} {'largest function':<34}"]
    for room, files in found.items():
        files = list(files)
        file = max(files, key=lambda each: each.lines)
        function = max(files, key=lambda each: each.function_lines)
        star_file = "*" if file.lines > LONGEST_FILE else ""
        star_function = "*" if function.function_lines > LONGEST_FUNCTION else ""
        lines.append(
            f"{room:<14} {len(files):>5} {sum(each.lines for each in files):>6}  "
            f"{f'{file.path.name} {file.lines}{star_file}':<28} "
            f"{f'{function.function} {function.function_lines}{star_function}':<34}".rstrip()
        )
    everything = [file for files in found.values() for file in files]
    lines.append(f"{'all':<14} {len(everything):>5} {sum(file.lines for file in everything):>6}")
    return "\n".join(lines)


def cycles(imports: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """The groups of modules that reach one another, largest first.

    **Source** R. Tarjan (1972), strongly connected components, with the recursion as an explicit stack.
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    open_modules: list[str] = []
    found: list[list[str]] = []
    for root in imports:
        if root in index:
            continue
        work = [(root, iter(imports[root]))]
        index[root] = low[root] = len(index)
        open_modules.append(root)
        while work:
            module, rest = work[-1]
            following = next((each for each in rest if each in imports), None)
            if following is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[module])
                if low[module] == index[module]:
                    place = open_modules.index(module)
                    group, open_modules[place:] = open_modules[place:], []
                    if len(group) > 1 or module in imports[module]:
                        found.append(sorted(group))
            elif following not in index:
                index[following] = low[following] = len(index)
                open_modules.append(following)
                work.append((following, iter(imports[following])))
            elif following in open_modules:
                low[module] = min(low[module], index[following])
    return sorted(found, key=len, reverse=True)


def imports_of(package: str) -> dict[str, set[str]]:
    """Which module of the package imports which."""
    graph = grimp.build_graph(package, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def main() -> int:
    """Prints the table and the cycles."""
    print(table(rooms()))
    knots = cycles(imports_of("luthier"))
    print(f"modules in an import cycle: {sum(len(knot) for knot in knots)}")
    for knot in knots:
        print("  " + ", ".join(knot))
    return 1 if knots else 0


if __name__ == "__main__":
    sys.exit(main())
