"""A process that has imported Snakemake, and forks for every run of it.

Importing Snakemake takes longer than most dry runs, and the tests need about a hundred of them.
Nothing of ours is imported here: each run uses the library of its own checkout.
"""

import json
import os
import sys
import traceback
from typing import Any, NoReturn

# Snakemake imports its executor plugins, and with them pandas and sqlalchemy, in its scheduler.
import snakemake.scheduling.job_scheduler  # noqa: F401
from snakemake.cli import main


def serve() -> None:
    """For each request, a line of JSON, write the exit status of a run in a forked process."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def run(request: dict[str, Any]) -> NoReturn:
    """Run Snakemake in a folder, with its output in a file, and end this process."""
    status = 1
    try:
        os.chdir(request["directory"])
        output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.argv = ["snakemake", *request["options"]]
        main(request["options"])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    serve()
