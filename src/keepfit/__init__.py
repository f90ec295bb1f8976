"""keepfit: state the problem once; it builds a model, proves it fit, ships it, watches it, and refits it."""
