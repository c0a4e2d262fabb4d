"""The one image for training and serving; see ``Dockerfile`` and docs/container.md."""
