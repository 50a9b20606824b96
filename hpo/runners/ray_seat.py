"""One place to train at: an actor, or several in a placement group for one trial, as the driver sees them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from hpo.objective import Trial
from hpo.runners.desk import Command
from hpo.runners.protocol import Checkpointed, Message, Reported, Started
from hpo.runners.ray_actor import RayFollower, RayWorker
from hpo.runners.ray_cluster import Demand, imported

POLL_SECONDS = 20.0  # a worker without news answers so often that it has none
_SIGNS = {
    "its node has died": "its machine is gone",
    "memory monitor": "its machine ran low on memory, and Ray ended its process",
    "running low on memory": "its machine ran low on memory, and Ray ended its process",
    "connection error code 2": "its process was killed or crashed",
}
_GROUPS = {"commands": 1, "news": 1}  # a thread each: commands in their order, and one that waits for news


@dataclass
class Seat:
    """The actors of one worker, what they are doing, and when they were last heard of."""

    name: str
    actors: list[Any]  # the first trains and tells, the others train in step with it
    group: Any = None  # placement group of several
    news: Any = None  # the outstanding call for news
    placed: bool = False  # its process is there
    ready: bool = False  # its session is open
    trial: Trial | None = None
    heard: float = 0.0  # seconds, monotonic clock
    saved: float = 0.0  # the same, of the last checkpoint or the start
    longest: float = 0.0  # the longest silence of a trial so far, seconds
    process: int = 0
    watched: list[Any] = field(default_factory=list)  # calls of the other actors that return only when they end

    def listen(self) -> None:
        """Ask for the next news."""
        self.news = self.actors[0].take.options(concurrency_group="news").remote(POLL_SECONDS)

    def put(self, command: Command) -> None:
        """Send a command."""
        self.actors[0].put.options(concurrency_group="commands").remote(command)

    def begin(self, trial: Trial) -> None:
        """Note that a trial has been sent here."""
        self.trial = trial
        self.heard = self.saved = time.monotonic()

    def hear(self, message: Message) -> None:
        """Note when the trial was heard of."""
        now = time.monotonic()
        if isinstance(message, Reported | Checkpointed):
            self.longest = max(self.longest, now - self.heard)
        if isinstance(message, Started | Checkpointed):
            self.saved = now
        self.heard = now

    def refs(self) -> Iterator[Any]:
        """The calls whose return is news, or the death of an actor."""
        yield self.news
        yield from self.watched

    def end(self) -> None:
        """Kill the actors; what they were doing is lost."""
        ray = imported()
        for actor in self.actors:
            ray.kill(actor)
        if self.group is not None:
            ray.util.remove_placement_group(self.group)


def seat(name: str, opening: Any, demand: Demand) -> Seat:
    """Start the actors of a worker; they come up when the cluster has room.

    Args:
        name: of the worker.
        opening: reference of the Opening in Ray's object store.
        demand: what each process takes.
    """
    if demand.processes > 1:
        return _several(name, opening, demand)
    taken = Seat(name, [_actor(demand).remote(name, opening)])
    taken.listen()
    return taken


def _actor(demand: Demand, **options: Any) -> Any:
    kind = imported().remote(concurrency_groups=_GROUPS)(RayWorker)
    return kind.options(**{**demand.options, "max_restarts": 0, "max_task_retries": 0, **options})


def _several(name: str, opening: Any, demand: Demand) -> Seat:
    """A worker of several processes: a placement group, so that they start together or not at all."""
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    ray = imported()
    labels = [dict(demand.labels)] * demand.processes if demand.labels else None
    group = ray.util.placement_group([demand.bundle] * demand.processes, bundle_label_selector=labels)
    placed = [PlacementGroupSchedulingStrategy(group, place) for place in range(demand.processes)]
    alone = replace(demand, labels={})  # the group has chosen the machines
    first = _actor(alone, scheduling_strategy=placed[0]).remote(name, opening)
    meeting = first.meeting.options(concurrency_group="commands").remote()
    kind = ray.remote(RayFollower)
    others = [
        kind.options(**alone.options, scheduling_strategy=placed[rank]).remote(opening, rank, meeting)
        for rank in range(1, demand.processes)
    ]
    taken = Seat(name, [first, *others], group, watched=[other.follow.remote() for other in others])
    taken.listen()
    return taken


def cause(error: Exception) -> tuple[Literal["died", "preempted"], str]:
    """Why an actor died, and a sentence for people; Ray says it in a text only."""
    text = str(error)
    if getattr(error, "preempted", False):
        return "preempted", "its machine was taken away"
    for sign, meaning in _SIGNS.items():
        if sign in text:
            return "died", meaning
    if (raised := getattr(error, "cause", None)) is not None:
        return "died", f"{type(raised).__name__}: {raised}"
    detail = text.partition("Worker exit detail: ")[2] or text
    return "died", f"its process ended: {detail.strip().splitlines()[0].partition('. ')[0]}"
