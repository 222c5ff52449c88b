"""What has no home of its own yet."""
