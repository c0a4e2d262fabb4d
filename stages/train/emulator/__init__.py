"""``compute=sagemaker-local``: a training job as SageMaker would run it, on this machine and without Docker.

trainer.py     the client: sends the data, starts or finds the job, follows it, fetches the model
job.py         a job's folder: its request, its status, its log; what client and supervisor share
supervisor.py  what AWS does: fills /opt/ml, starts the container, copies checkpoints, takes the machine away
"""
