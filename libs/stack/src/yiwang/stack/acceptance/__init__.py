"""`yiwang acceptance`: what a node of a class must have and how fast it must answer, measured on the running node.

`items` reads the requirements (data), `site` is the node under test, `trial` sends test reports through it and voids
them, `times`, `holdings`, `standing` judge one requirement each, `report` writes the 验收 report.
"""

from .items import Book, Finding, Item, RulesError, load

__all__ = ["Book", "Finding", "Item", "RulesError", "load"]
