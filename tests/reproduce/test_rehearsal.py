"""The rehearsal in docs/rehearsal/: its report is what its records give."""

import tarfile
from pathlib import Path

from lcv_mm.reproduce.report import write_report

FOLDER = Path(__file__).parents[2] / 'docs/rehearsal'


def test_the_report_in_the_docs_is_that_of_the_records_beside_it(tmp_path):
    with tarfile.open(FOLDER / 'runs.tar.xz') as archive:
        archive.extractall(tmp_path, filter='data')
    assert (FOLDER / 'report.md').read_text() == write_report(tmp_path)[1].read_text(), (
        'write it anew: see docs/rehearsal/README.md'
    )
