"""AWS's wire protocols as pure functions over botocore service models: no I/O, no clock, no randomness."""
