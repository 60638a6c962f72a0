"""Export a model, checked against the model itself:  python tools/export.py CONFIG CHECKPOINT OUT.onnx|OUT.pt2 ..."""

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lcv_mm_cli import tool_parser

TOLERANCE = 1e-4  # of an image's highest probability


def parse_args() -> argparse.Namespace:
    parser = tool_parser('Export a model with its normalisation and softmax')
    parser.add_argument('out', type=Path, help="file to write: .onnx (pip install 'lcv_mm[export]'), or .pt2")
    parser.add_argument('--opset', type=int, help="version of ONNX's operators (default: torch's)")
    parser.add_argument('--device', default='cpu', help='device for the export and for a .pt2 file (default: cpu)')
    return parser.parse_args()


class Deployed(nn.Module):
    """A classifier from images to probabilities."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Classify RGB images (N, 3, H, W), or grey ones (N, 1, H, W), uint8 -> probabilities (N, num_classes)."""
        bgr = images.flip(1)  # as the toolbox loads images; the preprocessor turns the channels where it must
        return self.model(self.model.data_preprocessor({'inputs': bgr})['inputs']).softmax(1)


def image_shape(pipeline: list) -> tuple[int, int, int]:
    """Channels, height and width of the images that a test pipeline returns, found with two of different shapes."""
    from mmengine.dataset import Compose
    from PIL import Image

    from lcv_mm.errors import ConfigError

    shapes = []
    for size in ((400, 300), (250, 500)):
        with tempfile.TemporaryDirectory() as folder:
            Image.new('RGB', size).save(f'{folder}/image.png')
            shapes.append(tuple(Compose(pipeline)({'img_path': f'{folder}/image.png'})['inputs'].shape))
    if shapes[0] != shapes[1]:
        raise ConfigError(
            'test_dataloader.dataset.pipeline: expected the same size for all images, but two have '
            f'{shapes[0][1:]} and {shapes[1][1:]}; end it in a CenterCrop'
        )
    return shapes[0]


def resize_of(pipeline: list) -> int | None:
    """Length of the shorter side before a test pipeline crops; None if the pipeline does something else."""
    from lcv_mm.launch import type_name

    steps = {type_name(step): step for step in pipeline}
    plain = [*steps] == ['LoadImageFromFile', 'ResizeEdge', 'CenterCrop', 'PackInputs']
    return steps['ResizeEdge']['scale'] if plain and steps['ResizeEdge'].get('edge', 'short') == 'short' else None


def write(
    model: Deployed, out: Path, shape: tuple[int, int, int], metadata: dict[str, str], opset: int | None = None
) -> None:
    images = torch.zeros((3, *shape), dtype=torch.uint8, device=next(model.parameters()).device)
    batch = {'images': {0: torch.export.Dim('batch', min=1)}}
    with torch.no_grad():
        program = torch.export.export(model, (images,), dynamic_shapes=batch)
        if out.suffix == '.pt2':
            torch.export.save(program, out, extra_files=metadata)
            return
        converted: Any = torch.onnx.export(
            program, dynamo=True, output_names=['probabilities'], opset_version=opset, verbose=False
        )
    converted.model.metadata_props.update(metadata)
    converted.save(out)


def load(out: Path, device: str) -> Callable[[Tensor], Tensor]:
    if out.suffix == '.pt2':
        module = torch.export.load(out).module()
        return lambda images: module(images.to(device)).cpu()
    import onnxruntime

    session = onnxruntime.InferenceSession(out, providers=['CPUExecutionProvider'])
    return lambda images: torch.from_numpy(session.run(None, {'images': images.numpy()})[0])


@torch.no_grad()
def largest_difference(run: Callable[[Tensor], Tensor], model: Any, shape: tuple[int, int, int]) -> float:
    """Largest difference from the model's probabilities, relative to an image's highest, in batches of 1 and of 3."""
    generator = torch.Generator().manual_seed(0)
    differences = []
    for count in (1, 3):
        images = torch.randint(256, (count, *shape), generator=generator, dtype=torch.uint8)
        samples = model.predict(**model.data_preprocessor({'inputs': images.flip(1)}))
        expected = torch.stack([sample.pred_score.cpu() for sample in samples])
        differences.append(((run(images) - expected).abs() / expected.amax(1, keepdim=True)).max())
    return float(torch.stack(differences).max())  # NaN if one is


def main() -> None:
    args = parse_args()

    from lcv_mm.errors import UserFacingError
    from lcv_mm.launch import check_out_file, load_config, short_errors
    from lcv_mm.launch.trained import load_trained

    with short_errors():
        check_out_file(args.out, '.onnx', '.pt2')
        cfg = load_config(args.config, ['model', 'test_dataloader'], args.cfg_options)
        model = load_trained(cfg, args.checkpoint, args.device, args.trust_checkpoint)
        pipeline = cfg.test_dataloader.dataset.pipeline
        shape = image_shape(pipeline)
        classes = list(model._dataset_meta.get('classes') or ())
        metadata = {'classes': json.dumps(classes), 'crop': json.dumps(shape[1:]), 'config': Path(args.config).stem}
        metadata['resize'] = json.dumps(resize_of(pipeline))
        args.out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix='.export-', dir=args.out.parent) as folder:
            unchecked = Path(folder) / args.out.name
            write(Deployed(model).eval(), unchecked, shape, metadata, args.opset)
            difference = largest_difference(load(unchecked, args.device), model, shape)
            if not difference <= TOLERANCE:
                raise UserFacingError(
                    f"{args.out}: not written: its probabilities differ from the model's by {difference:.1e}, "
                    f'expected {TOLERANCE:.0e} at most. Try the other format (.onnx, .pt2)'
                )
            for file in Path(folder).iterdir():  # above 2 GB, ONNX keeps the weights in a second one
                file.replace(args.out.parent / file.name)
    kind = 'RGB' if shape[0] == 3 else f'{shape[0]}-channel'
    print(
        f'{args.out}: {len(classes)} class names, {kind} uint8 images of {shape[1]} x {shape[2]}, any batch; the '
        f'largest difference from the model is {difference:.1e}'
    )


if __name__ == '__main__':
    main()
