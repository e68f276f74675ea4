"""The fast client: a process of its own that costs so little that the server is what is measured."""
