"""Which devices train a run together.

One machine: all visible GPUs share each batch (`tf.distribute.MirroredStrategy`).
Several machines: one process on each, with all its GPUs (`tf.distribute.MultiWorkerMirroredStrategy`).
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
    """The replicas that share each batch. With several workers, waits until all of them are connected.

    Call it before TensorFlow computes anything: its first op fixes how processes communicate.

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
    install_again()  # TensorFlow (2.21) replaces the handler of SIGTERM when it connects workers
    return SharedReplicas(strategy, workers.index, workers.count)


@contextmanager
def worker_errors_translated(workers: Workers) -> Iterator[None]:
    """Translate the errors that TensorFlow raises when a worker is lost."""
    try:
        yield
    except _LOST as error:
        if workers.count == 1:
            raise
        reason = next((line for line in str(error).splitlines() if "/task:" in line), str(error).partition("\n")[0])
        raise WorkerLostError(
            f"worker {workers.index} of {workers.count} lost another one, and a step needs all of them: "
            f"{reason.strip()}. See why it ended; the same command on all of them resumes from the last checkpoint"
        ) from None


def _local_devices() -> list[str]:
    """The logical GPUs, or CPUs if there are none, listed without initialising TensorFlow."""
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    configured = [tf.config.get_logical_device_configuration(each) for each in tf.config.list_physical_devices(kind)]
    return [f"{kind}:{index}" for index in range(sum(len(each or [None]) for each in configured))]
