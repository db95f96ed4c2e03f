"""The schedules of Kubeflow Pipelines behind `kfp_api.serve`: stored and returned in the form of a real 2.14 backend.

It starts no runs by itself; a test adds those that a controller would have started.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from support.kfp_api import Asked, Said, error

API = "/apis/v2beta1"
MAX_DESCRIPTION_LENGTH = 255


@dataclass
class Kept:
    """What the backend keeps; `routes` answers for it. `account`: whom all scheduled runs are, as before 2.17."""

    schedules: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    versions: dict[str, dict[str, Any]] = field(default_factory=dict)
    experiments: list[dict[str, Any]] = field(default_factory=list)
    routes: dict[str, Any] = field(default_factory=dict)
    account: str | None = None
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.routes |= {
            f"GET {API}/recurringruns": lambda asked: _listed(
                "recurringRuns", _filtered(asked, self.schedules.values())
            ),
            f"POST {API}/recurringruns": self._make_schedule,
            f"GET {API}/runs": lambda asked: _listed("runs", self._runs_of(asked)),
            f"POST {API}/runs": self._make_run,
            f"GET {API}/experiments": lambda asked: _listed("experiments", _filtered(asked, self.experiments)),
            f"POST {API}/experiments": self._make_experiment,
            f"GET {API}/pipelines": Said({"pipelines": [{"pipeline_id": "p1", "display_name": "gan-training"}]}),
            f"GET {API}/pipelines/p1/versions": lambda asked: _listed(
                "pipeline_versions", _filtered(asked, self.versions.values())
            ),
            f"POST {API}/pipelines/upload_version": self._upload,
        }

    def begin(self, schedule: str, scheduled_at: str, state: str = "RUNNING") -> dict[str, Any]:
        """A run that the controller began."""
        found = self.schedules[schedule]
        run = {
            "run_id": f"run{next(self._numbers)}",
            "display_name": "auto",
            "state": state,
            "scheduled_at": scheduled_at,
        }
        run |= {"recurring_run_id": schedule, "created_at": scheduled_at, "experiment_id": found["experiment_id"]}
        self._keep(run)
        return run

    def _make_schedule(self, asked: Asked) -> Said:
        if len(asked.json["description"]) > MAX_DESCRIPTION_LENGTH:
            return error(500, "Error 1406 (22001): Data too long for column 'Description' at row 1")
        number = next(self._numbers)
        kept = {**asked.json, "recurring_run_id": f"s{number}", "created_at": f"2026-11-23T22:00:{number:02}Z"}
        kept |= {"service_account": self.account or kept["service_account"]}
        self.schedules[f"s{number}"] = kept
        self._mode(kept, asked.json["mode"])
        path = f"{API}/recurringruns/s{number}"
        self.routes |= {
            f"POST {path}:enable": lambda _: self._mode(kept, "ENABLE"),
            f"POST {path}:disable": lambda _: self._mode(kept, "DISABLE"),
            f"DELETE {path}": lambda _: Said(self.schedules.pop(f"s{number}") and {}),
        }
        return Said(kept)

    def _mode(self, kept: dict[str, Any], mode: str) -> Said:
        kept |= {"mode": mode, "status": f"{mode}D"}
        return Said({})

    def _make_run(self, asked: Asked) -> Said:
        run = {
            **asked.json,
            "run_id": f"run{next(self._numbers)}",
            "state": "PENDING",
            "created_at": "2026-11-23T22:30:00Z",
        }
        self._keep(run)
        return Said(run)

    def _keep(self, run: dict[str, Any]) -> None:
        self.runs.insert(0, run)
        self.routes[f"GET {API}/runs/{run['run_id']}"] = lambda _: Said(run)

    def _make_experiment(self, asked: Asked) -> Said:
        made = {**asked.json, "experiment_id": f"e{next(self._numbers)}"}
        self.experiments.append(made)
        return Said(made)

    def _upload(self, asked: Asked) -> Said:
        name, about = asked.query["name"][0], asked.query["description"][0]
        made = {
            "pipeline_id": "p1",
            "pipeline_version_id": name,
            "display_name": name,
            "name": name,
            "description": about,
        }
        self.versions[name] = made
        self.routes[f"GET {API}/pipelines/p1/versions/{name}"] = Said(made)
        return Said(made)

    def _runs_of(self, asked: Asked) -> list[dict[str, Any]]:
        (wanted,) = asked.query["experiment_id"]
        return [run for run in self.runs if run["experiment_id"] == wanted]


def _listed(kind: str, items: Any) -> Said:
    found = list(items)
    return Said({kind: found, "total_size": len(found)} if found else {})


def _filtered(asked: Asked, items: Any) -> list[dict[str, Any]]:
    """Those that the filter of a request lets through."""
    if "filter" not in asked.query:
        return list(items)
    (predicate,) = json.loads(asked.query["filter"][0])["predicates"]
    key = "display_name" if predicate["key"] in ("name", "display_name") else predicate["key"]
    return [item for item in items if item.get(key) == predicate["stringValue"]]
