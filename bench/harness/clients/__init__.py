"""Clients as processes of their own: what they are told, how they are run, how they work."""
