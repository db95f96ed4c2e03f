"""Time and peak memory of FID, KID and PRDC on the same features, compared with well-known packages.

The project does not depend on these packages. Install them together with the project in a separate environment:

    python -m venv /tmp/baselines
    /tmp/baselines/bin/pip install -e . pytorch-fid torch-fidelity prdc
    /tmp/baselines/bin/python benchmarks/scores.py

All run in one process and take turns, so that other load on the machine affects all of them; times are medians over
the rounds, in seconds of wall time and of CPU time. Values must agree within the tolerance of the section. Peak memory
is the increase during the call in a fresh process (Linux only).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

NEIGHBOURS, SUBSETS, SUBSET_SIZE = 5, 100, 1000

Values = dict[str, float]
Implementation = Callable[[Any, Any], Values]  # real and generated features, float32 [N, F]


def fid_gan(real: Any, generated: Any) -> Values:
    """gan.metrics.maths.frechet."""
    from gan.metrics.maths.frechet import fit, frechet_distance

    return {"fid": frechet_distance(fit(real), fit(generated))}


def fid_pytorch_fid(real: Any, generated: Any) -> Values:
    """The formula with scipy.linalg.sqrtm."""
    from pytorch_fid.fid_score import calculate_frechet_distance

    moments = [part for each in (real, generated) for part in (each.mean(axis=0), np.cov(each, rowvar=False))]
    return {"fid": float(calculate_frechet_distance(*moments))}


def fid_torch_fidelity(real: Any, generated: Any) -> Values:
    """The formula with numpy.linalg.eigvals."""
    import torch
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    moments = [fid_features_to_statistics(torch.from_numpy(each)) for each in (real, generated)]
    return {"fid": fid_statistics_to_metric(*moments, verbose=False)["frechet_inception_distance"]}


def kid_gan(real: Any, generated: Any) -> Values:
    """gan.metrics.scores.kid."""
    from gan.metrics.scores.kid import kid

    rng = np.random.default_rng(0)
    return {"kid": kid(real, generated, subsets=SUBSETS, max_subset_size=SUBSET_SIZE, rng=rng).mean()}


def kid_torch_fidelity(real: Any, generated: Any) -> Values:
    """The same number of subsets of the same size, drawn differently."""
    import torch
    from torch_fidelity.metric_kid import kid_features_to_metric

    size = min(SUBSET_SIZE, len(real) // 2, len(generated) // 2)
    found = kid_features_to_metric(
        torch.from_numpy(generated), torch.from_numpy(real), kid_subsets=SUBSETS, kid_subset_size=size, verbose=False
    )
    return {"kid": found["kernel_inception_distance_mean"]}


def prdc_gan(real: Any, generated: Any) -> Values:
    """gan.metrics.scores.prdc."""
    from gan.metrics.scores.prdc import prdc

    return _means(prdc(real, generated, neighbours=NEIGHBOURS))


def prdc_package(real: Any, generated: Any) -> Values:
    """The package of Naeem et al."""
    from prdc import compute_prdc

    with contextlib.redirect_stdout(io.StringIO()):
        found = compute_prdc(real_features=real, fake_features=generated, nearest_k=NEIGHBOURS)
    return {name: float(value) for name, value in found.items()}


def prdc_torch_fidelity(real: Any, generated: Any) -> Values:
    """Only precision and recall."""
    import torch
    from torch_fidelity.metric_prc import prc_features_to_metric

    found = prc_features_to_metric(
        torch.from_numpy(generated), torch.from_numpy(real), prc_neighborhood=NEIGHBOURS, verbose=False
    )
    return {"precision": found["precision"], "recall": found["recall"]}


def all_scores_of_one_checkpoint(real: Any, generated: Any) -> Values:
    """All scores of `evaluate.metrics` with their intervals, as the step `evaluate` computes them from features."""
    from gan.config import Evaluate
    from gan.metrics.feature_batch import Comparison, FeatureBatch
    from gan.metrics.registry import METRICS

    protocol = Evaluate()
    batches = [FeatureBatch(each, np.full((len(each), 2), 0.5, np.float32)) for each in (real, generated)]
    comparison = Comparison(*batches, training=real, copy_ratios=np.ones(len(real)), protocol=protocol)
    scores: dict[str, Any] = {}
    for name in protocol.metrics:
        scores |= METRICS[name].measure(comparison)
    for each in scores.values():
        if each.contributions is not None:
            each.contributions()
    return {name: each.estimate(protocol.confidence).value for name, each in scores.items()}


def _means(indicators: Any) -> Values:
    return {name: float(each.mean()) for name, each in indicators._asdict().items()}


@dataclass(frozen=True)
class Section:
    """The implementations to compare at a number of features; relative differences must be below `tolerance`."""

    features: int
    tolerance: float
    implementations: Mapping[str, Implementation]


FID = {"gan": fid_gan, "torch-fidelity": fid_torch_fidelity, "pytorch-fid": fid_pytorch_fid}
KID = {"gan": kid_gan, "torch-fidelity": kid_torch_fidelity}
PRDC = {"gan": prdc_gan, "prdc": prdc_package, "torch-fidelity (precision, recall)": prdc_torch_fidelity}
ALL = {"gan: all scores of one checkpoint with intervals": all_scores_of_one_checkpoint}
SECTIONS = {
    "fid": Section(2048, 1e-3, FID),
    "kid": Section(2048, 0.05, KID),  # the subsets differ
    "prdc-2048": Section(2048, 0.02, PRDC),  # torch.cdist rounds to float32
    "prdc-64": Section(64, 0.02, PRDC),
    "all-64": Section(64, 0.0, ALL),
    "all-1280": Section(1280, 0.0, ALL),
}


def features(images: int, count: int) -> list[Any]:
    """Real and generated features [images, count]: correlated, rectified, and slightly different."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(64, count)).astype(np.float32) / 8
    return [
        np.maximum(
            rng.standard_normal((images, 64), np.float32) @ mixing
            + 0.3 * rng.standard_normal((images, count), np.float32)
            + np.float32(shift),
            0,
        )
        for shift in (0.2, 0.25)
    ]


def peak_mb(section: str, implementation: str, images: int) -> float:
    """The increase of peak memory by one call in a fresh process, in MB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return float(pool.apply(_peak_here, (section, implementation, images)))


def _peak_here(section: str, implementation: str, images: int) -> float:
    call, count = SECTIONS[section].implementations[implementation], SECTIONS[section].features
    call(*features(200, count))  # imports
    sets = features(images, count)
    Path("/proc/self/clear_refs").write_text("5")  # from here on the peak counts
    before = _status_mb("VmRSS")
    call(*sets)
    return _status_mb("VmHWM") - before


def _status_mb(key: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(key))


def run(name: str, section: Section, arguments: argparse.Namespace) -> None:
    """Measure a section and print its table."""
    implementations = dict(section.implementations)
    sets, warm = features(arguments.images, section.features), features(200, section.features)
    walls: dict[str, list[float]] = {each: [] for each in implementations}
    cpus: dict[str, list[float]] = {each: [] for each in implementations}
    values: dict[str, Values] = {}
    for call in implementations.values():
        call(*warm)
    for _ in range(arguments.rounds):
        for each, call in implementations.items():
            wall, cpu = time.perf_counter(), time.process_time()
            values[each] = call(*sets)
            walls[each].append(time.perf_counter() - wall)
            cpus[each].append(time.process_time() - cpu)
    print(f"\n{name}: {arguments.images:,} x {section.features:,}, {arguments.rounds} rounds", flush=True)
    own = next(iter(implementations))
    for each in implementations:
        ratio = statistics.median(a / b for a, b in zip(walls[own], walls[each], strict=True))
        cpu_ratio = statistics.median(a / b for a, b in zip(cpus[own], cpus[each], strict=True))
        print(
            f"  {each:50} {statistics.median(walls[each]):7.2f} s wall {statistics.median(cpus[each]):7.2f} s CPU   "
            f"gan / it: {ratio:.2f} wall {cpu_ratio:.2f} CPU   "
            + (f"peak {peak_mb(name, each, arguments.images):6.0f} MB   " if each in section.implementations else "")
            + ", ".join(f"{key} {value:.6g}" for key, value in values[each].items()),
            flush=True,
        )
        _check(name, section, each, values[own], values[each])


def _check(name: str, section: Section, implementation: str, own: Values, theirs: Values) -> None:
    for key, value in theirs.items():
        if abs(own[key] - value) > section.tolerance * max(abs(value), 0.01):
            raise SystemExit(f"{name}: {key} is {own[key]} by gan.metrics and {value} by {implementation}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=SECTIONS, action="append", help="this section; may be repeated")
    parser.add_argument("--images", type=int, default=10_000, help="on each side")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    for name in arguments.only or SECTIONS:
        run(name, SECTIONS[name], arguments)


if __name__ == "__main__":
    main()
