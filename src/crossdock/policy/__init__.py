"""The IAM policy engine: documents, matching, conditions and decisions, all functions of their arguments."""
