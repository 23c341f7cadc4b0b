"""The REST calls, one file per resource."""
