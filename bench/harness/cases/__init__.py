"""What is measured of every protocol in the same way."""
