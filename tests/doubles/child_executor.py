"""An executor that hands a run to another process as JSON, and takes the report as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from subprocess import PIPE

from tests.doubles.warm import WarmProcess
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
            with child:
                said, complaint = child.communicate()
            if child.returncode:
                raise VidsrError(complaint.decode().splitlines()[-1])
            yield Report.from_json(said.decode())

    def _begin(self, spec: JobSpec) -> WarmProcess:
        child = WarmProcess(CHILD, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        assert child.stdin is not None
        child.stdin.write(spec.to_json().encode())
        child.stdin.close()
        return child
