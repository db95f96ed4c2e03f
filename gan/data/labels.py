"""The frequency of each class among the training images, from the manifest."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from gan.data.spec import MANIFEST, Dataset
from gan.store import Store, immutable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

TRAIN = "train"


def label_shares(store: Store, dataset: Dataset) -> npt.NDArray[np.float64]:
    """The share of each class in the training split: float64 [classes], sums to 1.

    Raises:
        IntegrityError: the manifest is damaged.
    """
    import numpy as np
    import pyarrow.parquet as pq

    data = immutable.read_file(store, "dataset", dataset.id, MANIFEST)
    table = pq.read_table(io.BytesIO(data), columns=["split", "label"]).to_pydict()
    labels = [
        label
        for split, label in zip(table["split"], table["label"], strict=True)
        if split == TRAIN and label is not None
    ]
    counts = np.bincount(labels, minlength=len(dataset.classes))
    return np.asarray(counts / counts.sum(), np.float64)
