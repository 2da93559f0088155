"""`python -m yiwang.kit.accounts`."""

from .._serve import main
from .app import service

main(service)
