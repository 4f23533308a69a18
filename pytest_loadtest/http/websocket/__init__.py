"""WebSockets on the connections of a virtual user, by the `websockets` library."""
