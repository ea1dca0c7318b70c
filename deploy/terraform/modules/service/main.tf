# SPDX-License-Identifier: Apache-2.0
# One role of the program on Fargate: task definition, log group, service, scaling. least = 0 makes the
# task definition alone.
variable "name" { type = string }
variable "role" { type = string }
variable "command" { type = list(string) }
variable "image" { type = string }
variable "cpu" { type = number }
variable "memory" { type = number }
variable "least" { type = number }
variable "most" { type = number }
variable "cluster" { type = object({ id = string, name = string }) }
variable "subnets" { type = list(string) }
variable "group" { type = string }
variable "settings" { type = map(string) }
variable "secret" { type = string }
variable "region" { type = string }
variable "buckets" { type = list(string) }
variable "target_group" { type = string }
variable "stop_timeout_s" { type = number }

locals {
  full    = "${var.name}-${var.role}"
  runs    = var.least > 0
  secrets = ["POSTGRES_PASSWORD", "REDIS_PASSWORD", "JWT_SECRET", "FLOWER_PASSWORD"]
  names   = { api = "demeterai-api", worker-cpu = "demeterai-celery-cpu", worker-io = "demeterai-celery-io", monitor = "demeterai-flower" }
}

data "aws_iam_policy_document" "tasks" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

# What starts the task: image, log, secrets.
resource "aws_iam_role" "start" {
  name               = "${local.full}-start"
  assume_role_policy = data.aws_iam_policy_document.tasks.json
}

resource "aws_iam_role_policy_attachment" "start" {
  role       = aws_iam_role.start.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

data "aws_iam_policy_document" "secret" {
  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [var.secret]
  }
}

resource "aws_iam_role_policy" "secret" {
  role   = aws_iam_role.start.id
  policy = data.aws_iam_policy_document.secret.json
}

# What the program may do: its own buckets and nothing else.
resource "aws_iam_role" "task" {
  name               = "${local.full}-task"
  assume_role_policy = data.aws_iam_policy_document.tasks.json
}

data "aws_iam_policy_document" "photos" {
  statement {
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    resources = [for arn in var.buckets : "${arn}/*"]
  }
  statement {
    actions   = ["s3:ListBucket"]
    resources = var.buckets
  }
}

resource "aws_iam_role_policy" "photos" {
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.photos.json
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/${var.name}/${var.role}"
  retention_in_days = 30
}

resource "aws_ecs_task_definition" "this" {
  family                   = local.full
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.start.arn
  task_role_arn            = aws_iam_role.task.arn
  volume {
    name = "data"
  }
  volume {
    name = "run"
  }
  volume {
    name = "tmp"
  }
  container_definitions = jsonencode([{
    name                   = var.role
    image                  = var.image
    command                = var.command
    essential              = true
    user                   = "1000:1000"
    readonlyRootFilesystem = true
    stopTimeout            = var.stop_timeout_s
    linuxParameters        = { initProcessEnabled = false, capabilities = { drop = ["ALL"] } }
    portMappings           = [{ containerPort = var.role == "monitor" ? 5555 : 8000 }, { containerPort = 9464 }]
    mountPoints = [
      { sourceVolume = "data", containerPath = "/var/lib/demeter" },
      { sourceVolume = "run", containerPath = "/run/demeter" },
      { sourceVolume = "tmp", containerPath = "/tmp" },
    ]
    environment = [for k, v in merge(var.settings, { OTEL_SERVICE_NAME = lookup(local.names, var.role, "demeterai-${var.role}") }) :
    { name = k, value = v } if v != "" && v != null]
    secrets     = [for s in local.secrets : { name = s, valueFrom = "${var.secret}:${s}::" }]
    healthCheck = { command = ["CMD", "demeter", "healthcheck"], interval = 15, timeout = 5, retries = 5, startPeriod = 60 }
    logConfiguration = {
      logDriver = "awslogs"
      options   = { awslogs-group = aws_cloudwatch_log_group.this.name, awslogs-region = var.region, awslogs-stream-prefix = var.role }
    }
  }])
}

resource "aws_ecs_service" "this" {
  count                              = local.runs ? 1 : 0
  name                               = var.role
  cluster                            = var.cluster.id
  task_definition                    = aws_ecs_task_definition.this.arn
  desired_count                      = var.least
  launch_type                        = "FARGATE"
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  network_configuration {
    subnets         = var.subnets
    security_groups = [var.group]
  }
  dynamic "load_balancer" {
    for_each = var.target_group == null ? [] : [var.target_group]
    content {
      target_group_arn = load_balancer.value
      container_name   = var.role
      container_port   = 8000
    }
  }
  lifecycle {
    # Image and number are changed by deploy/scripts/ecs-roll and by scaling.
    ignore_changes = [task_definition, desired_count]
  }
}

resource "aws_appautoscaling_target" "this" {
  count              = local.runs && var.most > var.least ? 1 : 0
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${var.cluster.name}/${aws_ecs_service.this[0].name}"
  min_capacity       = var.least
  max_capacity       = var.most
}

resource "aws_appautoscaling_policy" "cpu" {
  count              = local.runs && var.most > var.least ? 1 : 0
  name               = "${local.full}-cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = aws_appautoscaling_target.this[0].resource_id
  target_tracking_scaling_policy_configuration {
    target_value       = 70
    scale_in_cooldown  = 300
    scale_out_cooldown = 60
    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}
