"""The Ray runner: long-lived actors on Ray Core, as many as the cluster takes; a dead one costs its last minutes."""

from __future__ import annotations

import itertools
import sys
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Literal

from hpo.errors import ConfigurationError, ObjectiveError
from hpo.objective import Footprint, Trial
from hpo.runners.desk import Admit, Answer, Broken, Evict, News, Opened, Placed, Question, Refused, Terminated
from hpo.runners.protocol import Ended, Lost, Message, Reference
from hpo.runners.ray_actor import Opening
from hpo.runners.ray_cluster import Cluster, Demand, imported
from hpo.runners.ray_seat import Seat, cause, seat

SHORTEST_STALL = 1800.0  # seconds of silence that are never taken for a hanging worker, where nothing else is said
STALL_FACTOR = 10  # times the longest silence seen so far
LOOK_SECONDS = 3.0  # from one look at the cluster's size to the next
OPENING_FAILURES = 3  # workers in a row that died before they were open
WAITING_SECONDS = 10.0  # from one word about a wait for the first machine to the next


class RayRunner:
    """See hpo.runners.protocol.Runner.

    Args:
        cluster: a connection, which the runner closes.
        opening: what each worker is opened with.
        demand: what each process of a worker takes.
    """

    def __init__(self, cluster: Cluster, opening: Opening, demand: Demand) -> None:
        self._cluster, self._demand = cluster, demand
        self._config = opening.config
        self._opening = imported().put(opening)
        self._seats: list[Seat] = []
        self._names = (f"w{count}" for count in itertools.count(1))
        self._waiting: deque[Trial] = deque()
        self._out: deque[Message] = deque()
        self._answers: deque[Any] = deque()
        self._longest = 0.0  # longest silence of a trial so far, seconds
        self._looked = 0.0
        self._failures = 0  # workers in a row that died before they were open
        self._resize()
        if not self._seats and cluster.own:
            self.close()
            raise ConfigurationError(
                f"this machine cannot hold a trial, which takes {demand}",
                where="runner",
                hint="ask for less, or name a cluster in runner.address",
            )
        try:
            self._wait()  # what cannot be opened is told before anything is written
        except BaseException:
            self.close()
            raise

    @property
    def workers(self) -> int:
        """How many trials the study may have in flight at most, by what it says and what the cluster has."""
        return max(1, self._target())

    @property
    def capacity(self) -> int:
        """Workers that are open now."""
        return sum(each.ready for each in self._seats)

    def submit(self, trial: Trial) -> None:
        """Send a trial to a free worker, or let it wait for one."""
        self._waiting.append(trial)
        self._assign()

    def stop(self, number: int) -> None:
        """Ask for a trial to end."""
        waiting = next((trial for trial in self._waiting if trial.number == number), None)
        if waiting is not None:
            self._waiting.remove(waiting)
            self._out.append(Ended(number, waiting.attempt, "stopped"))
            return
        holder = next((each for each in self._seats if each.trial and each.trial.number == number), None)
        if holder is not None:
            holder.put(Evict(number))

    def messages(self, timeout: float) -> list[Message]:
        """What has happened; waits at most ``timeout`` seconds for the first.

        Raises:
            HpoError: no worker could go on: the objective or the model cannot be opened, the disk is full.
        """
        until = time.monotonic() + timeout
        while not self._out:
            self._look()
            left = until - time.monotonic()
            if left <= 0:
                break
            self._receive(min(left, 1.0))
        found = list(self._out)
        self._out.clear()
        return found

    def probe(self, params: Mapping[str, Any]) -> Footprint | None:
        """Ask the first worker that is open; waits for one."""
        found: Footprint | None = self._ask("probe", params)
        if found is not None and found.seconds is not None:
            self._longest = max(self._longest, found.seconds)
        return found

    def reference(self, name: Literal["base", "classical"]) -> Reference | None:
        """Have the first worker that is open score it."""
        found: Reference | None = self._ask("reference", name)
        return found

    def close(self, *, wait: bool = True) -> None:
        """End the workers and the connection; what they were doing goes on from its checkpoints another time."""
        for each in self._seats:
            each.end()
        self._seats.clear()
        self._cluster.close()

    # Workers

    def _target(self) -> int:
        """How many workers there should be."""
        fitting = self._cluster.workers(self._demand)
        sampler = self._config.sampler
        limits = (self._config.budget.trials, sampler.lookahead if sampler.ordered else None)
        wanted = self._config.runner.max_workers or max(fitting, 1)  # an autoscaler brings what is wanted
        most = min(wanted, fitting) if self._cluster.own else wanted
        return min([most, *(each for each in limits if each)])

    def _resize(self) -> None:
        """Start workers that are missing; end those that wait for machines that are gone."""
        target = self._target()
        for each in [each for each in self._seats if not each.ready][: max(0, len(self._seats) - target)]:
            self._drop(each)
        while len(self._seats) < target:
            self._seats.append(seat(next(self._names), self._opening, self._demand))
        self._looked = time.monotonic()

    def _look(self) -> None:
        """What is done every few seconds: the cluster's size, workers that hang."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._resize()
        for each in list(self._seats):
            silent = time.monotonic() - each.heard
            if each.trial is not None and silent > self._stall_seconds():
                self._lose(each, "stalled", f"worker {each.name} has not been heard of for {silent:.0f} s")

    def _stall_seconds(self) -> float:
        given = self._config.runner.stall_seconds
        if given is not None:
            return given
        return max(SHORTEST_STALL, STALL_FACTOR * self._longest) if self._longest else float("inf")

    def _assign(self) -> None:
        for each in self._seats:
            if not self._waiting:
                return
            if each.ready and each.trial is None:
                trial = self._waiting.popleft()
                each.begin(trial)
                each.put(Admit(trial))

    def _drop(self, gone: Seat) -> None:
        self._seats.remove(gone)
        gone.end()

    def _lose(self, gone: Seat, reason: Literal["died", "stalled", "preempted"], message: str) -> None:
        """Give a worker up; its trial goes back to the driver, and another worker takes its place."""
        self._drop(gone)
        if not gone.ready:
            self._failures += 1
            if self._failures >= OPENING_FAILURES:
                raise ObjectiveError(
                    f"{OPENING_FAILURES} workers in a row died before they were open; the last: {message}",
                    where="runner",
                    hint="see Ray's logs of that worker; does the model fit into the machine's memory?",
                )
        if gone.trial is not None:
            lost = (time.monotonic() - gone.saved) * self._demand.processes
            counts = reason != "preempted"
            self._out.append(Lost(gone.trial.number, gone.trial.attempt, reason, message, counts, lost))
        self._resize()

    # News

    def _receive(self, seconds: float) -> None:
        """Take in the news of those who have some."""
        ray = imported()
        calls = {ref: each for each in self._seats for ref in each.refs()}
        if not calls:
            time.sleep(seconds)
            return
        ready, _ = ray.wait(list(calls), num_returns=1, timeout=seconds)
        if ready and len(calls) > 1:
            ready, _ = ray.wait(list(calls), num_returns=len(calls), timeout=0)
        for ref in ready:
            if calls[ref] in self._seats:
                self._hear(calls[ref], ref)
        self._assign()

    def _hear(self, each: Seat, ref: Any) -> None:
        ray = imported()
        try:
            news = ray.get(ref)
        except ray.exceptions.ActorUnavailableError:
            each.listen()  # the connection broke; the actor may be well
            return
        except ray.exceptions.RayError as error:
            self._lose(each, *cause(error))
            return
        if ref != each.news:
            self._lose(each, "died", "a process of the trial ended before the others")
            return
        each.listen()
        for item in news:
            self._take(each, item)

    def _take(self, each: Seat, news: News) -> None:
        if isinstance(news, Placed):
            each.placed = True
        elif isinstance(news, Opened):
            each.ready, each.process, self._failures = True, news.process, 0
        elif isinstance(news, Answer):
            self._answers.append(news.value)
        elif isinstance(news, Refused):
            raise news.error
        elif isinstance(news, Broken):
            self._lose(each, "died", news.message)
        elif isinstance(news, Terminated):
            self._lose(each, "preempted", "its process was asked to end")
        else:
            self._pass_on(each, news)

    def _pass_on(self, each: Seat, message: Message) -> None:
        each.hear(message)
        self._longest = max(self._longest, each.longest)
        self._out.append(message)
        if isinstance(message, Ended):
            each.trial = None
            if message.reason == "out_of_memory":  # what is left of a device's memory is in pieces
                self._drop(each)
                self._resize()

    def _wait(self) -> Seat:
        """A worker that is open; waits for the first one, and says so now and then."""
        told = time.monotonic()
        while (found := next((each for each in self._seats if each.ready), None)) is None:
            self._look()
            self._receive(1.0)
            if not any(each.placed for each in self._seats) and time.monotonic() - told > WAITING_SECONDS:
                print(f"waiting for a machine with {self._demand}", file=sys.stderr)
                told = time.monotonic()
        return found

    def _ask(self, method: str, argument: Any) -> Any:
        asked = self._wait()
        asked.put(Question(method, argument))
        while not self._answers:
            self._receive(1.0)
            if asked not in self._seats and not self._answers:
                return self._ask(method, argument)
        return self._answers.popleft()
