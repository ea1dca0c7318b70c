# SPDX-License-Identifier: Apache-2.0
locals {
  name  = "demeter-${var.environment}"
  local = var.auth0_domain == ""
  sizes = {
    # CPU units and MiB that Fargate offers, at or above the reservations of docs/deployment.md
    api        = { cpu = 1024, memory = 2048, least = 2, most = 4 }
    worker-cpu = { cpu = 2048, memory = 4096, least = 1, most = 4 }
    worker-io  = { cpu = 512, memory = 1024, least = 1, most = 2 }
    monitor    = { cpu = 256, memory = 512, least = 1, most = 1 }
  }
}

module "network" {
  source = "./modules/network"
  name   = local.name
  cidr   = var.cidr
  zones  = var.zones
  region = var.region
}

module "stores" {
  source            = "./modules/stores"
  name              = local.name
  subnets           = module.network.data_subnets
  database_group    = module.network.database_group
  redis_group       = module.network.redis_group
  database_class    = var.database_class
  database_gb       = var.database_gb
  database_multi_az = var.database_multi_az
  redis_class       = var.redis_class
}

module "photos" {
  source = "./modules/photos"
  name   = local.name
}

resource "random_password" "made" {
  for_each = toset(["jwt_secret", "flower_password"])
  length   = 64
  special  = false
}

resource "aws_secretsmanager_secret" "demeter" {
  name                    = "${local.name}/settings"
  recovery_window_in_days = 30
}

resource "aws_secretsmanager_secret_version" "demeter" {
  secret_id = aws_secretsmanager_secret.demeter.id
  secret_string = jsonencode({
    POSTGRES_PASSWORD = module.stores.database_password
    REDIS_PASSWORD    = module.stores.redis_password
    JWT_SECRET        = random_password.made["jwt_secret"].result
    FLOWER_PASSWORD   = random_password.made["flower_password"].result
  })
}

resource "aws_ecr_repository" "demeter" {
  name                 = local.name
  image_tag_mutability = "IMMUTABLE"
  image_scanning_configuration {
    scan_on_push = true
  }
  encryption_configuration {
    encryption_type = "KMS"
  }
}

resource "aws_ecs_cluster" "demeter" {
  name = local.name
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

locals {
  settings = {
    APP_ENV                     = "production"
    LOG_LEVEL                   = "WARNING"
    LOG_FORMAT                  = "json"
    METRICS_LISTEN              = "0.0.0.0:9464"
    POSTGRES_HOST               = module.stores.database_host
    POSTGRES_SSLMODE            = "require"
    POSTGRES_USER               = "demeter"
    POSTGRES_DB                 = "demeterai"
    REDIS_URL                   = "rediss://${module.stores.redis_host}:6379/0"
    STORAGE_BACKEND             = "s3"
    AWS_REGION                  = var.region
    S3_BUCKET_ORIGINAL          = module.photos.original
    S3_BUCKET_VISUALIZATION     = module.photos.visualization
    BACKUP_URL                  = "s3:${module.photos.backup}"
    AUTH0_DOMAIN                = var.auth0_domain
    AUTH0_API_AUDIENCE          = var.auth0_audience
    AUTH_LOCAL_ENABLED          = local.local ? "true" : "auto"
    PUBLIC_BASE_URL             = "https://${var.site_name}"
    TRUSTED_PROXIES             = var.cidr
    OTEL_ENABLED                = var.otlp_endpoint == "" ? "false" : "true"
    OTEL_EXPORTER_OTLP_ENDPOINT = var.otlp_endpoint
    FLOWER_USER                 = "admin"
  }
  commands = {
    api        = ["demeter", "serve", "--host", "0.0.0.0", "--port", "8000", "--workers", "0"]
    worker-cpu = ["demeter", "worker", "--pool", "prefork", "--concurrency", "2", "--queues", "gpu_queue,cpu_queue,default"]
    worker-io  = ["demeter", "worker", "--pool", "async", "--concurrency", "50", "--queues", "io_queue"]
    monitor    = ["demeter", "monitor", "--host", "0.0.0.0", "--port", "5555", "--url-prefix", "flower"]
  }
}

module "service" {
  source         = "./modules/service"
  for_each       = local.commands
  name           = local.name
  role           = each.key
  command        = each.value
  image          = var.image
  cpu            = local.sizes[each.key].cpu
  memory         = local.sizes[each.key].memory
  least          = local.sizes[each.key].least
  most           = local.sizes[each.key].most
  cluster        = aws_ecs_cluster.demeter
  subnets        = module.network.app_subnets
  group          = module.network.app_group
  settings       = local.settings
  secret         = aws_secretsmanager_secret.demeter.arn
  region         = var.region
  buckets        = module.photos.arns
  target_group   = each.key == "api" ? aws_lb_target_group.api.arn : null
  stop_timeout_s = startswith(each.key, "worker") ? 120 : 35
}

# One-shot: the schema, run by deploy/scripts/ecs-roll before the services.
module "migrate" {
  source         = "./modules/service"
  name           = local.name
  role           = "migrate"
  command        = ["demeter", "migrate", "up", "--wait", "60s"]
  image          = var.image
  cpu            = 256
  memory         = 512
  least          = 0
  most           = 0
  cluster        = aws_ecs_cluster.demeter
  subnets        = module.network.app_subnets
  group          = module.network.app_group
  settings       = local.settings
  secret         = aws_secretsmanager_secret.demeter.arn
  region         = var.region
  buckets        = module.photos.arns
  target_group   = null
  stop_timeout_s = 35
}
