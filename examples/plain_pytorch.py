"""LCV in a plain PyTorch loop: torchvision's ResNet-18 on a folder of images, without Runner, config or registry.

python examples/plain_pytorch.py FOLDER        FOLDER contains <class>/<image>, as for torchvision's ImageFolder
"""

import argparse

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, RandomSampler
from torchvision import transforms
from torchvision.datasets import ImageFolder

from lcv_mm import ClassBalancedBatchSampler, ClassVarianceLoss, ops


class LCV(nn.Module):
    """ResNet-18, residual attention, bilinear pooling, linear classifier."""

    def __init__(self, num_classes: int, weights: str | None) -> None:
        super().__init__()
        self.features = nn.Sequential(*[*torchvision.models.resnet18(weights=weights).children()][:-2])
        self.classify = nn.Linear(512 * 512, num_classes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, 3, H, W) -> attention output M (N, 512, H / 32, W / 32) for the variance loss, and scores."""
        maps = ops.residual_attention(self.features(images))
        pooled = ops.normalized_signed_sqrt(ops.bilinear_pool(maps))  # (N, 512 * 512), rows of unit length
        return maps, self.classify(pooled)


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument('folder', help='contains one folder of images per class')
parser.add_argument('--weights', help="torchvision weights, such as DEFAULT for ImageNet's (default: from scratch)")
parser.add_argument('--epochs', type=int, default=12)
parser.add_argument('--classifier-epochs', type=int, default=4, help='first epochs, for the classifier alone')
parser.add_argument('--batch-size', type=int, default=16, help='images per batch, two per class')
parser.add_argument('--crop', type=int, default=224)
parser.add_argument('--workers', type=int, default=2)
args = parser.parse_args()

torch.manual_seed(0)
device = 'cuda' if torch.cuda.is_available() else 'cpu'
augment = [transforms.Resize(args.crop * 8 // 7), transforms.RandomCrop(args.crop), transforms.RandomHorizontalFlip()]
normalize = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
dataset = ImageFolder(args.folder, transforms.Compose([*augment, transforms.ToTensor(), normalize]))
batches = ClassBalancedBatchSampler(RandomSampler(dataset), args.batch_size, samples_per_class=2)
loader = DataLoader(dataset, batch_sampler=batches, num_workers=args.workers)

model = LCV(len(dataset.classes), args.weights).to(device)
variance_loss = ClassVarianceLoss()
groups = [dict(params=model.features.parameters(), lr=0.001), dict(params=model.classify.parameters())]
optimizer = torch.optim.SGD(groups, lr=1.0, momentum=0.9, weight_decay=1e-4)

for epoch in range(1, args.epochs + 1):
    # the classifier first, at a high rate: its inputs have unit length, and the loss needs a trained classifier
    alone = epoch <= args.classifier_epochs
    optimizer.param_groups[1]['lr'] = 1.0 if alone else 0.01
    model.features.requires_grad_(not alone)
    model.train()
    model.features.train(not alone)
    sums: dict[str, float] = {}
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        maps, scores = model(images)
        losses = dict(loss_cls=F.cross_entropy(scores, labels), **variance_loss(maps, labels))
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
        terms = dict(losses, loss=sum(losses.values()), accuracy=(scores.argmax(1) == labels).float().mean())
        for name, value in terms.items():
            sums[name] = sums.get(name, 0.0) + value.item() * len(labels) / len(dataset)
    print(f'epoch {epoch}:', ', '.join(f'{name} {value:.4f}' for name, value in sums.items()), flush=True)
