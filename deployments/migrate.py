"""`python -m deployments.migrate`: the application's tables, as this version needs them. `up` does it by itself."""

import os
import sys

from db.migrate import upgrade
from deployments.settings import Settings
from tasks.core.errors import AdminRequired, ProductError


def main() -> int:
    """Migrate the database of DATABASE_URL; several hosts may do so at once."""
    try:
        settings = Settings.from_environment(os.environ)
        if settings.database_url is None:
            raise AdminRequired("DATABASE_URL is not set.")
        upgrade(settings.database_url.get_secret_value())
    except ProductError as error:
        sys.stderr.write(f"Error: {error.message}\n")
        return error.exit_code
    sys.stdout.write("The database has the tables of this version.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
