"""What a store holds, apart from what no two runs have alike: times, speeds, and how often it was tried.

Two stores with equal contents hold the same datasets, references, checkpoints and weights, bit for bit, the same
scores and the same history, under the same keys.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from typing import Any

from gan.store import Store
from gan.util.ids import canonical, sha256

VOLATILE = frozenset(
    {"seconds", "images_per_second", "data_wait_share", "at", "began_at", "made_at", "evaluated_at", "exported_at"}
    | {"judged_at", "live_version", "attempt", "move_id", "seal"}
)
FORGOTTEN = re.compile(r"runs/[^/]+/attempts\.json|\.probes/.*")
SAME = (
    (re.compile(r"(checkpoints/\d{8})-\d+"), r"\1"),  # an attempt's number
    (re.compile(r"gen-[0-9a-f]{12}"), "gen"),  # exported at another time: another id
    (re.compile(r"recipes/export/[0-9a-f]+"), "recipes/export/recipe"),
    (re.compile(r"(evaluations/\d{8}-ref-[0-9a-f]{12})(-[0-9a-f]{12})+"), r"\1"),
)


def contents(store: Store) -> dict[str, str]:
    """A hash of each object's lasting part, by its key; what stands there twice has a key of its own."""
    found: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for item in store.list():
        if FORGOTTEN.fullmatch(item.key):
            continue
        key = _lasting(item.key)
        seen[key] += 1
        found[key if seen[key] == 1 else f"{key} ({seen[key]})"] = _lasting_hash(item.key, store.read(item.key))
    return found


def _lasting(text: str) -> str:
    for pattern, replacement in SAME:
        text = pattern.sub(replacement, text)
    return text


def _lasting_hash(key: str, data: bytes) -> str:
    for pattern, lasting in LASTING_PARTS:
        if re.search(pattern, key):
            return sha256(lasting(data))
    return sha256(data)


def _of_json(data: bytes) -> bytes:
    return _lasting(canonical(_without_volatile(json.loads(data))).decode()).encode()


def _of_json_lines(data: bytes) -> bytes:
    lines = (_without_volatile(json.loads(line)) for line in data.splitlines())
    return b"\n".join(canonical(line) for line in lines if line)


def _without_volatile(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _without_volatile(value) for key, value in tree.items() if key not in VOLATILE}
    return [_without_volatile(each) for each in tree] if isinstance(tree, list) else tree


def _of_weights(data: bytes) -> bytes:
    """Every array of a .keras file; the file itself holds the time at which it was written."""
    import h5py

    arrays: list[bytes] = []

    def note(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset):
            arrays.append(name.encode() + node[()].tobytes())

    with zipfile.ZipFile(io.BytesIO(data)) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        file.visititems(note)
    return b"".join(arrays)


def _nothing(_: bytes) -> bytes:
    return b""


LASTING_PARTS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    (r"^generators/.*/generator\.keras$", _of_weights),
    (r"^generators/.*/(saved_model/.*|SHA256SUMS|card\.md)$", _nothing),  # TensorFlow writes no SavedModel twice alike
    (r"^runs/.*/tensorboard/", _nothing),
    (r"^runs/.*/report\.html$", _nothing),
    (r"\.jsonl$", _of_json_lines),
    (r"\.json$", _of_json),
)
