"""What jobs, endpoints and hosts in an AWS account share: clients, tags, and one sentence for what AWS answers."""
