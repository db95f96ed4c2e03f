"""The time zone in which the host reads cron: one setting of its controller for all schedules, not in its API."""

from __future__ import annotations

from dataclasses import dataclass

from components.kubernetes.connect import open_cluster
from gan.errors import ClusterError, NotFoundError
from pipelines.kfp.endpoint import DEFAULT_NAMESPACE
from pipelines.kubernetes.deployments import environment_of
from pipelines.schedule.cron import zone_of

CONTROLLER = "ml-pipeline-scheduledworkflow"
VARIABLE = "CRON_SCHEDULE_TIMEZONE"
UNSET = "UTC"  # the default of its image, and of Kubeflow's manifests


@dataclass(frozen=True)
class TimeZone:
    """A time zone, and where it comes from."""

    name: str
    source: str


def controller_zone(namespace: str, given: str | None) -> TimeZone:
    """The time zone of the schedule controller.

    Args:
        namespace: of the runs; the controller is there or in Kubeflow's own.
        given: by the user, who may lack the permission to read it.

    Raises:
        ConfigError: `given`, or what the controller is set to, is not a time zone.
    """
    if given is not None:
        zone_of(given)
        return TimeZone(given, "as --controller-zone says")
    why = ""
    for where in dict.fromkeys((namespace, DEFAULT_NAMESPACE)):
        try:
            found = _setting(where)
        except NotFoundError:
            why = f"there is no deployment {CONTROLLER}"
            continue
        except ClusterError as error:
            why = str(error)
            break
        zone_of(found)
        return TimeZone(found, f"{VARIABLE} of deployment {where}/{CONTROLLER}")
    return TimeZone(UNSET, f"assumed, as we can't read it: {why}; give --controller-zone where it is another")


def _setting(namespace: str) -> str:
    """The controller's environment variable, which Kubeflow's manifests take from a ConfigMap."""
    cluster = open_cluster(namespace)
    variables = environment_of(cluster, CONTROLLER)
    found = variables.get(VARIABLE) or variables.get("TZ")
    if found is None:
        return UNSET
    source = found.value_from and found.value_from.config_map_key_ref
    if source is None:
        return found.value or UNSET
    config = cluster.call(cluster.core.read_namespaced_config_map, source.name, namespace)
    return (config.data or {}).get(source.key) or UNSET
