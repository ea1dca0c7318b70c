# SPDX-License-Identifier: Apache-2.0
resource "aws_sns_topic" "alarms" {
  name              = "${local.name}-alarms"
  kms_master_key_id = "alias/aws/sns"
}

resource "aws_sns_topic_subscription" "mail" {
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

locals {
  alarms = {
    errors = {
      namespace  = "AWS/ApplicationELB", metric = "HTTPCode_Target_5XX_Count", statistic = "Sum", above = 20
      dimensions = { LoadBalancer = aws_lb.edge.arn_suffix }
    }
    no-api = {
      namespace  = "AWS/ApplicationELB", metric = "UnHealthyHostCount", statistic = "Minimum", above = 0
      dimensions = { LoadBalancer = aws_lb.edge.arn_suffix, TargetGroup = aws_lb_target_group.api.arn_suffix }
    }
    database-cpu = {
      namespace  = "AWS/RDS", metric = "CPUUtilization", statistic = "Average", above = 85
      dimensions = { DBInstanceIdentifier = local.name }
    }
    redis-memory = {
      namespace  = "AWS/ElastiCache", metric = "DatabaseMemoryUsagePercentage", statistic = "Average", above = 80
      dimensions = { ReplicationGroupId = local.name }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "high" {
  for_each            = local.alarms
  alarm_name          = "${local.name}-${each.key}"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  statistic           = each.value.statistic
  dimensions          = each.value.dimensions
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  period              = 300
  evaluation_periods  = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "database_room" {
  alarm_name          = "${local.name}-database-room"
  namespace           = "AWS/RDS"
  metric_name         = "FreeStorageSpace"
  statistic           = "Minimum"
  dimensions          = { DBInstanceIdentifier = local.name }
  comparison_operator = "LessThanThreshold"
  threshold           = var.database_gb * 1073741824 * 0.15
  period              = 300
  evaluation_periods  = 3
  alarm_actions       = [aws_sns_topic.alarms.arn]
}

# The backup writes an object each night; a day without one is a fault.
resource "aws_cloudwatch_metric_alarm" "backup_age" {
  alarm_name          = "${local.name}-backup-age"
  namespace           = "AWS/S3"
  metric_name         = "PutRequests"
  statistic           = "Sum"
  dimensions          = { BucketName = module.photos.backup, FilterId = "all" }
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 86400
  evaluation_periods  = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
}

resource "aws_budgets_budget" "month" {
  name         = local.name
  budget_type  = "COST"
  limit_amount = tostring(var.budget_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"
  notification {
    comparison_operator        = "GREATER_THAN"
    threshold                  = 80
    threshold_type             = "PERCENTAGE"
    notification_type          = "FORECASTED"
    subscriber_email_addresses = [var.alarm_email]
  }
}
