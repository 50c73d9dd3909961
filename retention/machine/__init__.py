"""One machine: the embedded database and broker, and the command that runs everything."""
