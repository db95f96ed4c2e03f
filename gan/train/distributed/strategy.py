"""Which devices train a run together.

Several GPUs of one machine: all that are visible share each batch (`tf.distribute.MirroredStrategy`).
Several machines: a process on each with all its GPUs (`tf.distribute.MultiWorkerMirroredStrategy`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from gan.errors import WorkerLostError
from gan.train.distributed.rendezvous import rendezvous
from gan.train.distributed.replicas import Replicas, SharedReplicas
from gan.train.distributed.workers import Workers
from gan.train.stop_signals import StopRequest, install_again

_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)


def join(workers: Workers, stop: StopRequest) -> Replicas:
    """The replicas that share each batch. With other workers, waits until all of them are there.

    Call it before TensorFlow computes anything: how processes communicate is settled then.

    Raises:
        ConfigError, WorkerLostError, Stopped: see `gan.train.distributed.rendezvous.rendezvous`.
    """
    if workers.count == 1:
        devices = _local_devices()
        return SharedReplicas(tf.distribute.MirroredStrategy(devices)) if len(devices) > 1 else Replicas()
    rendezvous(workers, stop)
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(workers.addresses)}),
        task_type="worker",
        task_id=workers.index,
        rpc_layer="grpc",
    )
    strategy = tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    install_again()  # TensorFlow takes SIGTERM for itself when it joins others (2.21)
    return SharedReplicas(strategy, workers.index, workers.count)


@contextmanager
def worker_errors_translated(workers: Workers) -> Iterator[None]:
    """Turns what TensorFlow says when it has lost a worker into an error of ours."""
    try:
        yield
    except _LOST as error:
        if workers.count == 1:
            raise
        reason = next((line for line in str(error).splitlines() if "/task:" in line), str(error).partition("\n")[0])
        raise WorkerLostError(
            f"worker {workers.index} of {workers.count} lost another one, and a step takes all of them: "
            f"{reason.strip()}. See how that one ended; the same command on all of them goes on from the last one saved"
        ) from None


def _local_devices() -> list[str]:
    """The GPUs, or else the CPU, as logical devices; asked for without starting TensorFlow."""
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    parts = [tf.config.get_logical_device_configuration(each) for each in tf.config.list_physical_devices(kind)]
    return [f"{kind}:{index}" for index in range(sum(len(each or [None]) for each in parts))]
