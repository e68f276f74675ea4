"""The AWS APIs over HTTP: who calls, what is asked, one road, and the answer in AWS's shape."""
