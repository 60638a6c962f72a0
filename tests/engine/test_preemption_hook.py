"""Which signals the hook answers, and until when; test_resume.py stops whole runs by them."""

import logging
import os
import signal
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from tiny_run import wait_until

from lcv_mm.engine import EXIT_TRY_AGAIN, PreemptionHook

NUMBERS = (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
RUNNER = SimpleNamespace(logger=logging.getLogger('run'), distributed=False, work_dir='', epoch=0, iter=0)


@pytest.fixture
def received() -> Iterator[list[int]]:
    """What the handler of SIGUSR1 has received that was there before the hook's."""
    numbers: list[int] = []
    before = {number: signal.getsignal(number) for number in NUMBERS}
    signal.signal(signal.SIGUSR1, lambda number, frame: numbers.append(number))
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


def test_only_the_named_signals_are_answered_and_only_while_the_run_trains(received):
    before = [signal.getsignal(number) for number in NUMBERS]
    hook = PreemptionHook(['SIGUSR1'])
    hook.before_train(RUNNER)
    assert [number for number, old in zip(NUMBERS, before, strict=True) if signal.getsignal(number) != old] == [
        signal.SIGUSR1
    ]
    hook.after_train(RUNNER)
    assert [signal.getsignal(number) for number in NUMBERS] == before


def test_a_second_signal_acts_as_without_the_hook(received):
    hook = PreemptionHook(['SIGUSR1'])
    hook.before_train(RUNNER)
    signal.raise_signal(signal.SIGUSR1)
    assert received == []
    os.kill(os.getpid(), signal.SIGUSR1)
    wait_until(lambda: received == [signal.SIGUSR1], seconds=10)
    hook.before_save_checkpoint(RUNNER, dict(optimizer={}, meta=dict(iter=1)))  # so that nothing is left to save
    with pytest.raises(SystemExit) as stopped:
        hook.after_train_iter(RUNNER, batch_idx=0)
    assert stopped.value.code == EXIT_TRY_AGAIN == 75
