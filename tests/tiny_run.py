"""Settings that shrink a Birdlets config to a run of seconds."""

from pathlib import Path

IMAGES = {'num_classes': 6, 'train_per_class': 4, 'test_per_class': 2, 'image_size': 64}


def tiny_options(data_root: Path, epochs: int = 2) -> list[str]:
    """`KEY=VALUE` for `--cfg-options` of `*_birdlets64`: 24 training and 12 test images, 3 iterations an epoch."""
    values: dict[str, object] = {
        'model.head.num_classes': 6,
        'data_preprocessor.num_classes': 6,
        'default_hooks.logger.interval': 1,
        'default_hooks.checkpoint.interval': 1,
        'train_cfg.max_epochs': epochs,
        'train_cfg.val_interval': 1,
        'train_dataloader.batch_size': 8,
    }
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        values[f'{loader}.num_workers'] = 0
        values[f'{loader}.persistent_workers'] = False
        values[f'{loader}.dataset.data_root'] = data_root
        values |= {f'{loader}.dataset.{key}': value for key, value in IMAGES.items()}
    return [f'{key}={value}' for key, value in values.items()]
