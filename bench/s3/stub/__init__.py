"""An S3 that costs next to nothing: it throws away what is put, and answers with zeros."""
