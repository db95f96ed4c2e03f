"""Stands between `kfp.local` and the Python of a step; run as a script, it needs only the standard library.

`kfp.local` starts a step as `sh -c "python3 ..."` and gives neither its process id nor its exit code. So
`pipelines.local.kfp_local_env` makes `python3` lead here, and this process
  - leaves the terminal's process group, so that Ctrl-C reaches only the runner, which forwards it;
  - starts the step, and prints its process id, and at its end its exit code and time, as JSON lines on stdout;
  - restores PATH, so that a step that runs python3 itself gets the real one.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> int:
    """Run the real Python with our own arguments and return its exit code."""
    arguments = sys.argv[1:]
    step = arguments[-1]  # ... --function_to_execute STEP
    os.environ["PATH"] = os.environ["PATH"].partition(os.pathsep)[2]
    os.setpgid(0, 0)
    began = time.monotonic()
    process = os.fork()
    if process == 0:
        os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606
    _report(launched=step, process=process)
    _, status = os.waitpid(process, 0)
    exit_code = os.waitstatus_to_exitcode(status)
    _report(ended=step, exit_code=exit_code, seconds=round(time.monotonic() - began, 3))
    return exit_code if exit_code >= 0 else 128 - exit_code


def _report(**fields: object) -> None:
    # The step may have ended in the middle of a line, so ours begins on a new one.
    os.write(1, f"\n{json.dumps(fields)}\n".encode())


if __name__ == "__main__":
    raise SystemExit(main())
