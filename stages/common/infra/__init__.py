"""What is made once in an AWS account: ``infra/stack.yaml`` as a CloudFormation stack; see ``stack``."""
