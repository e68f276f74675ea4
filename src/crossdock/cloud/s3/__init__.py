"""The embedded S3: buckets of many accounts, their policies and objects, answered as AWS answers."""
