"""The gateway's ports answered by the embedded cloud: every call takes the road that the API takes."""
