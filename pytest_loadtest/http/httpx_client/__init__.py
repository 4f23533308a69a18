"""Real clients of httpx on the connections of a virtual user, or, for HTTP/2, on httpx's own."""
