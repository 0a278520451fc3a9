"""Puts blessed models into service, one version after another, and takes them out of service again."""
