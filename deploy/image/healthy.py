"""The container's health check: exit 0 when the process in it is ready, else say what it waits for and exit 1.

healthy.py                                  this container's own /readyz
healthy.py http://intake:8080/readyz …      others'
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request


def main(urls: list[str]) -> int:
    """Ask each; all must answer 200."""
    own = f"http://127.0.0.1:{os.environ.get('YIWANG_HTTP_PORT', '8080')}/readyz"
    waiting = [f"{url}: {why}" for url in urls or [own] if (why := ask(url))]
    print("\n".join(waiting) or "ready")
    return 1 if waiting else 0


def ask(url: str) -> str:
    """What keeps it from being ready, "" when it is."""
    try:
        with urllib.request.urlopen(url, timeout=4) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        return error.read().decode(errors="replace")[:500]
    except OSError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
