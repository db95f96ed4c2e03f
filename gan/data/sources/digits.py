"""Digits: the 1,797 handwritten digits of UCI that ship with scikit-learn, 8x8, grey.

E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
https://doi.org/10.24432/C50P49 (the test part, 13 writers).
"""

from __future__ import annotations

import numpy as np

from gan.data.holdout import held_out
from gan.data.sources.interface import ExampleRef, Listing, Source
from gan.errors import ConfigError
from gan.util.ids import sha256

FILE = "digits.csv.gz"
MAX_VALUE = 16.0
SIDE = 8
# Of pixels and labels, in the order of the file.
SHA256 = "a19cb3d96bba7deace8ee5a513a6eb7bad0403d528f00bf4d351b6a7a55baa91"


class Digits(Source):
    """Loaded from scikit-learn, without `--source`; values 0..16 are scaled to 0..255 and rounded to nearest."""

    name = "digits"
    image_size = SIDE
    channels = 1
    original_size = (SIDE, SIDE)

    def scan(self, where: str | None, holdout_percent: int) -> Listing:  # noqa: D102
        if where:
            raise ConfigError(
                f'the digits ship with scikit-learn and take no data.source (--source); got "{where}". '
                "Leave it out, or choose another --dataset"
            )
        from sklearn.datasets import load_digits

        bunch = load_digits()
        pixels = np.rint(bunch.images * (255.0 / MAX_VALUE)).astype(np.uint8)
        digests = [sha256(image.tobytes()) for image in pixels]
        test = held_out(digests, holdout_percent)
        # scikit-learn reads the file, so the content identifies it.
        content = sha256(pixels.tobytes() + bunch.target.astype(np.uint8).tobytes())
        return Listing(
            examples=[
                ExampleRef(
                    id=f"{index:04d}",
                    split="test" if digest in test else "train",
                    file=FILE,
                    key=index,
                    sha256=content,
                    label=int(label),
                )
                for index, (digest, label) in enumerate(zip(digests, bunch.target, strict=True))
            ],
            read=lambda key: pixels[int(key)],
            fingerprint={FILE: content},
            encoded=False,
            classes=tuple(str(name) for name in bunch.target_names),
            matches_published_checksums=content == SHA256,
        )
