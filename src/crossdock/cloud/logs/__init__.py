"""CloudWatch Logs: groups lie in the state, their events in the log database; what the service logs goes there too.

Pages are in order of arrival, and each page by time: events that arrive late come on a later page than on AWS.
"""
