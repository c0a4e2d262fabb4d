"""Training as SageMaker runs it: everything lies in ``/opt/ml``, the end is an exit status and a sentence."""
