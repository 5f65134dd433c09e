"""The health check of 05 on companies whose failure patterns are known."""
