# SPDX-License-Identifier: Apache-2.0
variable "region" {
  type    = string
  default = "us-east-1"
}

variable "environment" {
  type        = string
  description = "Names everything: demeter-ENVIRONMENT."
  validation {
    condition     = can(regex("^[a-z][a-z0-9]{2,14}$", var.environment))
    error_message = "Lower case letters and digits, 3 to 15."
  }
}

variable "image" {
  type        = string
  description = "Image of the first start; deploy/scripts/ecs-roll replaces it later."
}

variable "site_name" {
  type        = string
  description = "Name that people use, without https://."
}

variable "certificate_arn" {
  type        = string
  description = "Certificate of site_name in ACM."
}

variable "zones" {
  type        = number
  default     = 2
  description = "Availability zones, 2 or 3."
  validation {
    condition     = var.zones == 2 || var.zones == 3
    error_message = "2 or 3."
  }
}

variable "cidr" {
  type    = string
  default = "10.80.0.0/16"
}

variable "database_class" {
  type    = string
  default = "db.m7g.large"
}

variable "database_gb" {
  type    = number
  default = 50
}

variable "database_multi_az" {
  type    = bool
  default = true
}

variable "redis_class" {
  type    = string
  default = "cache.t4g.small"
}

variable "auth0_domain" {
  type    = string
  default = ""
}

variable "auth0_audience" {
  type    = string
  default = ""
}

variable "otlp_endpoint" {
  type        = string
  default     = ""
  description = "OTLP/HTTP endpoint of the trace store; empty: off."
}

variable "alarm_email" {
  type = string
}

variable "budget_usd" {
  type    = number
  default = 500
}
