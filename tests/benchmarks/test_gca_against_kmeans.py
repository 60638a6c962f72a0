"""Semi-supervised k-means, worked by hand."""

import runpy
from pathlib import Path

import numpy as np

BENCHMARK = runpy.run_path(str(Path(__file__).parents[2] / 'benchmarks/gca_against_kmeans.py'))


def test_a_labelled_point_stays_in_the_cluster_of_its_class_and_moves_its_center():
    """Class 0 at 0 and 10, class 1 at 4, unlabelled at 1, 9, 30 and 31.

    The centres begin at 5 and 4, and the third is drawn. At the lowest inertia it is at 30.5, that of class 0 at
    (0 + 10 + 9) / 3 and that of class 1 at (4 + 1) / 2: the point at 0 is nearer to the latter and stays.
    """
    points = np.array([0, 10, 4, 1, 9, 30, 31.0])[:, None]
    labels = np.array([0, 0, 1, -1, -1, -1, -1])
    found = BENCHMARK['semi_supervised_k_means'](points, labels, 3, seed=0)
    assert found.tolist() == [0, 0, 1, 1, 0, 2, 2]
