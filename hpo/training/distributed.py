"""One trial trained by several processes: how they add up their gradients, stay in step and end together."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from hpo.errors import ConfigurationError, ObjectiveError, TrialFailure, first_line
from hpo.objective import Resources, Session
from hpo.training.batches import Positions, Schedule
from hpo.training.device import out_of_memory
from hpo.training.world import ProcessLost, World

if TYPE_CHECKING:
    import torch

MEETING = timedelta(minutes=30)  # until all have come: one may still be fetching the model
ANSWER = timedelta(minutes=5)  # of the others in a step, all of which do the same work
IDLE = timedelta(days=30)  # between two words of the first process; its death is noticed at once
_BUCKET = 8_000_000  # values added up at a time where the gradients are many tensors

_Result = TypeVar("_Result")


class Joined(World):
    """Several processes, each with a device of its own: gloo between CPUs and for words, NCCL between GPUs.

    Args:
        resources: which process this is, of how many; MASTER_ADDR and MASTER_PORT say where they meet.

    Raises:
        ConfigurationError: the environment does not say where to meet.
        ProcessLost: not all have come in time.
    """

    def __init__(self, resources: Resources) -> None:
        import torch

        distributed: Any = torch.distributed
        self.rank, self.size = resources.process, resources.processes
        self._torch, self._distributed = torch, distributed
        self._lost = False
        place = _meeting()
        _talk_where(place[0])
        with self._talking("did not come"):
            self._store = distributed.TCPStore(*place, self.size, is_master=self.rank == 0, timeout=MEETING)
            distributed.init_process_group(
                "gloo", store=self._store, rank=self.rank, world_size=self.size, timeout=ANSWER
            )
            self._words = distributed.group.WORLD
            self._patient = distributed.new_group(backend="gloo", timeout=IDLE)
            cuda = torch.cuda.is_available()
            self._values = distributed.new_group(backend="nccl", timeout=ANSWER) if cuda else self._words

    def agree(self, value: _Result) -> _Result:
        """See World."""
        said = [value]
        with self._talking():
            self._distributed.broadcast_object_list(said, src=0, group=self._patient)
        return said[0]

    def together(self, work: Callable[[], _Result]) -> _Result:
        """See World."""
        result, own = None, None
        try:
            result = work()
        except ProcessLost:
            raise
        except Exception as error:
            own = error
        failure = self._failure(own)
        if failure is None:
            return result  # type: ignore[return-value]
        if own is not None and self.rank == 0:
            raise own
        raise failure

    def _failure(self, own: Exception | None) -> TrialFailure | None:
        """The failure of the first process that has one."""
        failed = self._torch.tensor([own is not None], dtype=self._torch.int32)
        with self._talking():
            self._distributed.all_reduce(failed, group=self._words)
            if not int(failed):
                return None
            told: list[Any] = [None] * self.size
            self._distributed.all_gather_object(told, _reason(own), group=self._words)
        rank = next(rank for rank, found in enumerate(told) if found is not None)
        reason, message = told[rank]
        return TrialFailure(reason, message if rank == 0 else f"{message} (process {rank} of {self.size})")

    def share(self, batch: Positions, schedule: Schedule) -> Positions:
        """See World. Rows are dealt out by length, so that all have about as many tokens."""
        return batch[np.argsort(schedule.lengths[batch], kind="stable")][self.rank :: self.size]

    def seed(self, schedule: Schedule, step: int) -> None:
        """See World: a function of the trial's seed, the process and the step, so no random state need be kept."""
        self._torch.manual_seed(mask_seed(schedule.seed, self.rank, step))

    def add(self, gradients: Sequence[torch.Tensor]) -> None:
        """See World. The same bits in all processes."""
        for bucket in _buckets(gradients):
            whole = bucket[0] if len(bucket) == 1 else self._torch.cat([each.reshape(-1) for each in bucket])
            with self._talking():
                self._distributed.all_reduce(whole, group=self._values)
            if len(bucket) > 1:
                parts = whole.split([each.numel() for each in bucket])
                for each, part in zip(bucket, parts, strict=True):
                    each.copy_(part.view_as(each))

    def total(self, number: torch.Tensor) -> torch.Tensor:
        """See World."""
        summed = number.clone()
        with self._talking():
            self._distributed.all_reduce(summed, group=self._values)
        return summed

    def largest(self, number: int) -> int:
        """See World."""
        found = self._torch.tensor([number], dtype=self._torch.int64)
        with self._talking():
            self._distributed.all_reduce(found, op=self._distributed.ReduceOp.MAX, group=self._words)
        return int(found)

    def copy(self, tensors: Sequence[torch.Tensor]) -> None:
        """See World."""
        with self._talking(), self._torch.no_grad():
            for tensor in tensors:
                group = self._words if tensor.device.type == "cpu" else self._values
                self._distributed.broadcast(tensor.detach(), src=0, group=group)

    def handed(self, state: Any, device: torch.device) -> Any:
        """See World. No file need be where the others run."""
        tensors: list[torch.Tensor] = []

        def leave_out(value: Any) -> Any:
            if not isinstance(value, self._torch.Tensor):
                return value
            tensors.append(value.contiguous())
            return _Form(tuple(value.shape), value.dtype)

        def make_room(value: Any) -> Any:
            if not isinstance(value, _Form):
                return value
            tensors.append(self._torch.empty(value.shape, dtype=value.dtype, device=device))
            return tensors[-1]

        forms = self.agree(_mapped(state, leave_out))
        found = state if self.rank == 0 else _mapped(forms, make_room)
        self.copy(tensors)
        return found

    def close(self) -> None:
        """See World."""
        if self._lost:
            return
        self._lost = True
        with contextlib.suppress(RuntimeError):  # they may be gone already
            if self.rank == 0:
                self._distributed.broadcast_object_list([None], src=0, group=self._patient)
            self._distributed.destroy_process_group()

    @contextlib.contextmanager
    def _talking(self, fault: str = "is gone") -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            self._lost = True
            message = f"another of the {self.size} processes of the trial {fault}: {first_line(error)}"
            raise ProcessLost(message) from error


def join(resources: Resources) -> World:
    """Meet the other processes of this worker's trials; returns when all are there.

    Raises:
        ConfigurationError: the environment does not say where to meet.
        ProcessLost: not all have come in time.
    """
    return World() if resources.processes == 1 else Joined(resources)


def follow(session: Session) -> None:
    """Train what the first process trains, in step with it, until it closes its session; closes ``session`` then.

    Raises:
        ObjectiveError: the objective cannot be trained by several processes.
        ProcessLost: another process has died.
    """
    take_part = getattr(session, "follow", None)
    if take_part is None:
        raise alone("this objective")
    take_part()


def mask_seed(seed: int, rank: int, step: int) -> int:
    """What process ``rank`` draws the dropout masks of a step from, 0 to 2**64 - 1."""
    return int(np.random.SeedSequence((seed, rank, step)).generate_state(1, np.uint64)[0])


def alone(name: str) -> ObjectiveError:
    """The error for an objective that one process must train."""
    return ObjectiveError(
        f"{name} cannot be trained by several processes",
        where="runner.processes_per_trial",
        hint="processes_per_trial: 1, and gpus_per_trial at most 1; only lora and full_finetune divide their batches",
    )


@dataclass(frozen=True)
class _Form:
    """What stands for a tensor in words."""

    shape: tuple[int, ...]
    dtype: Any


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {name: _mapped(each, change) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_mapped(each, change) for each in value)
    return change(value)


def _buckets(tensors: Sequence[torch.Tensor]) -> Iterator[list[torch.Tensor]]:
    """Tensors of one type together, up to about 8 million values."""
    bucket: list[torch.Tensor] = []
    for tensor in tensors:
        full = sum(each.numel() for each in bucket) + tensor.numel() > _BUCKET
        if bucket and (full or bucket[0].dtype != tensor.dtype):
            yield bucket
            bucket = []
        bucket.append(tensor)
    if bucket:
        yield bucket


def _reason(error: Exception | None) -> tuple[str, str] | None:
    if error is None:
        return None
    if isinstance(error, TrialFailure):
        return error.reason, str(error.args[0])
    return ("out_of_memory" if out_of_memory(error) else "exception"), f"{type(error).__name__}: {first_line(error)}"


def _meeting() -> tuple[str, int]:
    host, port = os.environ.get("MASTER_ADDR", ""), os.environ.get("MASTER_PORT", "")
    if not host or not port.isdigit():
        raise ConfigurationError(
            "a trial of several processes needs a place for them to meet",
            where="MASTER_ADDR, MASTER_PORT",
            hint="set both in each process's environment to the first process's address and a free port of it",
        )
    return host, int(port)


def _talk_where(first: str) -> None:
    """Let gloo use the network that leads to the first process: it takes the one of the host's name, often loopback."""
    if "GLOO_SOCKET_IFNAME" in os.environ:
        return
    with contextlib.suppress(OSError, ImportError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((first, 9))  # sends nothing; the system chooses the address to send from
        own = probe.getsockname()[0]
        for _, name in socket.if_nameindex():
            if _address(probe, name) == own:
                os.environ["GLOO_SOCKET_IFNAME"] = name
                return


def _address(probe: socket.socket, interface: str) -> str:
    """An interface's IPv4 address, by SIOCGIFADDR (netdevice(7)); empty where it has none."""
    import fcntl

    asked = struct.pack("256s", interface.encode()[:15])
    try:
        return socket.inet_ntoa(fcntl.ioctl(probe.fileno(), 0x8915, asked)[20:24])
    except OSError:
        return ""
