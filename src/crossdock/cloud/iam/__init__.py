"""Embedded IAM: roles, policies, users, and the answer to "may this caller do that?"."""
