"""HTTP beyond routes: building and serving the app, and the parts of a refusal."""

from ._codes import DEPENDENCY_DOWN, NO_SUCH_PATH
from ._fast import Asked
from ._http import build_http, close_http, http_server, serve_http, sse
from ._http_errors import invalid, problem_of
from ._problems import ProblemBody, error_codes
from ._tokens import IdentitySettings, Keys, Verifier

__all__ = [
    "DEPENDENCY_DOWN",
    "NO_SUCH_PATH",
    "Asked",
    "IdentitySettings",
    "Keys",
    "ProblemBody",
    "Verifier",
    "build_http",
    "close_http",
    "error_codes",
    "http_server",
    "invalid",
    "problem_of",
    "serve_http",
    "sse",
]
