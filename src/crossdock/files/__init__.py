"""What all file protocols share: how a user is admitted, what a session may touch, how bytes come and go."""
