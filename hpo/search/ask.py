"""Which configuration comes next: the default, the known ones, a few random draws, then the sampler."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpo import seeds
from hpo.config.models import StudyConfig
from hpo.records.record import Record
from hpo.search.fit import MemoryFilter
from hpo.search.mirror import Mirror
from hpo.search.samplers import STARTUP_TRIALS, SamplerName, sampler_for
from hpo.space import SearchSpace

REDRAWS = 100  # duplicates or misfits in a row after which the space counts as exhausted
_OWN_REDRAWS = 10  # of these the sampler's own; a model that insists on one point is then left for random draws


@dataclass(frozen=True)
class Proposal:
    """A configuration to try: as Optuna holds it, its absolute values, and where it came from."""

    number: int
    params: Mapping[str, Any]
    settings: Mapping[str, Any]
    source: str
    fits: bool = True


class Asker:
    """Proposes configurations; a pure function of the study file and the records it has been shown."""

    def __init__(self, config: StudyConfig, space: SearchSpace, warm: Sequence[Mapping[str, Any]] = ()) -> None:
        self._config = config
        self._space = space
        self._warm = warm
        self._queue = self._first(config)
        self._keys: set[Hashable] = set()
        self._shown: dict[int, Record] = {}
        self._grid = space.grid() if config.sampler.name == "grid" else None
        self._mirror = self._new_mirror(memory=False)
        self.filter = MemoryFilter(config.training.model_dump())

    def show(self, record: Record) -> None:
        """Let a trial be seen: as running, then once more as told; shown again unchanged, nothing happens."""
        if record.number in self._shown and self._shown[record.number].told == record.told:
            return
        self._keys.add(self._space.key(record.params))
        self._shown[record.number] = record
        if record.told:
            self.filter.learn(record)
        if record.told and record.constraints and record.constraints[-1] > 0 and not self._mirror.memory:
            self._mirror = self._new_mirror(memory=True)
            for earlier in self._shown.values():
                self._mirror.show(earlier)
        else:
            self._mirror.show(record)

    def propose(self, number: int) -> Proposal | None:
        """The configuration of trial ``number``; None where the space is exhausted."""
        if number < len(self._queue):
            source, raw = self._queue[number]
            settings = self._space.settings(raw)
            return Proposal(number, raw, settings, source, self.filter.fits(settings))
        if self._grid is not None:
            return self._next_of_grid(number)
        return self._draw(number)

    def _first(self, config: StudyConfig) -> list[tuple[str, dict[str, Any]]]:
        """The default and the known configurations, each once."""
        wanted = [("default", self._space.default()), *(("known", self._space.encode(k)) for k in config.known)]
        unique = {self._space.key(raw): (source, raw) for source, raw in reversed(wanted)}
        return [unique[key] for key in dict.fromkeys(self._space.key(raw) for _, raw in wanted)]

    def _new_mirror(self, *, memory: bool) -> Mirror:
        mirror = Mirror(
            self._space,
            self._config.objectives,
            sees_pruned=self._config.sampler.name != "gp",
            memory=memory,
        )
        mirror.show_earlier(self._warm)
        return mirror

    def _next_of_grid(self, number: int) -> Proposal | None:
        assert self._grid is not None
        for raw in self._grid:
            settings = self._space.settings(raw)
            if self._space.key(raw) not in self._keys and self.filter.fits(settings):
                return Proposal(number, raw, settings, "grid")
        return None

    def _draw(self, number: int) -> Proposal | None:
        random_until = len(self._queue) + (STARTUP_TRIALS if len(self._warm) < STARTUP_TRIALS else 0)
        name: SamplerName = "random" if number < random_until else self._config.sampler.name
        for redraw in range(REDRAWS):
            seed = seeds.derive(self._config.sampler.seed, number, f"sample/{redraw}")
            drawer: SamplerName = name if redraw < _OWN_REDRAWS else "random"
            raw = self._mirror.draw(sampler_for(drawer, self._space, seed))
            settings = self._space.settings(raw)
            if self._space.key(raw) not in self._keys and self.filter.fits(settings):
                return Proposal(number, raw, settings, "startup" if number < random_until else drawer)
        return None
