# SPDX-License-Identifier: Apache-2.0
# Three buckets: photos, pictures made of them, backups. Originals are never deleted by rule.
variable "name" { type = string }

locals {
  buckets = {
    original      = "${var.name}-photos-original"
    visualization = "${var.name}-photos-viz"
    backup        = "${var.name}-backup"
  }
}

resource "aws_s3_bucket" "this" {
  for_each = local.buckets
  bucket   = each.value
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each                = aws_s3_bucket.this
  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = aws_s3_bucket.this
  bucket   = each.value.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this
  bucket   = each.value.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = aws_s3_bucket.this
  bucket   = each.value.id
  rule {
    id     = "unfinished-uploads"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
  dynamic "rule" {
    for_each = each.key == "original" ? [30] : []
    content {
      id     = "originals-to-infrequent-access"
      status = "Enabled"
      filter {}
      transition {
        days          = rule.value
        storage_class = "STANDARD_IA"
      }
    }
  }
  dynamic "rule" {
    for_each = each.key == "visualization" ? [365] : []
    content {
      id     = "made-pictures-can-be-made-again"
      status = "Enabled"
      filter {}
      expiration {
        days = rule.value
      }
    }
  }
}

# Only TLS.
data "aws_iam_policy_document" "tls" {
  for_each = aws_s3_bucket.this
  statement {
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [each.value.arn, "${each.value.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "tls" {
  for_each = aws_s3_bucket.this
  bucket   = each.value.id
  policy   = data.aws_iam_policy_document.tls[each.key].json
}

# Counted for the alarm on the age of the backup.
resource "aws_s3_bucket_metric" "backup" {
  bucket = aws_s3_bucket.this["backup"].id
  name   = "all"
}

output "original" { value = aws_s3_bucket.this["original"].id }
output "visualization" { value = aws_s3_bucket.this["visualization"].id }
output "backup" { value = aws_s3_bucket.this["backup"].id }
output "arns" { value = [for b in aws_s3_bucket.this : b.arn] }
