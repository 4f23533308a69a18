"""The pure core: values in, values out. It knows no event loop, clock, file, socket and not pytest."""
