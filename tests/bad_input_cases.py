"""The invalid inputs of docs/bad_input.md; `bad_input.py` runs them."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS
from tiny_run import BIRDLETS

from lcv_mm.reproduce import hold_to_settings, make_specs, run_config

ROOT = Path(__file__).parents[1]
BASE = 'lcv_cbp_resnet18_birdlets'


@dataclass(frozen=True)
class Case:
    """One invalid input.

    Args:
        wrong (str): What is wrong, for the table; in all texts `{folder}` is the folder of the case.
        says (tuple[str, ...]): Parts of the message, of what this project says: what was expected, what came, what to
            do. Of an error of another library only the key, not its words.
        options (str): Settings of `--cfg-options`, separated by blanks; None: `wrong`, if it is a setting.
        code (str): Lines added to the config.
        config (str): Config file: a name of `configs/`, or a file made by `prepare`.
        tool (str): 'train', 'test', or 'reproduce', which takes no config.
        args (str): More arguments of the tool.
        prepare (Callable): Makes the files of the case in a folder of its own.
        needs_no_gpu (bool): Whether it is wrong only on a machine without a GPU.
        fix (str | Callable): What the message says to do, where that can be carried out here: `options` in place of
            the wrong ones (of the other tools `args`), or what is done to the files. The tool then must succeed.
    """

    wrong: str
    says: tuple[str, ...]
    options: str | None = None
    code: str = ''
    config: str = BASE
    tool: str = 'train'
    args: str = ''
    prepare: Callable[[Path], None] | None = None
    needs_no_gpu: bool = False
    fix: str | Callable[[Path], None] = ''


def case(wrong: str, *says: str, **more) -> Case:
    return Case(wrong, says, **more)


def write(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text) and None


def first_image(folder: Path) -> Path:
    """The first training image of the data, those of the test set come before it in its class."""
    return sorted((folder / 'birdlets/images').rglob('*.jpg'))[BIRDLETS['test_per_class']]


def damage_image(folder: Path) -> None:
    first_image(folder).write_bytes(b'\xff\xd8\xff\xe0 this is no JPEG \xff\xd9')


def cut_image(folder: Path) -> None:
    image = first_image(folder)
    image.write_bytes(image.read_bytes()[:900])


def empty_split(folder: Path) -> None:
    splits = folder / 'birdlets/train_test_split.txt'
    splits.write_text(splits.read_text().replace(' 0\n', ' 1\n'))


def label_seven(folder: Path) -> None:
    image = first_image(folder)
    (folder / 'list.txt').write_text(f'{image.name} 7\n')


class Payload:
    def __reduce__(self):
        return print, ('code of a stranger',)


def save(change: Callable[[dict, Config], dict] = lambda state, cfg: state) -> Callable[[Path], None]:
    """Save the model of the config as a run does, after a change to its content."""

    def prepare(folder: Path) -> None:
        cfg = Config.fromfile(ROOT / f'configs/{BASE}.py')
        cfg.merge_from_dict({'model.head.num_classes': 6, 'model.head.out_dim': 64})
        state = MODELS.build(cfg.model).state_dict()
        classes = [path.name.partition('.')[2] for path in sorted((folder / 'birdlets/images').iterdir())]
        torch.save(change(dict(state_dict=state, meta=dict(dataset_meta=dict(classes=classes))), cfg), folder / 'x.pth')

    return prepare


def cut_checkpoint(folder: Path) -> None:
    save()(folder)
    (folder / 'x.pth').write_bytes((folder / 'x.pth').read_bytes()[:100_000])


def other_order(state: dict, cfg: Config) -> dict:
    state['meta']['dataset_meta']['classes'].reverse()
    return state


def other_head(state: dict, cfg: Config) -> dict:
    cfg.merge_from_dict({'model.head.out_dim': 32})
    return dict(state_dict=MODELS.build(cfg.model).state_dict())


def backbone_alone(state: dict, cfg: Config) -> dict:
    return {key.removeprefix('backbone.'): v for key, v in state['state_dict'].items() if key.startswith('backbone.')}


def begun_otherwise(folder: Path) -> None:
    config, options = ROOT / 'configs/bcnn_vgg16_cub448.py', ['optim_wrapper.optimizer.lr=0.5']
    (spec,) = make_specs([config], [0], folder / 'runs', ROOT / 'tools', options, amp=False)
    hold_to_settings(spec, run_config(spec), write=True)


def damaged_record(folder: Path) -> None:
    run = folder / 'runs/bcnn_vgg16_cub448/seed_0'
    run.mkdir(parents=True)
    (run / 'record.json').write_text('{"config": "bcnn')


def delete_birdlets(folder: Path) -> None:
    shutil.rmtree(folder / 'birdlets')


def delete_runs(folder: Path) -> None:
    shutil.rmtree(folder / 'runs')


def delete_record(folder: Path) -> None:
    (folder / 'runs/bcnn_vgg16_cub448/seed_0/record.json').unlink()


LISTED = """
from mmpretrain.datasets import CustomDataset
train_dataloader.dataset = dict(
    type=CustomDataset, data_root='{folder}', data_prefix='birdlets/images/001.Plain_Birdlet', ann_file='list.txt',
    pipeline=train_pipeline)
train_dataloader.batch_sampler = None
"""
OWN = '{folder}/c.py'
CHECKPOINT = dict(tool='test', args='{folder}/x.pth')
PLAN = dict(tool='reproduce', args='--dry-run')
# fmt: off
CASES = {
    'The config file': [
        case('a config that is not there', 'no such config file', 'did you mean', BASE,
             config='configs/lcv_cbp_resnet18_birdlet.py'),
        case('a file that is no config', 'notes.txt: cannot be read as a config', 'correct it',
             config='{folder}/notes.txt', prepare=write('notes.txt', 'x')),
        case('a syntax error', 'cannot be read as a config', 'SyntaxError', 'correct it',
             config=OWN, prepare=write('c.py', 'model = dict(type=1\n')),
        case('a name that is not defined', 'cannot be read as a config', 'NameError', 'correct it',
             config=OWN, prepare=write('c.py', 'a = 1\nmodel = dict(depth=depth)\n')),
        case('custom_imports of a module that is not there', 'cannot be read as a config', 'ImportError', 'correct it',
             config=OWN, prepare=write('c.py', "custom_imports = dict(imports=['my_modul'])\n")),
        case('a config without optim_wrapper', 'lacks optim_wrapper', 'did you mean', 'add what is missing',
             config=OWN, prepare=write('c.py', 'model = train_dataloader = train_cfg = dict(a=1)\noptim_wraper = 3\n')),
    ],
    'Keys': [
        case('trian_cfg.max_epochs=3', "no 'trian_cfg'", "did you mean 'train_cfg'", 'Expected a key',
             fix='train_cfg.max_epochs=3'),
        case('train_cfg.max_epoch=3', 'train_cfg.max_epoch', "did you mean 'max_epochs'", 'correct the name',
             fix='train_cfg.max_epochs=3'),
        case('model.head.out_dims=4096', 'model.head.out_dims', "did you mean 'out_dim'", 'correct the name',
             fix='model.head.out_dim=4096'),
        case('train_dataloader.dataset.pipeline.9.crop_size=64', 'dataset.pipeline.9.crop_size', 'no such place'),
        case('model.head.out_dim.size=64', 'model.head.out_dim.size=64', 'no such place', 'leads through dicts'),
        case('env_cfg.cudnn_benchmrk=True', 'env_cfg.cudnn_benchmrk', "did you mean 'cudnn_benchmark'",
             fix='env_cfg.cudnn_benchmark=True'),
        case('default_hooks.chekpoint.interval=5', 'default_hooks.chekpoint', "did you mean 'checkpoint'",
             fix='default_hooks.checkpoint.interval=5'),
        case('optim_wrapper.paramwise_cfg.custom_kyes.head.lr_mult=9', 'custom_kyes', "did you mean 'custom_keys'",
             fix='optim_wrapper.paramwise_cfg.custom_keys.head.lr_mult=9'),
        case('optim_wrapper.paramwise_cfg.custom_keys.backbne.lr_mult=0.1', 'no parameter of the model',
             "did you mean 'backbone'", 'correct or remove',
             fix='optim_wrapper.paramwise_cfg.custom_keys.backbone.lr_mult=0.1'),
        case('optim_wrapper.paramwise_cfg.lr_mult=0.1', 'there is no such setting', 'Expected one of', 'custom_keys',
             fix='optim_wrapper.paramwise_cfg.custom_keys.backbone.lr_mult=0.1'),
    ],
    'Parts and their options': [
        case('model.variance_loss.type=ClassVarianceLos', "model.variance_loss.type='ClassVarianceLos'",
             "did you mean 'ClassVarianceLoss'", 'Correct the name', fix='model.variance_loss.type=ClassVarianceLoss'),
        case('train_dataloader.dataset.type=CUB2000', "train_dataloader.dataset.type='CUB2000'", 'CUB200'),
        case('train_dataloader.dataset.pipeline.3.type=RandomFlipp',
             "train_dataloader.dataset.pipeline.3.type='RandomFlipp'", "'RandomFlip'"),
        case('a misspelt part in a list', "model.neck.1.type='GlobalAveragePoolin'", "'GlobalAveragePooling'",
             code="model.neck = [dict(type='lcv_mm.ResidualAttention'), dict(type='GlobalAveragePoolin')]"),
        case('optim_wrapper.optimizer.type=SDG', "optim_wrapper.optimizer.type='SDG'", "'SGD'", 'Correct the name',
             fix='optim_wrapper.optimizer.type=SGD'),
        case('param_scheduler.1.T_maxx=3', 'param_scheduler.1.T_maxx', "did you mean 'T_max'", 'correct the name',
             fix='param_scheduler.1.T_max=3'),
        case('model.variance_loss.inter=hing', "inter='hing'", 'hinge', 'choose from',
             fix='model.variance_loss.inter=hinge'),
        case('model.variance_loss.margin=3', 'margin=3', 'must be in [0, 2]', 'with normalize=False any',
             fix='model.variance_loss.margin=3 model.variance_loss.normalize=False'),
        case('model.variance_loss.weight_intra=-0.5', 'weight_intra=-0.5', 'must be 0 or more'),
        case('model.head.out_dim=0', 'out_dim=0', 'must be a positive number', 'such as 8192'),
        case('model.head.projection=tss', "projection='tss'", 'choose from', "'ts', 'rm'",
             fix='model.head.projection=rm'),
        case('a head without num_classes', 'model.head: ', 'num_classes', 'add what is missing',
             code="model.head.pop('num_classes')"),
        case('an unknown layer of the backbone', "['conv5_3']", 'must name layers of', 'relu5_3',
             options='model.backbone.out_layers=[conv5_3]', config='cbp_vgg16_cub224'),
        case('model.backbone.depth=17', 'model.backbone: '),
        case('optim_wrapper.optimizer.lr=-0.1', 'optim_wrapper.optimizer: '),
        case('optim_wrapper.type=AmpOptimWrapper', 'AmpOptimWrapper: ', needs_no_gpu=True),
    ],
    'The model against itself': [
        case('model.head.in_channels=256', 'in_channels=256', '(512,', 'set model.head.in_channels',
             fix='model.head.in_channels=512'),
        case('model.variance_loss.level=5', 'level=5', 'the neck gives 1 level'),
        case('HBP on a backbone that returns one level', 'pools three levels', 'got 1', 'returns three layers',
             code='from lcv_mm import HBPHead\n'
                  'model.head = dict(type=HBPHead, num_classes=6, in_channels=512, proj_dim=9)',
             fix='model.backbone.type=lcv_mm.ResNetLayers '
                 'model.backbone.out_layers=[layer4.0,layer4.1.relu1,layer4.1]'),
        case('Mixup under the class-variance loss', 'images of one label', 'take Mixup and CutMix out',
             code="model.train_cfg = dict(augments=dict(type='mmpretrain.Mixup', alpha=1.0))",
             fix='model.train_cfg=None'),
    ],
    'Data': [
        case('a data_root that is not there', 'expected images/', 'does not exist', 'tools/prepare_data.py cub',
             config='cbp_vgg16_cub224', options='train_dataloader.dataset.data_root={folder}/nowhere'),
        case('train_dataloader.dataset.split=val', "split='val'", "has the splits 'train' and 'test'"),
        case('a fold that is not there', 'fold=4', 'has the folds 1, 2 and 3',
             config='cbp_vgg16_flower224', options='train_dataloader.dataset.fold=4'),
        case('a protocol that is not there', "protocol='lcv'", "'paper' and 'official'",
             config='cbp_vgg16_flower224', options='train_dataloader.dataset.protocol=lcv'),
        case('a split without images', 'puts no image into the split', "'test'", 'drawn anew', prepare=empty_split,
             fix=delete_birdlets),
        case('train_dataloader.dataset.image_size=48', 'image_size=64', 'image_size=48', 'Use another data_root',
             fix='train_dataloader.dataset.image_size=48 train_dataloader.dataset.data_root={folder}/other'),
        case('model.head.num_classes=5', 'model.head.num_classes=5', 'has 6 classes', 'set model.head.num_classes=6',
             fix='model.head.num_classes=6'),
        case('data_preprocessor.num_classes=20', 'has 6 classes', 'set data_preprocessor.num_classes=6',
             fix='data_preprocessor.num_classes=6'),
        case('a label beyond the head', '1 of 1 labels are beyond the head', 'the first is 7', 'expects 0 to 5',
             'or correct the lists', code=LISTED, prepare=label_seven),
        case('val_dataloader.dataset.metainfo.classes=[a,b,c,d,e,f]', 'expected the same',
             "class 0 is 'Plain_Birdlet'", 'Take both from one dataset'),
        case("a folder of the toolbox's own dataset that is not there", 'train_dataloader.dataset', 'cannot be read',
             'set train_dataloader.dataset.data_root', code=LISTED),
        case('a damaged image, read by the main process', 'Birdlet_0003.jpg', "of the split 'train'", 'is damaged',
             prepare=damage_image),
        case('a damaged image, read by a worker', 'Birdlet_0003.jpg', "of the split 'train'", 'is damaged',
             prepare=damage_image, options='train_dataloader.num_workers=2', fix=delete_birdlets),
        case('an image that was cut off, which OpenCV fills with grey', 'Birdlet_0003.jpg', 'damaged', 'drawn anew',
             prepare=cut_image, fix=delete_birdlets),
    ],
    'Batches': [
        case('train_dataloader.batch_size=0', 'train_dataloader.batch_sampler: ', 'batch_size must be a whole number'),
        case('train_dataloader.batch_sampler.samples_per_class=3',
             'train_dataloader.batch_sampler: ', 'batch_size=8 is not a multiple of samples_per_class=3',
             fix='train_dataloader.batch_sampler.samples_per_class=4'),
        case('train_dataloader.batch_size=16', 'needs 8 classes', 'has 6 such classes', 'use batch_size 12 or less',
             fix='train_dataloader.batch_size=12'),
    ],
    'The machine': [
        case('a work_dir that cannot be written', 'cannot be written', 'give another with --work-dir',
             args='--work-dir {folder}/file/run', prepare=write('file', '')),
        case('--launcher pytorch without a launcher', 'needs the variables', 'RANK', 'or leave --launcher out',
             options='', args='--launcher pytorch', needs_no_gpu=True),
    ],
    'Checkpoints and weights': [
        case('a checkpoint that is not there', 'no such checkpoint file', 'epoch_9.pth', 'work_dir',
             tool='test', args='{folder}/epoch_9.pth'),
        case('a checkpoint that was cut off', 'x.pth: damaged', 'Expected a file of torch.save', 'download it again',
             **CHECKPOINT, prepare=cut_checkpoint),
        case('a checkpoint that brings code', 'x.pth: refused', 'other objects than weights', '--trust-checkpoint',
             **CHECKPOINT, prepare=save(lambda state, cfg: state | {'extra': Payload()})),
        case('a file that holds no weights', 'x.pth', 'expected the state dict', 'holds a list',
             **CHECKPOINT, prepare=save(lambda state, cfg: [1, 2])),
        case('a checkpoint of another head', 'head.fc.weight is (6, 32) there, expected (6, 64)',
             'give the one of its work_dir', **CHECKPOINT, prepare=save(other_head)),
        case('a checkpoint trained on other classes', 'expected the classes it was trained on', 'class 0 is',
             'Take the dataset it was trained on', **CHECKPOINT, prepare=save(other_order)),
        case('load_from={folder}/x.pth, of which nothing fits', 'x.pth: 0 of the', 'Expected weights of such a model',
             options='load_from={folder}/x.pth', prepare=save(backbone_alone),
             fix='model.backbone.init_cfg.type=Pretrained model.backbone.init_cfg.checkpoint={folder}/x.pth'),
        case('pretrained weights that are not there', 'no such file of pretrained weights', 'vgg16.pth',
             'model.backbone.init_cfg=None', config='cbp_vgg16_cub224',
             options='model.backbone.init_cfg.checkpoint={folder}/vgg16.pth'),
        case('--out predictions.txt', '--out predictions.txt', 'expected a file that ends in .pkl', 'name it so',
             tool='test', args='x.pth --out predictions.txt', options=''),
        case('--out into a folder that is not there', 'does not exist', 'make it, or give another',
             tool='test', args='x.pth --out {folder}/nowhere/p.pkl', options=''),
    ],
    'Reproducing the tables': [
        *(case(wrong, *says, tool='reproduce', args=f'{wrong} --dry-run') for wrong, says in {
            '--rows lcv_cpb_vgg16_cub448': ('fits none of the 32 rows', "did you mean 'lcv_cbp_vgg16_cub448'"),
            '--tables 1 --rows *_dogs224': ('fits none of the 9 rows of table 1', 'Expected a name, or a pattern'),
            '--tables 1 --dataset birdlets': ('tables are of other datasets', 'expected one of the two'),
            '--seeds 0 0': ('--seeds 0 0', 'expected different numbers, 0 or more', 'give each once'),
            '--cfg-options train_cfg.max_epochs': ('expected KEY=VALUE', 'such as train_cfg.max_epochs=10'),
            '--cfg-options randomness.seed=3': ('expected seeds in --seeds', 'give them there'),
            '--cfg-options trian_cfg.max_epochs=3': ('trian_cfg', "did you mean 'train_cfg'"),
        }.items()),
        case('a folder that was begun with other settings', 'seed_0 was begun with other settings', '(there: 0.5)',
             'delete the folder', **PLAN, prepare=begun_otherwise, fix=delete_runs),
        case('a damaged record of a run', 'seed_0/record.json', 'expected the record of a run', 'delete it',
             **PLAN, prepare=damaged_record, fix=delete_record),
        case('--engine-options jobs=0', '--engine-options jobs=0', 'expected jobs=N', '1 or more',
             tool='reproduce', args='--engine-options jobs=0'),
    ],
}
# fmt: on
