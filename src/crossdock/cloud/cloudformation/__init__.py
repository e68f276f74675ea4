"""CloudFormation: templates in, stacks out; every resource is made on the same road as any caller's own calls."""
