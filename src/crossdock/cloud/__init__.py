"""The embedded AWS: accounts and the services that hold roles, policies, buckets, secrets and functions."""
