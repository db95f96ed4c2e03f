"""The description of a prepared dataset: the content of `datasets/<id>/dataset.json`.

It holds nothing that varies between machines or runs, so the same source prepared with the same options gives the same
id, which is a hash of the description.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gan.errors import IntegrityError, NotFoundError
from gan.store import Store, immutable
from gan.types import Json
from gan.util.ids import content_hash

FORMAT = 1
FILE = "dataset.json"
MANIFEST = "manifest.parquet"
DECODED = "decoded_sha256"  # a column of the manifest, where the source has no split of its own
# Splits are written and listed in this order; others follow alphabetically.
SPLIT_ORDER = ("train", "valid", "test")


@dataclass(frozen=True)
class Shard:
    """One TFRecord file. `bytes` is its size."""

    name: str
    examples: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Split:
    """The examples of one split, spread over shards in an order fixed at preparation."""

    examples: int
    shards: tuple[Shard, ...]


@dataclass(frozen=True)
class Dataset:
    """A prepared dataset.

    Attributes:
        id: `<source>-<hash of everything below>`.
        source: the name of its source, a key of `gan.data.sources.SOURCES`.
        matches_published_checksums: whether the original files have the published checksums; None if unknown. Its key
            in JSON is "genuine".
        image_size: height and width in pixels.
        channels: 1 (grey) or 3 (RGB).
        crop: side of the square cut out of the originals; None: the largest that fits.
        resizer: the antialiased filter.
        classes: names of the labels 0, 1, ...; empty without labels.
        attributes: names of the binary attributes; may be empty.
        channel_classes: names of what each channel may show by itself, K of them; the classes are then all K^channels
            combinations, the last channel changing fastest. Empty for other data, and then not a key of the JSON.
        splits: by name; there is always a "train".
        quarantined: images skipped because they could not be read; the manifest has the reasons.
        manifest_sha256: hash of the manifest's rows, independent of how Parquet encodes them.
        crop_offset: (left, top) of the crop in the originals, in pixels; None: centred. JSON has the key only if it is
            set, so that datasets with a centred crop keep their ids.
    """

    id: str
    source: str
    matches_published_checksums: bool | None
    image_size: int
    channels: int
    crop: int | None
    resizer: str
    classes: tuple[str, ...]
    attributes: tuple[str, ...]
    splits: Mapping[str, Split]
    quarantined: int = 0
    manifest_sha256: str = ""
    crop_offset: tuple[int, int] | None = None
    channel_classes: tuple[str, ...] = ()

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return self.image_size, self.image_size, self.channels

    @property
    def has_labels(self) -> bool:
        """Whether each example belongs to a class."""
        return bool(self.classes)

    def split(self, name: str) -> Split:
        """A split by name.

        Raises:
            NotFoundError: there is no such split; the message lists the splits.
        """
        if name not in self.splits:
            raise NotFoundError(
                f'dataset {self.id} has no split "{name}"; it has: {", ".join(self.splits)}. '
                "Choose one of these, or prepare the data again with a split of that name"
            )
        return self.splits[name]

    def to_json(self) -> Json:
        """The content of dataset.json, in plain JSON types."""
        fields = dataclasses.asdict(self)
        fields["genuine"] = fields.pop("matches_published_checksums")
        offset = fields.pop("crop_offset")
        added: Json = {} if offset is None else {"crop_offset": list(offset)}
        channel_classes = fields.pop("channel_classes")
        added |= {"channel_classes": list(channel_classes)} if channel_classes else {}
        return {"format": FORMAT, **fields, **added, "splits": _splits_to_json(self.splits)}


def with_id(dataset: Dataset) -> Dataset:
    """`dataset` with the id that follows from its content."""
    content = dataset.to_json()
    del content["id"]
    return dataclasses.replace(dataset, id=f"{dataset.source}-{content_hash(content)}")


def from_json(tree: Mapping[str, Any]) -> Dataset:
    """The inverse of `Dataset.to_json`.

    Raises:
        IntegrityError: it was written in the format of another version of this package.
    """
    if tree.get("format") != FORMAT:
        raise IntegrityError(
            f"{FILE} has format {tree.get('format')!r}, this version reads {FORMAT}; prepare the data again"
        )
    fields = {name: value for name, value in tree.items() if name != "format"}
    fields["matches_published_checksums"] = fields.pop("genuine")
    fields["splits"] = {
        name: Split(split["examples"], tuple(Shard(**shard) for shard in split["shards"]))
        for name, split in sorted(fields["splits"].items(), key=lambda item: split_rank(item[0]))
    }
    for name in ("classes", "channel_classes", "attributes", "crop_offset"):
        if fields.get(name) is not None:
            fields[name] = tuple(fields[name])
    return Dataset(**fields)


def split_rank(name: str) -> tuple[int, str]:
    """A sort key for split names: train, valid, test, then others alphabetically."""
    return (SPLIT_ORDER.index(name) if name in SPLIT_ORDER else len(SPLIT_ORDER)), name


def load(store: Store, dataset_id: str) -> Dataset:
    """A published dataset, its description verified against the checksums.

    Raises:
        NotFoundError: there is no dataset with that id.
        IntegrityError: dataset.json is damaged, has another format, or does not match the id.
    """
    uri = store.uri_of(f"{immutable.prefix_of('dataset', dataset_id)}/{FILE}")
    sums = immutable.read_sums(store, "dataset", dataset_id)
    for name in {FILE, MANIFEST} - sums.keys():
        raise IntegrityError(
            f"{immutable.SUMS_FILE} of {uri} is damaged: it should list {name}; found {', '.join(sums)}"
        )
    try:
        dataset = from_json(immutable.read_json(store, "dataset", dataset_id, FILE))
        described = with_id(dataset).id
    except (KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(f"{uri} is damaged: it describes no dataset ({error!r})") from None
    if not described == dataset.id == dataset_id:
        raise IntegrityError(f"{uri} is damaged: it should describe {dataset_id}; found {described}")
    _check_shards(dataset, sums, uri)
    return dataset


def _check_shards(dataset: Dataset, sums: Mapping[str, str], uri: str) -> None:
    """Check that the checksum file lists every shard of the description: such names can't lead out of the dataset."""
    for split in dataset.splits.values():
        for shard in split.shards:
            if sums.get(shard.name) != shard.sha256:
                raise IntegrityError(
                    f"{uri} and its {immutable.SUMS_FILE} differ in the checksum of {shard.name}: expected "
                    f"{shard.sha256}; found {sums.get(shard.name, 'none')}"
                )


def _splits_to_json(splits: Mapping[str, Split]) -> Json:
    return {
        name: {"examples": split.examples, "shards": [dataclasses.asdict(shard) for shard in split.shards]}
        for name, split in splits.items()
    }
