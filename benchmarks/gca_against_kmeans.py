"""GCA against k-means on the same frozen features, each with labels and without: All, Old and New in per cent.

    python benchmarks/gca_against_kmeans.py flower.npz --known 9

`benchmarks/cluster_features.py` writes the features. GCA's heads are trained with their losses and aggregation on the
views in the file, in place of augmentation. Both kinds of k-means take the centre crops of all images and the best of
10 starts. The accuracies are those of the unlabelled images. Each run appends a line of JSON to `--out`.
"""

import argparse
import json
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from mmpretrain.structures import DataSample
from scipy.cluster.vq import kmeans2
from scipy.spatial.distance import cdist

from lcv_mm.gca import GCAHead
from lcv_mm.gca.aggregation import nearest_neighbors
from lcv_mm.gca.category_discovery import choose_known, draw_labelled
from lcv_mm.gca.cluster_accuracy import cluster_accuracy
from lcv_mm.gca.hooks import join_clusters
from lcv_mm.reproduce.record import git_state, machine
from lcv_mm.reproduce.summary import difference

ROOT = Path(__file__).parents[1]
PARTS = ('All', 'Old', 'New')
ARMS = ('k-means', 'semi-supervised k-means', 'GCA, unguided', 'GCA')
STARTS = 10  # of k-means


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
    parser.add_argument('--out', type=Path, default=Path('work_dirs/gca.jsonl'))
    args = parser.parse_args()
    with np.load(args.features) as file:
        feats, classes = torch.from_numpy(file['feats']).float(), file['labels']
        origin = dict(features=Path(args.features).stem, backbone=str(file['backbone']), views=feats.shape[1])
    # as long as a feature after layer norm, which the published learning rate is for
    feats = torch.nn.functional.normalize(feats, dim=-1) * feats.shape[-1] ** 0.5
    settings = {name: value for name, value in vars(args).items() if name not in ('features', 'out', 'splits', 'first')}
    versions = {name: version(name) for name in ('torch', 'numpy', 'scipy', 'lcv_mm')}
    origin |= dict(versions=versions, commit=git_state(ROOT).get('commit'), machine=machine()['cpu'])
    args.out.parent.mkdir(parents=True, exist_ok=True)
    results: dict[str, list[list[float]]] = {arm: [] for arm in ARMS}
    for seed in range(args.first, args.first + args.splits):
        labels, is_labelled = split(classes, args.known, seed)
        quality = neighbor_quality(feats[:, 0], labels, args)
        for arm in ARMS:
            start = time.perf_counter()
            clusters = cluster(arm, feats, labels, is_labelled, seed, args)
            accuracy = cluster_accuracy(clusters[~is_labelled], labels[~is_labelled], args.known)
            results[arm].append([accuracy[part] for part in PARTS])
            run = dict(arm=arm, seed=seed)
            run |= accuracy | quality | dict(seconds=time.perf_counter() - start)
            run = {name: round(value, 2) if isinstance(value, float) else value for name, value in run.items()}
            with args.out.open('a') as out:
                out.write(json.dumps(run | dict(settings=settings) | origin) + '\n')
            print(run, flush=True)
    report({arm: np.array(rows) for arm, rows in results.items()})


def cluster(
    arm: str, feats: torch.Tensor, labels: np.ndarray, is_labelled: np.ndarray, seed: int, args: argparse.Namespace
) -> np.ndarray:
    """Cluster of each image, by one of ARMS."""
    num_classes, points = int(labels.max()) + 1, feats[:, 0].double().numpy()
    if arm == 'k-means':
        return k_means(points, num_classes, seed)
    if arm == 'semi-supervised k-means':
        return semi_supervised_k_means(points, np.where(is_labelled, labels, -1), num_classes, seed)
    return gca(feats, labels, is_labelled, arm == 'GCA', seed, args)


def split(classes: np.ndarray, num_known: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    num_classes = int(classes.max()) + 1
    known = choose_known(num_classes, num_known, seed=seed)
    order = known + sorted(set(range(num_classes)) - set(known))
    labels = np.argsort(order)[classes]
    return labels, draw_labelled(labels, num_known, 0.5, seed)


def neighbor_quality(feats: torch.Tensor, labels: np.ndarray, args: argparse.Namespace) -> dict[str, float]:
    """Per cent of the neighbours that have an image's class: of all images, and of those of known classes."""
    others = nearest_neighbors(feats, args.neighbors).numpy()[:, 1:]
    same = (labels[others] == labels[:, None]).mean(1)
    return dict(neighbors=100 * float(same.mean()), neighbors_known=100 * float(same[labels < args.known].mean()))


def k_means(points: np.ndarray, num_clusters: int, seed: int) -> np.ndarray:
    """Cluster of each point, by SciPy's k-means++ and Lloyd's iterations."""
    rng = np.random.default_rng(seed)
    runs = [kmeans2(points, num_clusters, iter=50, minit='++', rng=rng) for _ in range(STARTS)]
    return min(runs, key=lambda run: ((points - run[0][run[1]]) ** 2).sum())[1]


def semi_supervised_k_means(points: np.ndarray, labels: np.ndarray, num_clusters: int, seed: int) -> np.ndarray:
    """K-means in which a labelled point stays in the cluster of its class (Vaze et al., CVPR 2022).

    The centres begin as the means of the labelled classes, and the others by k-means++ among the unlabelled points.

    Args:
        points (np.ndarray): (N, D).
        labels (np.ndarray): (N,), -1 for an unlabelled point; else a class from 0, each class with at least one point.
        num_clusters (int): As many as labelled classes, or more.
        seed (int): Of all starts.

    Returns:
        np.ndarray: (N,), the cluster of each point; that of a labelled one is its class.
    """
    rng, free = np.random.default_rng(seed), labels < 0
    means = [points[labels == label].mean(0) for label in range(labels.max() + 1)]
    best, lowest = labels, np.inf
    for _ in range(STARTS):
        centers = np.array(means)
        while len(centers) < num_clusters:
            squares = cdist(points[free], centers, 'sqeuclidean').min(1)
            drawn = rng.choice(np.flatnonzero(free), p=squares / squares.sum())
            centers = np.vstack([centers, points[drawn]])
        clusters, previous = labels.copy(), None
        while not np.array_equal(clusters, previous):
            previous = clusters.copy()
            clusters[free] = cdist(points[free], centers, 'sqeuclidean').argmin(1)
            for index in np.unique(clusters):
                centers[index] = points[clusters == index].mean(0)
        inertia = ((points - centers[clusters]) ** 2).sum()
        if inertia < lowest:
            best, lowest = clusters, inertia
    return best


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
            join_clusters(head, feats[:, 0], given, args.batch_size, seed=epoch)
    with torch.no_grad():
        return head((feats[:, 0],)).argmax(1).numpy()


def report(results: dict[str, np.ndarray]) -> None:
    """Print means, and paired differences with their 95 % interval (Student's t)."""
    for arm, rows in results.items():
        print(f'{arm:24}' + ' / '.join(f'{mean:.1f}' for mean in rows.mean(0)))
    for arm, other in (
        ('GCA', ARMS[1]),
        ('GCA', 'GCA, unguided'),
        ('GCA', 'k-means'),
        ('GCA, unguided', 'k-means'),
        (ARMS[1], 'k-means'),
    ):
        pairs = zip(results[arm].T.tolist(), results[other].T.tolist(), strict=True)
        print(f'{arm} - {other}: ' + ' / '.join(difference(*pair, paired=True).text(1) for pair in pairs))


if __name__ == '__main__':
    main()
