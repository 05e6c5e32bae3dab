"""The benchmark of training runs, small."""

import numpy as np

from tests.benchmarks import training


def test_taxa_overlap_and_what_is_learned_is_told() -> None:
    vectors, taxa, groups = training.learning(3000, n_taxa=20)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert len(np.unique(taxa)) == 20 and len(np.unique(groups)) == 6
    fitted, seconds, computed = training.train((vectors, taxa, groups), "discriminant")
    assert 0.3 < fitted.report["accuracy"] < 0.95
    assert seconds > 0 and computed > 0
    space, map_s = training.learn_space((vectors, taxa, groups))
    assert space.n_labels == 3000 and map_s > 0
