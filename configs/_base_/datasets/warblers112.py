"""The 25 warblers of CUB-200-2011 at 112: classes 158 to 182, in a folder with CUB's layout and numbered from 1."""

from mmengine.config import read_base

with read_base():
    from ..pipelines.crop112 import *
    from .cub import *

data_preprocessor.update(num_classes=25)
warblers = dict(
    data_root='data/cub_warblers',
    metainfo=dict(
        classes=(
            'Bay_breasted_Warbler', 'Black_and_white_Warbler', 'Black_throated_Blue_Warbler', 'Blue_winged_Warbler',
            'Canada_Warbler', 'Cape_May_Warbler', 'Cerulean_Warbler', 'Chestnut_sided_Warbler',
            'Golden_winged_Warbler', 'Hooded_Warbler', 'Kentucky_Warbler', 'Magnolia_Warbler', 'Mourning_Warbler',
            'Myrtle_Warbler', 'Nashville_Warbler', 'Orange_crowned_Warbler', 'Palm_Warbler', 'Pine_Warbler',
            'Prairie_Warbler', 'Prothonotary_Warbler', 'Swainson_Warbler', 'Tennessee_Warbler', 'Wilson_Warbler',
            'Worm_eating_Warbler', 'Yellow_Warbler',
        )
    ),
)  # fmt: skip
train_dataloader.update(dataset=dict(pipeline=train_pipeline, **warblers))
val_dataloader.update(dataset=dict(pipeline=test_pipeline, **warblers))
test_dataloader = val_dataloader
