"""Secrets Manager: versions and stages, values sealed at rest."""
