"""A search on Ray that waits for a node is told of once, with what is missing, and once more when it goes on. Without Ray."""

from __future__ import annotations

from typing import Any

import pytest

from luthier.run.ray_endings import RayLost
from luthier.run.ray_places import Places
from luthier.run.ray_room import LOOK_SECONDS, PATIENCE_SECONDS, Room
from luthier.run.ray_where import Cluster, Needs

NEEDS = Needs(cpus=2, resources={"slot": 1})


class Nodes:
    """The part of Ray that lists nodes."""

    def __init__(self) -> None:
        self.asked = 0
        self.found: list[dict[str, Any]] = []

    def add(self, **resources: float) -> dict[str, Any]:
        self.found.append({"Alive": True, "Resources": resources})
        return self.found[-1]

    def nodes(self) -> list[dict[str, Any]]:
        self.asked += 1
        return self.found


@pytest.fixture
def nodes() -> Nodes:
    made = Nodes()
    made.add(CPU=4)
    return made


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def room(nodes: Nodes, said: list[str]) -> Room:
    cluster = Cluster(nodes, "ray://head:10001")
    return Room(lambda: cluster.lack(NEEDS), said.append)


def test_what_is_missing_is_told_once_and_that_it_goes_on_too(
    room: Room, nodes: Nodes, said: list[str]
) -> None:
    gone = nodes.add(CPU=2, slot=2)
    gone["Alive"] = False
    for now in range(100, 200):
        room.look(100.0, float(now))
    assert said == [
        "warning: nothing can start: no node of the Ray cluster at ray://head:10001 has 1 of 'slot', which each trial needs; "
        "the most that one of its 1 has is none: lower --ray-resources, or add a node that has it; the search waits for that "
        "and goes on by itself"
    ]
    gone["Alive"] = True
    for now in range(200, 220):
        room.look(100.0, float(now))
    room.look(None, 220.0)
    assert said[1:] == ["the Ray cluster has what each trial needs again; the search goes on"]
    gone["Alive"] = False
    room.look(230.0, 230.0 + PATIENCE_SECONDS)
    assert len(said) == 3 and said[2] == said[0]


def test_a_place_that_came_after_all_is_told_without_another_look(
    room: Room, nodes: Nodes, said: list[str]
) -> None:
    room.look(0.0, PATIENCE_SECONDS)
    asked = nodes.asked
    room.look(None, PATIENCE_SECONDS + 0.1)
    assert len(said) == 2 and nodes.asked == asked


def test_who_does_not_wait_long_asks_nothing_and_who_does_not_often(
    room: Room, nodes: Nodes, said: list[str]
) -> None:
    nodes.add(CPU=2, slot=2)
    room.look(None, 0.0)
    room.look(0.0, PATIENCE_SECONDS / 2)
    assert nodes.asked == 0
    for tick in range(100):  # others have all of it
        room.look(0.0, PATIENCE_SECONDS + tick * LOOK_SECONDS / 50)
    assert nodes.asked == 2 and said == []


def test_what_no_single_node_has_together_is_missing_too(room: Room, nodes: Nodes, said: list[str]) -> None:
    nodes.add(CPU=1, slot=1)
    room.look(0.0, PATIENCE_SECONDS)
    assert "no single node" in said[0] and "2 CPUs and 1 of 'slot' together" in said[0]


def test_a_head_that_is_gone_while_it_is_asked_is_told_as_that(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray's client raises whatever gRPC raises then."""

    def closed() -> list[dict[str, Any]]:
        raise ValueError("Cannot invoke RPC on closed channel!")

    monkeypatch.setattr(nodes, "nodes", closed)
    places = Places(Cluster(nodes, "ray://head:10001"), NEEDS)
    with pytest.raises(RayLost, match="can't be reached any more") as told:
        places.lack()
    assert "closed channel" in str(told.value)
    places.shut()
