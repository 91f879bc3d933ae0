"""A Katib Experiment's YAML as a native file: objective, algorithm, parameters, counts, and the command of its trial's container.

**Source** Katib's reference of the Experiment, v1beta1. What a cluster is needed for (volumes, secrets, node selectors,
distributed jobs) has no place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from luthier.job.document import Document
from luthier.job.foreign.search import Notes, Search
from luthier.job.part import Part
from luthier.space.nearest import hint
from luthier.space.value import read_number, read_value

__all__ = ["katib_search"]

SPEC = (
    "objective", "algorithm", "parameters", "parallelTrialCount", "maxTrialCount", "maxFailedTrialCount", "trialTemplate",
    "earlyStopping", "metricsCollectorSpec", "resumePolicy", "nasConfig",
)  # fmt: skip
ALGORITHMS = {
    "grid": "grid", "random": "random", "sobol": "sobol", "tpe": "tpe", "multivariate-tpe": "tpe", "cmaes": "cmaes",
    "bayesianoptimization": "bayesian",
}  # fmt: skip
STRATEGIES = {"min": "min", "max": "max", "latest": "last"}
SCALES = {"uniform": "linear", "logUniform": "log"}
PARAMETER = re.compile(r"\$\{trialParameters\.([^}]+)\}")
CONTAINER = ("name", "image", "command", "args", "env", "resources")


def katib_search(document: Document) -> Search:
    """The search an Experiment describes.

    **Raises** UsageError beginning with file:line:column.
    """
    notes = Notes()
    root = Part(document, document.root).entries(None, "a Katib Experiment")
    if "kind" in root and root["kind"].text("Experiment") != "Experiment":
        raise root["kind"].error("only the kind Experiment describes a search")
    spec = root["spec"].entries(None, "the spec of an Experiment")
    for key, part in spec.items():
        if key not in SPEC:
            notes.left_out(
                f"{key} ({part.place})", f"no key of an Experiment that is known here{hint(key, SPEC)}"
            )
    if "parameters" not in spec:
        raise root["spec"].error("spec.parameters is missing; it names what is searched")
    tree: dict[str, Any] = {"name": _name(root)}
    tree |= _command(spec, root["spec"], notes)
    tree["parameters"] = dict(
        _parameter(item, notes) for item in spec["parameters"].items("a list of parameters")
    )
    tree |= _objective(spec, notes) | _search(spec, notes)
    for key in ("metricsCollectorSpec", "resumePolicy", "nasConfig"):
        if key in spec:
            why = (
                "Luthier finds metrics itself (docs/metrics.md)"
                if key.startswith("metrics")
                else "it has no place here"
            )
            notes.left_out(f"{key} ({spec[key].place})", why)
    return Search("a Katib Experiment", tree, tuple(notes.said))


def _name(root: dict[str, Part]) -> str | None:
    metadata = root["metadata"].entries(None, "a mapping") if "metadata" in root else {}
    return metadata["name"].text("a name") if "name" in metadata else None


# ---------------------------------------------------------------------- the command


def _command(spec: dict[str, Part], part: Part, notes: Notes) -> dict[str, Any]:
    if "trialTemplate" not in spec:
        raise part.error("spec.trialTemplate is missing; it has the command")
    template = spec["trialTemplate"].entries(None, "the template of a trial")
    names: dict[str, str] = {}
    given = template["trialParameters"].items("a list") if "trialParameters" in template else []
    for item in given:
        entry = item.entries(None, "a mapping such as {name: rate, reference: lr}")
        if "name" in entry:
            names[entry["name"].text("a name")] = entry.get("reference", entry["name"]).text(
                "a parameter's name"
            )
    wanted = template["primaryContainerName"].text("a name") if "primaryContainerName" in template else None
    containers = list(_containers(template["trialSpec"])) if "trialSpec" in template else []
    if not containers:
        raise spec["trialTemplate"].error("no container with a command was found in trialTemplate.trialSpec")
    named = [
        c for c in containers if wanted is not None and "name" in c and c["name"].text("a name") == wanted
    ]
    chosen = (named or containers)[0]
    if len(containers) > 1:
        notes.left_out(f"{len(containers) - 1} more containers of the trial", "one command is run a trial")
    for key, each in chosen.items():
        if key not in CONTAINER:
            notes.left_out(f"{key} of the container ({each.place})", "it is for a cluster")
    return _container(chosen, names, spec["trialTemplate"], notes)


def _containers(part: Part) -> Iterator[dict[str, Part]]:
    """All containers anywhere in a trial's specification: of a Job, or of a distributed kind's replicas."""
    if part.is_list:
        for item in part.items("a list"):
            yield from _containers(item)
    elif part.is_mapping:
        for key, each in part.entries(None, "a mapping").items():
            if key == "containers" and each.is_list:
                yield from (item.entries(None, "a container") for item in each.items("containers"))
            else:
                yield from _containers(each)


def _container(chosen: dict[str, Part], names: dict[str, str], part: Part, notes: Notes) -> dict[str, Any]:
    words: list[str] = []
    for key in ("command", "args"):
        for item in chosen[key].items("a list of words") if key in chosen else []:
            words.append(PARAMETER.sub(lambda found: _placeholder(found[1], names), item.any_text("a word")))
    if not words:
        raise part.error("the container has no command; Luthier can't know what its image runs")
    made: dict[str, Any] = {"command": words}
    resources: dict[str, Any] = {}
    if "image" in chosen:
        resources["image"] = chosen["image"].text("an image")
        notes.changed("image", "the trials run in it where a container engine works; take it out to run here")
    resources |= _resources(chosen["resources"], notes) if "resources" in chosen else {}
    variables: dict[str, str] = {}
    for item in chosen["env"].items("a list of variables") if "env" in chosen else []:
        entry = item.entries(None, "a mapping such as {name: A, value: b}")
        if "name" in entry and "value" in entry:
            variables[entry["name"].text("a name")] = entry["value"].any_text("a text")
        else:
            notes.left_out(f"a variable ({item.place})", "its value comes from the cluster")
    return {**made, "resources": resources, "environment": variables}


def _placeholder(name: str, names: dict[str, str]) -> str:
    return f"{{{{{names.get(name, name)}}}}}"


def _resources(part: Part, notes: Notes) -> dict[str, Any]:
    sections = part.entries(None, "a mapping such as {limits: {cpu: 2}}")
    made: dict[str, Any] = {}
    for section in ("requests", "limits"):
        for key, each in sections[section].entries(None, "a mapping").items() if section in sections else []:
            text = each.text("an amount")
            if key == "cpu":
                made["cpus"] = (
                    float(text[:-1]) / 1000 if text[:-1].isdigit() and text[-1] == "m" else _real(each)
                )
            elif key == "memory":
                made["memory"] = text
            elif key.endswith("/gpu"):
                made["gpus"] = _real(each)
            else:
                notes.left_out(f"{key} ({each.place})", "no resource that is known here")
    return made


def _real(part: Part) -> float:
    """A number that may stand in quotes."""
    number = read_number(part.text("a number"))
    if number is None or number < 0:
        raise part.wrong("a number from 0")
    return number


# ---------------------------------------------------------------------- the space


def _parameter(part: Part, notes: Notes) -> tuple[str, Any]:
    given = part.entries(None, "a parameter with name, parameterType and feasibleSpace")
    for key in ("name", "parameterType", "feasibleSpace"):
        if key not in given:
            raise part.error(f"the parameter has no {key}")
    name = given["name"].text("a name")
    kind = given["parameterType"].one_of(("double", "int", "discrete", "categorical"))
    space = given["feasibleSpace"].entries(None, "a mapping such as {min: '0', max: '1'}")
    if kind in ("discrete", "categorical"):
        if "list" not in space:
            raise given["feasibleSpace"].error(f"{name} is {kind} and has no list")
        items = space["list"].items("a list of values")
        values = [_listed(item) if kind == "discrete" else item.value("a value") for item in items]
        return name, {"values": values}
    made: dict[str, Any] = {key: _bound(space, key, given["feasibleSpace"]) for key in ("min", "max")}
    made["type"] = "int" if kind == "int" else "float"
    if "step" in space:
        made["step"] = _bound(space, "step", given["feasibleSpace"])
    if "distribution" in space:
        word = space["distribution"].text("a distribution")
        if word not in SCALES:
            notes.changed(
                f"{name} ({space['distribution'].place})", f"{word} is drawn evenly from min to max here"
            )
        elif word != "uniform":
            made["scaling"] = SCALES[word]
    return name, made


def _bound(space: dict[str, Part], key: str, part: Part) -> Any:
    """A bound, which Katib writes as a text."""
    if key not in space:
        raise part.error(f"{part.name} has no {key}")
    return _listed(space[key])


def _listed(part: Part) -> Any:
    return read_value(part.text("a number"))


# ---------------------------------------------------------------------- how it is searched


def _objective(spec: dict[str, Part], notes: Notes) -> dict[str, Any]:
    if "objective" not in spec:
        return {}
    given = spec["objective"].entries(None, "a mapping such as {type: minimize, objectiveMetricName: loss}")
    for key in ("type", "objectiveMetricName"):
        if key not in given:
            raise spec["objective"].error(f"objective has no {key}")
    metric, way = (
        given["objectiveMetricName"].text("a metric"),
        given["type"].one_of(("minimize", "maximize")),
    )
    how = "min" if way == "minimize" else "max"  # the strategy where none is named
    for item in given["metricStrategies"].items("a list") if "metricStrategies" in given else []:
        entry = item.entries(None, "a mapping such as {name: loss, value: latest}")
        if "name" in entry and "value" in entry and entry["name"].text("a metric") == metric:
            how = STRATEGIES[entry["value"].one_of(tuple(STRATEGIES))]
    made: dict[str, Any] = {"objective": {"metric": metric, "direction": way, "aggregate": how}}
    if "goal" in given:
        made["goal"] = {"target": _listed(given["goal"])}
    if "additionalMetricNames" in given:
        notes.changed("additionalMetricNames", "all metrics are kept; none needs to be named")
    return made


def _search(spec: dict[str, Part], notes: Notes) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if "algorithm" in spec:
        given = spec["algorithm"].entries(None, "a mapping such as {algorithmName: random}")
        word = given["algorithmName"].text("an algorithm") if "algorithmName" in given else "random"
        if word not in ALGORITHMS:
            notes.changed(f"the algorithm {word}", "it is not known here; Luthier chooses one itself")
        made["algorithm"] = ALGORITHMS.get(word, "auto")
        if "algorithmSettings" in given:
            notes.left_out(
                f"algorithmSettings ({given['algorithmSettings'].place})", "they are that algorithm's own"
            )
    for key, ours in (("maxTrialCount", "trials"), ("parallelTrialCount", "parallel")):
        if key in spec:
            made[ours] = spec[key].whole(1)
    if "trials" not in made and made.get("algorithm") != "grid":
        made["trials"] = 30
        notes.changed("trials", "an Experiment without maxTrialCount has no end; here it ends after 30")
    if "maxFailedTrialCount" in spec:
        notes.left_out(
            f"maxFailedTrialCount ({spec['maxFailedTrialCount'].place})", "failed trials never end a search"
        )
    if "earlyStopping" in spec:
        made |= _early(spec["earlyStopping"], notes)
    return made


def _early(part: Part, notes: Notes) -> dict[str, Any]:
    given = part.entries(None, "a mapping such as {algorithmName: medianstop}")
    if "algorithmName" not in given or given["algorithmName"].text("medianstop") != "medianstop":
        notes.left_out(f"earlyStopping ({part.place})", "only its algorithm medianstop is known here")
        return {}
    settings: dict[str, Any] = {}
    names = {"min_trials_required": "min_trials", "start_step": "grace"}
    for item in given["algorithmSettings"].items("a list") if "algorithmSettings" in given else []:
        entry = item.entries(None, "a mapping such as {name: start_step, value: '4'}")
        word = entry["name"].text("a name") if "name" in entry else ""
        if word in names and "value" in entry:
            settings[names[word]] = _listed(entry["value"])
        else:
            notes.left_out(
                f"{word or 'a setting'} of medianstop ({item.place})", "no such setting is known here"
            )
    return {"early_stopping": {"rule": "median", **settings} if settings else "median"}
