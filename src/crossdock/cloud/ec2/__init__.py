"""EC2, as far as Transfer needs it: security groups, and the ids of a default network.

There are no machines and no networks here. What a group lets in is enforced for the servers that name it (`ingress`).
"""
