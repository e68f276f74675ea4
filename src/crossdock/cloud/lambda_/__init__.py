"""AWS Lambda: functions, who may invoke them, and their invocations."""
