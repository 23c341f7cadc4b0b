"""A Jira Cloud of our own: answers the calls we use as Atlassian documents them, keeps its issues in a file."""
