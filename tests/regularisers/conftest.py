from __future__ import annotations

from tests.losses.conftest import automatic, finite_differences

__all__ = ["automatic", "finite_differences"]
