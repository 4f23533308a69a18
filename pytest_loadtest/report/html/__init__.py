"""What a load test looks like in HTML: its part of a report, and the page of a whole run."""
