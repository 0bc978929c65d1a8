"""``crossdock demo``: stand-in shops, Crossdock, stand-in systems, and sample orders on their way between them.

The demo uses Crossdock as anybody would: the ``crossdock`` command, its configuration file, HTTP.
"""

from __future__ import annotations
