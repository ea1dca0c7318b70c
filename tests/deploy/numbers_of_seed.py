# SPDX-License-Identifier: Apache-2.0
"""Figures of the seed document for production; docs/deployment.md has the same table."""
G, M = 2**30, 2**20

# service: CPUs, memory, reserved CPUs, reserved memory
PROD = {
    "db": (4, 4 * G, 2, 2 * G),
    "redis": (1, 2 * G, 0.5, 1 * G),
    "api": (4, 4 * G, 1, 1 * G),
    "worker-cpu": (6, 6 * G, 2, 2 * G),
    "worker-io": (2, 2 * G, 0.5, 512 * M),
    "monitor": (0.5, 512 * M, 0.1, 128 * M),
    "otel-collector": (1, 1 * G, 0.25, 256 * M),
    "prometheus": (1, 1 * G, 0.25, 256 * M),
    "grafana": (1, 1 * G, 0.25, 256 * M),
}
PROD_DB = ("shared_buffers=1GB", "effective_cache_size=4GB", "max_connections=200")
# service: variable of its image in deploy/compose/versions.env; the others are ours
IMAGES = {"db": "POSTGRES_IMAGE", "redis": "REDIS_IMAGE", "otel-collector": "OTELCOL_IMAGE", "prometheus": "PROMETHEUS_IMAGE",
          "grafana": "GRAFANA_IMAGE", "alertmanager": "ALERTMANAGER_IMAGE", "proxy": "CADDY_IMAGE", "s3": "S3_IMAGE"}
