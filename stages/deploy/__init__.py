"""The detector as a service: a bundle, a server, and targets that serve one with the other; see ``deploy.deploy``."""
