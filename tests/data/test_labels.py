from __future__ import annotations

from pathlib import Path

import numpy as np

from gan.config import Data
from gan.data import spec
from gan.data.labels import label_shares
from gan.data.load import load_split
from gan.steps.preprocess import preprocess
from gan.store import open_store


def test_the_shares_are_those_of_the_training_images(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    dataset = spec.load(store, preprocess(store, Data(dataset="digits"), workers=1).id)
    labels = load_split(store, dataset, "train").labels
    shares = label_shares(store, dataset)
    np.testing.assert_allclose(shares, np.bincount(labels, minlength=10) / len(labels), rtol=1e-12)
