"""An executor that hands a run to another process as JSON, and takes the report as JSON."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator

from vidsr.errors import VidsrError
from vidsr.run.report import Report
from vidsr.run.spec import JobSpec

CHILD = """
import sys
from vidsr.errors import VidsrError
from vidsr.run.executor import LocalExecutor
from vidsr.run.spec import JobSpec
try:
    print(LocalExecutor().run(JobSpec.from_json(sys.stdin.read())).to_json())
except VidsrError as error:
    sys.exit(str(error))
"""


class ChildExecutor:
    """Runs every spec in a process of its own, all at once."""

    def run(self, spec: JobSpec) -> Report:
        return next(self.map([spec]))

    def map(self, specs: Iterable[JobSpec]) -> Iterator[Report]:
        children = [self._begin(spec) for spec in specs]
        for child in children:
            said, complaint = child.communicate(timeout=300)
            if child.returncode:
                raise VidsrError(complaint.splitlines()[-1])
            yield Report.from_json(said)

    def _begin(self, spec: JobSpec) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stdin is not None
        child.stdin.write(spec.to_json())
        child.stdin.close()
        child.stdin = None  # communicate() else flushes what is closed
        return child
