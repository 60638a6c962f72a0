"""The checkpoint that a stopped run is resumed from."""

from pathlib import Path

from mmengine.config import Config
from mmengine.logging import print_log

from .load import is_intact

NOTE = 'last_checkpoint'  # MMEngine's: a file that holds the path of the last checkpoint
INTERRUPTED = 'interrupted.pth'  # saved on the way out of a run that was told to stop


def resume_from_last_good(cfg: Config) -> None:
    """Where the config says `resume` without a file, write the newest intact checkpoint of the work dir into it.

    With none the run starts at the beginning, as with MMEngine. Files that are damaged are named in a message.
    MMEngine's own `resume` trusts the file that was noted last, and ends in an error if that is damaged.
    """
    if not cfg.get('resume') or cfg.get('load_from'):
        return
    good, damaged = last_good_checkpoint(cfg.work_dir)
    if damaged:
        then = f'resuming from {good}' if good else 'there is no other: starting at the beginning'
        print_log(f'damaged checkpoints, passed over: {", ".join(map(str, damaged))}; {then}')
    cfg.resume = good is not None
    cfg.load_from = str(good) if good else None


def last_good_checkpoint(work_dir: str | Path) -> tuple[Path | None, list[Path]]:
    """The newest intact checkpoint of a run.

    The one that MMEngine noted in `last_checkpoint` comes first. If that note or its file is missing or damaged (the
    process died or the disk was full while it was written), it is the newest of the folder. Each file is read in full
    and its checksums are compared. `best_*` files hold no optimizer and can't be resumed from.

    Args:
        work_dir (str | Path): The run's folder.

    Returns:
        tuple[Path | None, list[Path]]: the checkpoint, or None, and the damaged ones that were passed over.
    """
    work_dir = Path(work_dir)
    note = work_dir / NOTE
    noted = [Path(note.read_text().strip())] if note.is_file() else []
    found = [file for pattern in ('epoch_*.pth', 'iter_*.pth', INTERRUPTED) for file in work_dir.glob(pattern)]
    found.sort(key=lambda file: file.stat().st_mtime_ns, reverse=True)
    damaged: list[Path] = []
    for file in dict.fromkeys([*noted, *found]):
        if file.is_file():
            if is_intact(file):
                return file, damaged
            damaged.append(file)
    return None, damaged
