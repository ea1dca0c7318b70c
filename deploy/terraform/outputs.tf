# SPDX-License-Identifier: Apache-2.0
output "address" {
  value       = aws_lb.edge.dns_name
  description = "Point the name of the site here."
}

output "repository" {
  value = aws_ecr_repository.demeter.repository_url
}

output "secret" {
  value       = aws_secretsmanager_secret.demeter.name
  description = "Where the passwords are."
}
