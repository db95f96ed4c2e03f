"""What the report and notify steps gather from the store."""
