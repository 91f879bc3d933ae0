"""Which modules of Luthier the kept results depend on."""

from __future__ import annotations

from pathlib import Path

from bench.quality.sources import proposing


def written(source: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_results_depend_on_all_of_search_and_on_what_it_loads_of_space(tmp_path: Path) -> None:
    source = tmp_path / "luthier"
    written(
        source,
        {
            "search/tpe/searcher.py": "import numpy\nfrom luthier.space import Space\n",
            "search/unused.py": "import luthier.history\n",
            "space/__init__.py": "from luthier.space.space import Space\n",
            "space/space.py": "def later():\n    import luthier.space.cube\n",
            "space/cube.py": "from luthier.space import space\n",
            "space/grammar.py": "from luthier.space import Space\n",
            "history.py": "",
        },
    )
    found = [path.relative_to(source).as_posix() for path in proposing(source)]
    assert found == [
        "search/tpe/searcher.py",
        "search/unused.py",
        "space/__init__.py",
        "space/cube.py",
        "space/space.py",
    ]
