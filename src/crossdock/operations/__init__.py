"""What an AWS operation is, and the one road it takes: authorise, run, audit."""
