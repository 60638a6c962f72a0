"""GCA, guided and unguided, against k-means on the same frozen features, over splits: All, Old and New in per cent.

    python benchmarks/gca_against_kmeans.py flower.npz --known 9

The file is of `benchmarks/cluster_features.py`. GCA's heads are trained by their own losses and aggregation, the
views of the file taking the place of augmentation; k-means starts 10 times (k-means++) on the centre crops of all
images, labelled ones included, without their labels. All are judged on the unlabelled images.
"""

import argparse
import time

import numpy as np
import torch
from mmpretrain.structures import DataSample
from scipy import stats
from scipy.cluster.vq import kmeans2

from lcv_mm.gca import GCAHead
from lcv_mm.gca.aggregation import nearest_neighbors
from lcv_mm.gca.category_discovery import choose_known, draw_labelled
from lcv_mm.gca.cluster_accuracy import cluster_accuracy
from lcv_mm.gca.hooks import join_clusters

PARTS = ('All', 'Old', 'New')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('features')
    parser.add_argument('--known', type=int, required=True, help='known classes')
    parser.add_argument('--splits', type=int, default=5)
    parser.add_argument('--epochs', type=int, default=100)
    parser.add_argument('--begin', type=int, default=34, help='epoch of the first aggregation')
    parser.add_argument('--lr', type=float, default=1e-3)
    parser.add_argument('--batch-size', type=int, default=128)
    parser.add_argument('--small', type=int, default=5, help='small clusters per class')
    parser.add_argument('--neighbors', type=int, default=5)
    parser.add_argument('--first', type=int, default=0, help='seed of the first split')
    parser.add_argument('--split', type=int, help='keep this split; the seeds are then of training alone')
    args = parser.parse_args()
    with np.load(args.features) as held:
        feats, classes = torch.from_numpy(held['feats']).float(), held['labels']
    # as long as a feature after layer norm, which the published learning rate is for
    feats = torch.nn.functional.normalize(feats, dim=-1) * feats.shape[-1] ** 0.5
    results: dict[str, list[list[float]]] = {'k-means': [], 'unguided': [], 'guided': []}
    for seed in range(args.first, args.first + args.splits):
        start = time.perf_counter()
        labels, is_labelled = split(classes, args.known, seed if args.split is None else args.split)
        print(f'seed {seed}: neighbours of the same class {neighbor_quality(feats[:, 0], labels, args)}')
        for arm in results:
            if arm == 'k-means':
                clusters = k_means(feats[:, 0], classes, seed)
            else:
                clusters = gca(feats, labels, is_labelled, arm == 'guided', seed, args)
            found = cluster_accuracy(clusters[~is_labelled], labels[~is_labelled], args.known)
            results[arm].append([found[part] for part in PARTS])
            print(f'  {arm}: ' + ' / '.join(f'{found[part]:.1f}' for part in PARTS))
        print(f'  {time.perf_counter() - start:.0f} s', flush=True)
    report({arm: np.array(rows) for arm, rows in results.items()})


def split(classes: np.ndarray, num_known: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    names = [str(label) for label in range(int(classes.max()) + 1)]
    known = choose_known(names, num_known, seed=seed)
    order = known + sorted(set(range(len(names))) - set(known))
    labels = np.argsort(order)[classes]
    return labels, draw_labelled(labels, num_known, 0.5, seed)


def neighbor_quality(feats: torch.Tensor, labels: np.ndarray, args: argparse.Namespace) -> str:
    others = nearest_neighbors(feats, args.neighbors).numpy()[:, 1:]
    same = (labels[others] == labels[:, None]).mean(1)
    known = labels < args.known
    return f'{100 * same.mean():.0f} % (known {100 * same[known].mean():.0f}, novel {100 * same[~known].mean():.0f})'


def k_means(feats: torch.Tensor, classes: np.ndarray, seed: int) -> np.ndarray:
    rng, points = np.random.default_rng(seed), feats.double().numpy()
    runs = [kmeans2(points, int(classes.max()) + 1, iter=50, minit='++', rng=rng) for _ in range(10)]
    return min(runs, key=lambda run: ((points - run[0][run[1]]) ** 2).sum())[1]


def gca(
    feats: torch.Tensor, labels: np.ndarray, is_labelled: np.ndarray, guided: bool, seed: int, args: argparse.Namespace
) -> np.ndarray:
    torch.manual_seed(seed)
    count, views, dim = feats.shape
    num_classes = int(labels.max()) + 1
    head = GCAHead(dim, num_classes, count, num_classes * args.small, num_neighbors=args.neighbors)
    head.neighbors.copy_(nearest_neighbors(feats[:, 0], args.neighbors))
    head.stage.fill_(1)
    given = torch.from_numpy(np.where(is_labelled & guided, labels, -1))
    optimizer = torch.optim.Adam(head.parameters(), lr=args.lr, weight_decay=1e-4)
    samples = np.array([DataSample(metainfo=dict(sample_idx=i)) for i in range(count)], dtype=object)
    for epoch in range(1, args.epochs + 1):
        order = torch.randperm(count)
        for start in range(0, count - args.batch_size + 1, args.batch_size):
            anchors = order[start : start + args.batch_size]
            drawn = head.neighbors[anchors, torch.randint(args.neighbors, anchors.shape)]
            images = torch.cat([anchors, drawn])
            batch = feats[images, torch.randint(views, images.shape)]
            loss = sum(head.loss((batch,), samples[images.numpy()].tolist()).values())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch >= args.begin:
            join_clusters(head, feats[:, 0], given)
        head.head_losses.zero_()
    with torch.no_grad():
        return head((feats[:, 0],)).argmax(1).numpy()


def report(results: dict[str, np.ndarray]) -> None:
    """Print means, and paired differences with their 95 % interval (Student's t)."""
    for arm, rows in results.items():
        print(f'{arm:20}' + ' / '.join(f'{mean:.1f}' for mean in rows.mean(0)))
    for one, other in (('guided', 'k-means'), ('unguided', 'k-means'), ('guided', 'unguided')):
        differences = results[one] - results[other]
        half = stats.t.ppf(0.975, len(differences) - 1) * stats.sem(differences)
        texts = [f'{m:+.1f} ({m - h:+.1f} to {m + h:+.1f})' for m, h in zip(differences.mean(0), half, strict=True)]
        print(f'{one} - {other}: ' + ' / '.join(texts))


if __name__ == '__main__':
    main()
