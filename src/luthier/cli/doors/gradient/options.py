"""The options of `experiments hyperparameters create` and `run`, all that Gradient documents, and the file they may come from.

Each is in one of four groups: it works; it wants a container; it is kept as a label and changes nothing on one machine; it
is a key or password, which is used at once or not at all and never kept. `required` ones are asked for by hand, so that a
command that was cut in two by a missing backslash is told so.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import click

from luthier.errors import UsageError
from luthier.space.nearest import hint

__all__ = ["OPTIONS", "Kind", "Option", "creating", "given_of", "keyed", "with_id"]


class Kind:
    """The groups."""

    WORKS, CONTAINER, LABEL, SECRET = "works", "container", "label", "secret"


class Option(NamedTuple):
    """One option: how Gradient spells it, what it does here, its help."""

    flag: str
    kind: str
    help: str
    type: Any = None
    is_required: bool = False
    is_multiple: bool = False
    is_flag: bool = False

    @property
    def name(self) -> str:
        """The name of its parameter."""
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in self.flag)


OPTIONS = (
    Option("name", Kind.WORKS, "Name of the experiment"),
    Option("tuningCommand", Kind.WORKS, "Tuning command", is_required=True),
    Option("workerCommand", Kind.WORKS, "Worker command", is_required=True),
    Option("workerCount", Kind.WORKS, "How many workers", click.IntRange(1, 1000), is_required=True),
    Option("workspace", Kind.WORKS, "The project: a folder, an archive or git+https://…"),
    Option("workspaceRef", Kind.WORKS, "Git commit, branch or tag"),
    Option("workspaceUrl", Kind.WORKS, "As --workspace (its name in older releases)"),
    Option("workspaceArchive", Kind.WORKS, "As --workspace (its name in older releases)"),
    Option("workspaceUsername", Kind.WORKS, "User of the git repository"),
    Option("workspacePassword", Kind.SECRET, "Password of the git repository; given to git, not kept"),
    Option("ignoreFiles", Kind.WORKS, "What not to take of a folder or archive: names or patterns, a,b"),
    Option("workingDirectory", Kind.WORKS, "Where in the workspace the commands run"),
    Option("experimentEnv", Kind.WORKS, "Environment variables, as JSON"),
    Option("modelPath", Kind.WORKS, "Folder of models: PS_MODEL_PATH in the tasks"),
    Option("tag", Kind.WORKS, "A tag; may be repeated", is_multiple=True),
    Option("tags", Kind.WORKS, "Tags, separated by commas"),
    Option("workerContainer", Kind.CONTAINER, "Image the workers run in", is_required=True),
    Option("hyperparameterServerContainer", Kind.CONTAINER, "Image of the tuning command"),
    Option("workerMachineType", Kind.LABEL, "Machine type of the workers", is_required=True),
    Option("hyperparameterServerMachineType", Kind.LABEL, "Machine type of the tuning command"),
    Option("workerContainerUser", Kind.LABEL, "User in the workers' container"),
    Option("hyperparameterServerContainerUser", Kind.LABEL, "User in the server's container"),
    Option(
        "workerUseDockerfile", Kind.LABEL, "Build the image from the workspace's Dockerfile", is_flag=True
    ),
    Option("workerDockerfilePath", Kind.LABEL, "Where the Dockerfile is"),
    Option("workerRegistryUsername", Kind.LABEL, "User of the registry"),
    Option("hyperparameterServerRegistryUsername", Kind.LABEL, "User of the server's registry"),
    Option("projectId", Kind.LABEL, "Project"),
    Option("clusterId", Kind.LABEL, "Cluster"),
    Option("ports", Kind.LABEL, "Ports to open"),
    Option("modelType", Kind.LABEL, "Type of the model"),
    Option("artifactDirectory", Kind.LABEL, "Artifacts' directory"),
    Option("isPreemptible", Kind.LABEL, "May be interrupted", is_flag=True),
    Option("workerRegistryPassword", Kind.SECRET, "Password of the registry"),
    Option("hyperparameterServerRegistryPassword", Kind.SECRET, "Password of the server's registry"),
)
CUT = (
    r"if it stands on a line of its own, the line before lacks its final \ (Gradient's page has such a line)"
)


def _declared(option: Option) -> Callable[[Any], Any]:
    settings: dict[str, Any] = {"help": option.help + ("  [required]" if option.is_required else "")}
    if option.is_flag:
        settings["is_flag"] = True
    else:
        settings |= {"type": option.type, "multiple": option.is_multiple}
        if option.type is not None:
            settings["metavar"] = "N"
    return click.option(f"--{option.flag}", option.name, **settings)


def with_id(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--id`."""
    return click.option(
        "--id", "id_", required=True, metavar="ID", help="The experiment; its first letters do."
    )(function)


def keyed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--apiKey` and `--optionsFile`, which all commands of Gradient take. The key is not looked at."""

    @functools.wraps(function)
    def without_key(*args: Any, api_key: str | None, options_file: str | None, **rest: Any) -> Any:
        if options_file is not None:
            rest = _merged(click.get_current_context(), rest, options_file)
        return function(*args, **rest)

    adds = (
        click.option("--apiKey", "api_key", help="Not needed here, and not kept."),
        click.option("--optionsFile", "options_file", metavar="FILE", help="A YAML file with these options."),
    )
    return functools.reduce(lambda made, add: add(made), reversed(adds), without_key)


def creating(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds all options of `create` and `run`; the command gets them as `given`, by parameter, those that are missing left
    out."""

    @functools.wraps(function)
    def gathered(*args: Any, words: tuple[str, ...], create_options_file: str | None, **rest: Any) -> Any:
        _refuse_words(words)
        given = {o.name: rest.pop(o.name) for o in OPTIONS}
        if create_options_file is not None:
            return _write_template(create_options_file, given)
        missing = [option for option in OPTIONS if option.is_required and given[option.name] in (None, "")]
        if missing:
            raise click.UsageError(
                f"missing option {', '.join(repr(f'--{o.flag}') for o in missing)}; {CUT}",
                click.get_current_context(),
            )
        return function(*args, given=given, **rest)

    made: Callable[..., Any] = keyed(gathered)
    made = click.option(
        "--createOptionsFile", "create_options_file", metavar="FILE", help="Write such a file and end."
    )(made)
    made = click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="")(made)
    return functools.reduce(lambda inner, option: _declared(option)(inner), reversed(OPTIONS), made)


def _refuse_words(words: tuple[str, ...]) -> None:
    if not words:
        return
    if any(not word.strip() for word in words):
        problem = "a blank stands after the \\ at the end of a line; nothing may follow it"
    else:
        problem = (
            f"got unexpected extra argument ({' '.join(words)}); put quotes around a command of several words"
        )
    raise click.UsageError(problem, click.get_current_context())


def given_of(given: dict[str, Any], kind: str) -> dict[str, str]:
    """The options of a kind that were given, by their own spelling, as texts."""
    return {
        option.flag: ",".join(given[option.name]) if option.is_multiple else str(given[option.name])
        for option in OPTIONS
        if option.kind == kind and given[option.name] not in (None, "", (), False)
    }


# ---------------------------------------------------------------------- the file


def _merged(context: click.Context, given: dict[str, Any], path: str) -> dict[str, Any]:
    """The options with those of a file in the places of what the command line lacks."""
    from luthier.job.document import read_document

    document = read_document(path)
    plain = document.root.plain()
    if not isinstance(plain, dict):
        raise document.error("the file has to be a list of options, such as workerCount: 2")
    known = {p.opts[0].removeprefix("--"): p for p in context.command.params if isinstance(p, click.Option)}
    for key, value in plain.items():
        option = known.get(key)
        if option is None:
            raise document.error(f"there is no option {key!r} here{hint(key, known)}", (key,))
        if option.name not in given or given[option.name] not in (None, (), False):
            continue
        try:
            found = option.type_cast_value(context, _plain(option, value))
        except (click.BadParameter, UsageError, ValueError, TypeError) as error:
            message = error.message if isinstance(error, click.BadParameter) else str(error)
            raise document.error(f"{key}: {message}", (key,)) from None
        given[option.name] = found if found is not None else given[option.name]
    return given


def _plain(option: click.Option, value: Any) -> Any:
    """A value of the file as the command line would have it: as it was written, a mapping as JSON."""
    from luthier.space import Value

    if isinstance(value, Value):
        if value.value is None or (value.value == "" and not option.multiple):
            return None
        if option.is_flag:
            return value.value
        return (value.text,) if option.multiple else value.text
    if isinstance(value, list) and option.multiple:
        return tuple(one.text if isinstance(one, Value) else str(one) for one in value)
    if isinstance(value, dict) and option.name == "experiment_env":
        import json

        return json.dumps({k: v.text if isinstance(v, Value) else v for k, v in value.items()})
    raise ValueError("it takes one value, not a list or a mapping")


def _write_template(path: str, given: dict[str, Any]) -> int:
    """Writes all options with what was given of them; keys and passwords are left open."""
    from luthier.cli.output import say

    lines = []
    for option in sorted(OPTIONS):
        value = None if option.kind == Kind.SECRET else given[option.name]
        lines.append(f"{option.flag}: {_yaml(value)}\n")
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write("apiKey: null\n" + "".join(lines))
    except FileExistsError:
        raise UsageError(f"{path} is there already; name another file, or remove it") from None
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}") from error
    say(f"{path} has all options; fill it in and give it with --optionsFile {path}")
    return 0


def _yaml(value: Any) -> str:
    import json

    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
