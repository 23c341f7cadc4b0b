"""`python -m deployments.cli` is `drupal-tickets`."""

from deployments.cli.app import main

main()
