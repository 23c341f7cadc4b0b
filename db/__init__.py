"""Memory: enums, models, repositories, sessions, migrations. Nothing here knows Prefect."""
