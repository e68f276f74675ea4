"""The file protocols beside other servers: `python -m bench.ftp`."""
