"""`make test-aws`: the article's two accounts on AWS itself, with a person's own profiles; see docs/aws.md."""
