"""``python -m yiwang.evaluation``"""

from __future__ import annotations

from yiwang.kit import main

from .app import service

main(service)
