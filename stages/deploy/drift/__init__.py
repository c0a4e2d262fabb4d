"""Is what the service sees, and what it answers, still like what the model was made for?

``measures`` turns pictures and answers into histograms, ``reference`` packs those of the training data into the bundle,
``captured`` reads what SageMaker kept of requests, ``compare`` sets both side by side, ``report`` writes it down.
"""
