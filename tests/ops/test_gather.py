"""What two processes get and are told; the gradients are those of `test_distributed.py`."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from tiny_run import run_ranks

from lcv_mm.errors import ConfigError
from lcv_mm.ops import gather_rows

RANKS = 2
ROWS = torch.randn(6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def of_a_rank(rank: int, init_file: str, folder: Path) -> None:
    torch.set_num_threads(1)
    dist.init_process_group('gloo', init_method=init_file, rank=rank, world_size=RANKS)
    mine = ROWS.chunk(RANKS)[rank]
    found: dict[str, Any] = {
        str(dtype): gather_rows(mine.to(dtype)) for dtype in (torch.bfloat16, torch.float16, torch.int64)
    }
    found['rows'] = gather_rows(mine.T.contiguous().T)
    for name, uneven in (('rows_error', mine[rank:]), ('values_error', mine[:, rank:])):
        with pytest.raises(ConfigError, match='need equally many') as error:
            gather_rows(uneven)
        found[name] = str(error.value)
    torch.save(found, folder / f'{rank}.pth')
    dist.destroy_process_group()


@pytest.fixture(scope='module')
def ranks(tmp_path_factory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp('ranks')
    run_ranks(of_a_rank, f'file://{folder}/init', folder)
    return [torch.load(folder / f'{rank}.pth') for rank in range(RANKS)]


def test_every_rank_has_the_rows_of_all_in_the_order_of_the_ranks(ranks):
    for rank in ranks:
        assert torch.equal(rank['rows'], ROWS)
        for dtype in (torch.bfloat16, torch.float16, torch.int64):
            assert torch.equal(rank[str(dtype)], ROWS.to(dtype))


def test_uneven_batches_are_an_error_on_every_rank_that_says_what_to_do(ranks):
    for rank in ranks:
        assert 'have [3, 2] images' in rank['rows_error']
        assert 'round_up=True' in rank['rows_error']
        assert 'images have [5, 4] values' in rank['values_error']
        assert "space='pooled'" in rank['values_error']


def test_without_a_group_or_in_one_of_one_process_the_rows_are_returned_as_they_are(tmp_path):
    assert gather_rows(ROWS) is ROWS
    dist.init_process_group('gloo', init_method=f'file://{tmp_path}/init', rank=0, world_size=1)
    try:
        assert gather_rows(ROWS) is ROWS
    finally:
        dist.destroy_process_group()
