from pathlib import Path

from deployments.settings import Settings

GIVEN = {
    "DRUPAL_TICKETS_HOME": "/srv/tickets",
    "DATABASE_URL": "postgresql://someone:hunter2@db/tickets",
    "JIRA_URL": "https://example.atlassian.net",
    "JIRA_API_TOKEN": "hunter3",
}


def test_another_process_reads_the_same_settings() -> None:
    settings = Settings.from_environment(GIVEN)
    assert settings.environment() == GIVEN
    assert Settings.from_environment(settings.environment()) == settings


def test_an_empty_variable_counts_as_not_set() -> None:
    assert Settings.from_environment({"DATABASE_URL": "", "DRUPAL_TICKETS_HOME": ""}).database_url is None


def test_the_home_is_an_absolute_path_below_the_persons_own() -> None:
    assert Settings.from_environment({}).home == Path.home() / ".drupal-tickets"
    assert Settings.from_environment({"DRUPAL_TICKETS_HOME": "here"}).home == Path.cwd() / "here"


def test_no_secret_shows_when_settings_are_printed() -> None:
    assert "hunter" not in repr(Settings.from_environment(GIVEN))
