"""The ports, answered: by this computer, by the embedded cloud, by AWS, and in memory for tests."""
