# SPDX-License-Identifier: Apache-2.0
# RDS PostgreSQL with the tuning of docs/deployment.md, ElastiCache Redis with TLS and a token.
variable "name" { type = string }
variable "subnets" { type = list(string) }
variable "database_group" { type = string }
variable "redis_group" { type = string }
variable "database_class" { type = string }
variable "database_gb" { type = number }
variable "database_multi_az" { type = bool }
variable "redis_class" { type = string }

resource "random_password" "database" {
  length  = 40
  special = false
}

resource "random_password" "redis" {
  length  = 40
  special = false
}

resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnets
}

resource "aws_db_parameter_group" "this" {
  name   = var.name
  family = "postgres17"
  # Blocks of 8 kB: 1 GB and 4 GB.
  dynamic "parameter" {
    for_each = {
      shared_buffers       = "131072"
      effective_cache_size = "524288"
      max_connections      = "200"
    }
    content {
      name         = parameter.key
      value        = parameter.value
      apply_method = "pending-reboot"
    }
  }
  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
}

resource "aws_db_instance" "this" {
  identifier                   = var.name
  engine                       = "postgres"
  engine_version               = "17"
  instance_class               = var.database_class
  allocated_storage            = var.database_gb
  max_allocated_storage        = var.database_gb * 4
  storage_type                 = "gp3"
  storage_encrypted            = true
  db_name                      = "demeterai"
  username                     = "demeter"
  password                     = random_password.database.result
  db_subnet_group_name         = aws_db_subnet_group.this.name
  parameter_group_name         = aws_db_parameter_group.this.name
  vpc_security_group_ids       = [var.database_group]
  multi_az                     = var.database_multi_az
  publicly_accessible          = false
  backup_retention_period      = 30
  backup_window                = "06:00-07:00"
  copy_tags_to_snapshot        = true
  deletion_protection          = true
  skip_final_snapshot          = false
  final_snapshot_identifier    = "${var.name}-last"
  performance_insights_enabled = true
  auto_minor_version_upgrade   = true
}

resource "aws_elasticache_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnets
}

resource "aws_elasticache_parameter_group" "this" {
  name   = var.name
  family = "redis7"
  parameter {
    name  = "maxmemory-policy"
    value = "allkeys-lru"
  }
}

resource "aws_elasticache_replication_group" "this" {
  replication_group_id       = var.name
  description                = "Demeter: news of jobs; the jobs themselves are in the database"
  engine                     = "redis"
  engine_version             = "7.1"
  node_type                  = var.redis_class
  num_cache_clusters         = 1
  parameter_group_name       = aws_elasticache_parameter_group.this.name
  subnet_group_name          = aws_elasticache_subnet_group.this.name
  security_group_ids         = [var.redis_group]
  at_rest_encryption_enabled = true
  transit_encryption_enabled = true
  auth_token                 = random_password.redis.result
}

output "database_host" { value = aws_db_instance.this.address }
output "redis_host" { value = aws_elasticache_replication_group.this.primary_endpoint_address }

output "database_password" {
  value     = random_password.database.result
  sensitive = true
}

output "redis_password" {
  value     = random_password.redis.result
  sensitive = true
}
