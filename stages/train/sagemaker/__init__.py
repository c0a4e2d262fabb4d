"""``compute=sagemaker``: a training job in SageMaker, submitted, followed, and its model fetched."""
