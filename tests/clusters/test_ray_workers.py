"""Actors on Ray, with a stand-in for Ray: who is idle, and what is told of one that ends."""

from __future__ import annotations

import queue
from types import SimpleNamespace
from typing import Any

import pytest

from vidsr.clusters.choice import DriverOrder
from vidsr.clusters.messages import Assignment, Event
from vidsr.clusters.ray_driver import RayWorkers, explained
from vidsr.clusters.wire import Wire


class RayError(Exception):
    """What every error of Ray is."""


class ActorDiedError(RayError):
    """An actor that is not restarted."""


class Answer:
    """A reference: done once it has a value or an error."""

    def __init__(self, value: object = None) -> None:
        self.value = value


class Actor:
    """An actor whose methods answer when the test says so."""

    def __init__(self) -> None:
        self.asked: dict[str, list[Answer]] = {"ready": [], "make": [], "frames": []}

    def __getattr__(self, name: str) -> Any:
        def remote(*given: object) -> Answer:
            self.asked[name].append(Answer())
            return self.asked[name][-1]

        return SimpleNamespace(remote=remote)


class FakeRay:
    """Ray with as many nodes as the test says."""

    exceptions = SimpleNamespace(RayError=RayError, ActorDiedError=ActorDiedError)

    def __init__(self, *resources: dict[str, float]) -> None:
        self.resources, self.actors, self.wishes = resources, list[Actor](), list[Any]()

    def nodes(self) -> list[dict[str, object]]:
        return [{"Alive": True, "Resources": each} for each in self.resources]

    def remote(self, kind: type) -> Any:
        def options(**wishes: object) -> Any:
            self.wishes.append(wishes)
            return SimpleNamespace(remote=self._start)

        return SimpleNamespace(options=options)

    def _start(self, order: object) -> Actor:
        self.actors.append(Actor())
        return self.actors[-1]

    def wait(self, refs: list[Answer], **_: object) -> tuple[list[Answer], list[Answer]]:
        return [ref for ref in refs if ref.value is not None], []

    def get(self, ref: Answer) -> object:
        if isinstance(ref.value, Exception):
            raise ref.value
        return ref.value


class Run:
    """The actors, and what they told."""

    def __init__(self, ray: FakeRay, most: int = 9) -> None:
        self.ray, self.told = ray, list[Event]()
        order = DriverOrder(None, "/job", "auto", most, None)
        self.workers = RayWorkers(ray, order, Wire(queue.SimpleQueue(), self.told.append))
        self.workers.grow()

    def ready(self, *numbers: int) -> None:
        """Let actors start."""
        for number in numbers:
            self.ray.actors[number].asked["ready"][-1].value = f"host, process {number}"
        self.workers.look()

    def end(self, number: int, what: str, value: object) -> None:
        """Let an answer come."""
        self.ray.actors[number].asked[what][-1].value = value
        self.told.clear()
        self.workers.look()


def two_ready() -> Run:
    run = Run(FakeRay({"CPU": 4.0}, {"CPU": 4.0}))
    run.ready(0, 1)
    assert run.told == [Event("room", count=2)]
    return run


def test_a_piece_is_made_by_an_idle_actor() -> None:
    run = two_ready()
    run.workers.give(Assignment(7))
    run.workers.give(Assignment(8))
    run.end(1, "make", Event("made", 8, 5))
    assert run.told == [Event("made", 8, 5)]
    run.workers.give(Assignment(9))
    assert len(run.ray.actors[1].asked["make"]) == 2


@pytest.mark.parametrize("error", [RayError(), ActorDiedError()])
def test_the_piece_of_an_actor_that_ended_is_told_of(error: Exception) -> None:
    run = two_ready()
    run.workers.give(Assignment(7))
    run.end(0, "make", error)
    assert run.told == [Event("lost", 7, by="host, process 0"), Event("room", count=1)]


def test_an_actor_that_died_for_good_is_replaced() -> None:
    run = two_ready()
    run.workers.give(Assignment(7))
    run.end(0, "make", ActorDiedError())
    run.workers.grow()
    assert len(run.ray.actors) == 3
    run.ready(2)
    assert run.told[-1] == Event("room", count=2)


def test_an_actor_that_is_restarted_is_idle_once_it_is_ready() -> None:
    run = two_ready()
    run.workers.give(Assignment(7))
    run.workers.ask_for_frames()
    run.end(0, "frames", RayError())  # which may be heard before that of the piece
    assert run.told[0] == Event("lost", 7, by="host, process 0")
    run.workers.grow()
    assert len(run.ray.actors) == 2
    run.ready(0)
    assert run.told[-1] == Event("room", count=2)


def test_frames_are_asked_for_once_at_a_time() -> None:
    run = two_ready()
    run.workers.give(Assignment(7))
    run.workers.ask_for_frames()
    run.workers.ask_for_frames()
    assert len(run.ray.actors[0].asked["frames"]) == 1
    run.end(0, "frames", Event("frames", 7, 3))
    assert run.told == [Event("frames", 7, 3)]


def test_a_piece_for_which_nobody_is_idle_any_more_is_given_back() -> None:
    run = Run(FakeRay({"CPU": 4.0}))
    run.workers.give(Assignment(7))
    assert run.told == [Event("held", 7)]


def test_gpus_have_an_actor_each_and_no_more_than_there_are_pieces() -> None:
    ray = FakeRay({"CPU": 32.0, "GPU": 4.0}, {"CPU": 64.0})
    Run(ray, most=3)
    assert len(ray.actors) == 3
    assert {(each["num_cpus"], each["num_gpus"]) for each in ray.wishes} == {(4, 1)}


def test_a_worker_without_vidsr_ends_the_run() -> None:
    run = Run(FakeRay({"CPU": 4.0}))
    run.end(0, "ready", ActorDiedError("ModuleNotFoundError: No module named 'vidsr'"))
    assert run.told[0].kind == "broken"
    assert "No module named 'vidsr'" in run.told[0].message
    assert "every node" in run.told[0].hint


def test_versions_that_differ_are_named() -> None:
    order = DriverOrder("ray://head:10001", "/job", "cpu", 1, None)
    said = "Version mismatch: The cluster was started with:\n    Ray: 2.40.0\n    Python: 3.12.1"
    message, hint = explained(order, RuntimeError(said))
    assert "Ray: 2.40.0 Python: 3.12.1" in message
    assert "same Ray" in hint
