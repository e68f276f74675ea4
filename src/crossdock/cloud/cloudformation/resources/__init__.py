"""The resource types that stacks can hold, one module a service; `table.py` lists them."""
