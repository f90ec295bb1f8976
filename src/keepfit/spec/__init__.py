"""The project file: the classes that parse it, and where each value came from."""
