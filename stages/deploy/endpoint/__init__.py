"""The service in SageMaker: what it is made of, how it is rolled out and back, watched, and taken down again.

``names`` and ``requests`` are pure; ``account`` is the one place that calls AWS; ``rollout``, ``rollback`` and
``teardown`` change what is there, each under the ``lease``; ``status`` and ``cost`` only look.
"""
