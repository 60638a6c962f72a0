"""How the benchmarks measure: interleaved rounds, medians, bytes kept and peak bytes."""

import statistics
import time
from collections.abc import Callable, Mapping

import torch
from torch.profiler import ProfilerActivity, profile


def interleaved_times(steps: Mapping[str, Callable[[], object]], rounds: int, device: str) -> dict[str, list[float]]:
    """Seconds of each step in each round; all steps run in each round, so that drift of the machine affects all."""
    for step in steps.values():  # a warm-up
        step()
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            _synchronize(device)
            start = time.perf_counter()
            step()
            _synchronize(device)
            times[name].append(time.perf_counter() - start)
    return times


def median_ratio(times: Mapping[str, list[float]], slow: str, fast: str) -> float:
    """Median over the rounds of how many times longer `slow` took than `fast` in the same round."""
    return statistics.median(a / b for a, b in zip(times[slow], times[fast], strict=True))


def saved_bytes(forward: Callable[[], object], owned: list[torch.Tensor]) -> int:
    """Bytes that autograd keeps for backward, excluding the storages of `owned` (inputs and parameters)."""
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        out = forward()  # noqa: F841  kept alive, and with it the graph, so that no address comes twice
    return sum(size for address, size in kept.items() if address not in {_address(t) for t in owned})


def peak_bytes(step: Callable[[], object], device: str) -> int:
    """The most bytes allocated at once during `step`, above what was allocated before."""
    if device == 'cuda':
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step()
        return torch.cuda.max_memory_allocated() - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as run:
        step()
    changes = [e for e in run.profiler.kineto_results.events() if e.name() == '[memory]']
    allocated = peak = 0
    for event in sorted(changes, key=lambda e: e.start_ns()):
        allocated += event.nbytes()
        peak = max(peak, allocated)
    return peak


def _address(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _synchronize(device: str) -> None:
    if device == 'cuda':
        torch.cuda.synchronize()
