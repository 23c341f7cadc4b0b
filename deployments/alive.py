"""`python -m deployments.alive URL`: the liveness of a part, for container health checks; images have no curl."""

import sys
from http.client import HTTPException
from urllib.request import urlopen

SECONDS = 5


def main() -> int:
    """0 when the address answers with success."""
    try:
        with urlopen(sys.argv[1], timeout=SECONDS):  # noqa: S310 - an operator's own health check
            return 0
    except (OSError, HTTPException) as error:
        sys.stderr.write(f"{sys.argv[1]}: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
