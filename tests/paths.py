"""Where tests find material that is not the project's own; None where it is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

_SHARED = Path(__file__).resolve().parents[2] / "shared"
SHARED = _SHARED if _SHARED.is_dir() else None
WEBHOOKS = SHARED / "contracts" / "data" / "webhooks" if SHARED else None

needs_shared = pytest.mark.skipif(SHARED is None, reason="the contracts' data lie beside the repository, not in it")
