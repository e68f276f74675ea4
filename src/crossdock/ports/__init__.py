"""What the house needs from outside, and what its parts need of each other.

A port is a Protocol of at most eight methods, in the module of the need it serves. Each has one contract suite in
`tests/contract`, run on every adapter.
"""
