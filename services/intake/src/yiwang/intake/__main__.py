"""`python -m yiwang.intake`"""

from yiwang.kit import main

from .app import service

main(service)
