"""``hpo submit study.yaml``: the same study as a job on a Ray cluster; the same command again resumes it."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from hpo.commands import INTERRUPTED
from hpo.commands.run import accepted
from hpo.commands.submit_output import (
    as_json,
    ended_in_words,
    exit_code_of,
    follow_command,
    print_commands,
    print_packed,
    sealed_in_words,
    stop_command,
    unsealed_in_words,
)
from hpo.errors import ConfigurationError

if TYPE_CHECKING:
    from hpo.config.submission import Submission, Wanted
    from hpo.runners.ray_jobs import Job, Jobs

HELP = "run a study on a Ray cluster"
LARGEST_MIB = 500  # of one package in Ray's own store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("study", metavar="study.yaml", help="the study file; `runs` in it must outlive the job")
    parser.add_argument(
        "--address", metavar="URL", help="the cluster's dashboard, http://HEAD:8265; unset: RAY_API_SERVER_ADDRESS"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a key: --set runs=/shared/runs"
    )
    parser.add_argument("--accept-data", metavar="REASON", help="go on though the rows fail a gate")
    parser.add_argument(
        "--env", action="append", default=[], metavar="NAME", help="hand a variable of this environment to the job"
    )
    parser.add_argument(
        "--cluster-env", action="append", default=[], metavar="NAME", help="a variable that the cluster itself sets"
    )
    parser.add_argument(
        "--shared", action="append", default=[], metavar="FOLDER", help="a folder that the cluster has: not packed"
    )
    parser.add_argument(
        "--include", action="append", default=[], metavar="PATH", help="one more file or folder to pack"
    )
    parser.add_argument(
        "--max-size", type=_positive, default=100, metavar="MIB", help="of all that is packed (default: 100)"
    )
    parser.add_argument("--install", action="store_true", help="send hpo along, for an image that has it not")
    parser.add_argument("--pip", type=Path, metavar="requirements.txt", help="packages to install for the job")
    parser.add_argument("--no-wait", action="store_true", help="do not follow the job")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Pack, submit, follow.

    Raises:
        HpoError: anything that is wrong, in one sentence.
    """
    from hpo.config.submission import prepare
    from hpo.runners.ray_jobs import Jobs, cluster_address

    submission = prepare(_wanted(arguments))
    jobs = Jobs(cluster_address(arguments.address))
    _check_idle(jobs, submission)
    say = sys.stderr if arguments.json else sys.stdout
    variables, told = _variables(arguments.env, jobs.address)
    print_packed(submission, told, say, installs=arguments.install)
    job = _submit(jobs, submission, variables, arguments)
    print_commands(submission, job.id, jobs.address, say)
    if not arguments.no_wait:
        job = _follow(jobs, job, say)
    code = exit_code_of(job)
    if arguments.json:
        print(json.dumps(as_json(submission, job, jobs.address, code), allow_nan=False))
    return code


def _wanted(arguments: argparse.Namespace) -> Wanted:
    from hpo.config.packing import MIB
    from hpo.config.submission import Wanted

    return Wanted(
        study=arguments.study,
        overrides=arguments.set,
        forwarded=arguments.env,
        present=arguments.cluster_env,
        shared=arguments.shared,
        include=arguments.include,
        limit=int(arguments.max_size * MIB),
    )


def _check_idle(jobs: Jobs, submission: Submission) -> None:
    """Two drivers of one study would be refused by its run folder; this is said before anything is uploaded."""
    running = [job.id for job in jobs.of_study(submission.study, submission.folder) if not job.ended]
    if running:
        raise ConfigurationError(
            f"the study {submission.study} already runs on this cluster, as the job {running[-1]}",
            where=jobs.address,
            hint=f"follow it: {follow_command(running[-1], jobs.address)}; or stop it: "
            f"{stop_command(running[-1], jobs.address)}",
        )


def _variables(names: Sequence[str], address: str) -> tuple[dict[str, str], str]:
    """What is handed to the job through Ray, and in words how; empty where there is nothing."""
    from hpo.runners.ray_sealed import seal
    from hpo.runners.ray_token import asks_for_token, token

    given = {name: os.environ[name] for name in names}
    key = token() if asks_for_token(address) else None
    if key is None:
        return given, unsealed_in_words(list(given))
    handed = seal(given, key)
    return handed, sealed_in_words(given, handed)


def _submit(jobs: Jobs, submission: Submission, variables: dict[str, str], arguments: argparse.Namespace) -> Job:
    from hpo.config.packing import write
    from hpo.config.source import own_source
    from hpo.runners.ray_jobs import Request

    options = () if accepted(arguments) is None else ("--accept-data", arguments.accept_data)
    with tempfile.TemporaryDirectory(prefix="hpo-submit-") as folder:
        archive = Path(folder) / f"{submission.study}.zip"
        write(submission.package, archive, own_source() if arguments.install else None)
        return jobs.submit(
            Request(
                command=submission.command(*options),
                package=archive,
                study=submission.study,
                folder=submission.folder,
                variables=variables,
                pip=arguments.pip,
            )
        )


def _follow(jobs: Jobs, job: Job, say: TextIO) -> Job:
    from hpo.runners.ray_jobs import why

    last: deque[str] = deque(maxlen=50)

    def write(text: str) -> None:
        last.extend(text.splitlines())
        say.write(text)
        say.flush()

    try:
        job = jobs.follow(job.id, write)
    except KeyboardInterrupt:
        print(f"\nno longer following; the job {job.id} goes on", file=sys.stderr)
        print(f"  {follow_command(job.id, jobs.address)}", file=sys.stderr)
        print(f"  {stop_command(job.id, jobs.address)}", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
    error = why(job, list(last))
    if error is not None:
        raise error
    print(ended_in_words(job), file=sys.stderr)
    return job


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= LARGEST_MIB:
        raise argparse.ArgumentTypeError(f"{text!r} is no size in MiB (up to {LARGEST_MIB}, which Ray can take)")
    return number
