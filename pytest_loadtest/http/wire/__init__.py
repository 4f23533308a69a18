"""Bytes on sockets: connections, how they are made, how answers are read. Knows neither users nor names."""
