import subprocess
import sys

from lcv_mm.engine import EXIT_TRY_AGAIN

WITHOUT = """
import os, signal
del os.EX_TEMPFAIL
for name in ('SIGCHLD', 'SIGUSR1', 'SIGHUP', 'SIGKILL'):
    delattr(signal, name)
import lcv_mm
print(lcv_mm.engine.EXIT_TRY_AGAIN)
"""


def test_the_package_imports_where_unix_names_are_missing():
    done = subprocess.run([sys.executable, '-W', 'ignore', '-c', WITHOUT], capture_output=True, text=True)
    assert done.stdout.split()[-1:] == [str(EXIT_TRY_AGAIN)] == ['75'], done.stderr
