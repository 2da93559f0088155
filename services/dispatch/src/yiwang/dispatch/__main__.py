"""`python -m yiwang.dispatch`"""

from yiwang.kit import main

from .app import service

main(service)
