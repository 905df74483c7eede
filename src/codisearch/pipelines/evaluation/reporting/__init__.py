"""What people read and look at: figures, and the report in sections."""
