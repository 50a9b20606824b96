"""What ``hpo submit`` prints: what is packed, the commands to type next, and the object of ``--json``."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from hpo.config.packing import mebibytes
from hpo.records.wording import shown

if TYPE_CHECKING:
    from hpo.config.submission import Submission
    from hpo.runners.ray_jobs import Job

_MOST = 12  # files that are listed by name
SIGNALLED = 128  # a process that a signal ended has this and the signal's number as its exit code
_COPIES = {"s3": "aws s3 cp --recursive {0} {1}", "gs": "gcloud storage cp --recursive {0} {1}"}


def print_packed(submission: Submission, variables: str, out: TextIO, *, installs: bool) -> None:
    """What goes to the cluster, and that nothing else does."""
    package = submission.package
    print(f"packed: {len(package.files)} files, {mebibytes(package.size)}; nothing else goes along", file=out)
    for each in package.files[:_MOST]:
        print(f"  {shown(each.name)}  {mebibytes(each.size)}", file=out)
    if len(package.files) > _MOST:
        print(f"  … and {len(package.files) - _MOST} more", file=out)
    if installs:
        print("  hpo itself, in the version installed here", file=out)
    if variables:
        print(f"variables: {variables}", file=out)


def sealed_in_words(given: Iterable[str], handed: Mapping[str, str]) -> str:
    """Which variables travel sealed, and which cannot."""
    sealed = [name for name in given if name not in handed]
    plain = [name for name in given if name in handed]
    parts = [f"{', '.join(sealed)}, sealed with the cluster's token"] if sealed else []
    if plain:
        parts.append(f"{', '.join(plain)}, not sealed: needed before Python begins")
    return "; ".join(parts)


def unsealed_in_words(names: Sequence[str]) -> str:
    """That nothing can be sealed."""
    if not names:
        return ""
    return f"{', '.join(names)}, not sealed: this cluster uses no token, and Ray writes their values to its logs"


def print_commands(submission: Submission, job: str, address: str, out: TextIO) -> None:
    """The exact commands to follow, to stop, to look, to fetch."""
    print(f"\nsubmitted {job} to {address}; results go to {shown(submission.folder)}\n", file=out)
    for title, command in commands(submission, job, address).items():
        print(f"  {title + ':':<11}{command}", file=out)
    print(f"  {'resume:':<11}the same command again, once it has ended\n", file=out, flush=True)


def commands(submission: Submission, job: str, address: str) -> dict[str, str]:
    """What to type next, by purpose."""
    return {
        "follow": follow_command(job, address),
        "stop": stop_command(job, address),
        "dashboard": f"{address}/#/jobs/{job}",
        "fetch": fetch_command(submission),
    }


def follow_command(job: str, address: str) -> str:
    """Prints the job's output until it ends."""
    return f"ray job logs --follow --address {address} {job}"


def stop_command(job: str, address: str) -> str:
    """Ends the job; the study can be resumed."""
    return f"ray job stop --address {address} {job}"


def fetch_command(submission: Submission) -> str:
    """Copies the run folder here."""
    scheme, separator, _ = submission.folder.partition("://")
    quoted, here = _quoted(submission.folder), shlex.quote(f"runs/{submission.study}")
    if separator and scheme in _COPIES:
        return _COPIES[scheme].format(quoted, here)
    if separator:
        copy = "import fsspec, sys; fsspec.url_to_fs(sys.argv[1])[0].get(sys.argv[1], 'runs/', recursive=True)"
        return f"python -c {shlex.quote(copy)} {quoted}"
    return f"mkdir -p runs && cp -r {quoted} runs/    # where that storage is mounted; else scp -r HEAD:{quoted} runs/"


def _quoted(text: str) -> str:
    return f'"{text}"' if "${" in text else shlex.quote(text)


def exit_code_of(job: Job) -> int:
    """The study's exit code; 0 for a job that still runs."""
    from hpo.runners.ray_jobs import exit_code

    return exit_code(job) if job.ended else 0


def ended_in_words(job: Job) -> str:
    """How the job ended; where a signal ended it, that nothing is lost."""
    code = exit_code_of(job)
    if code <= SIGNALLED:
        return f"job {job.id}: {job.status.lower()}"
    how = "stopped" if job.status == "STOPPED" else f"ended by signal {code - SIGNALLED}"
    return f"job {job.id}: {how}; the same command goes on where the study stands"


def as_json(submission: Submission, job: Job, address: str, code: int) -> dict[str, Any]:
    """The object of ``--json``."""
    return {
        "study": submission.study,
        "job": job.id,
        "address": address,
        "status": job.status.lower(),
        "exit_code": code if job.ended else None,
        "run_folder": submission.folder,
        "packed": [{"name": each.name, "bytes": each.size} for each in submission.package.files],
        "commands": commands(submission, job.id, address),
    }
