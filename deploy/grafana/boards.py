#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The boards as a table; writes dashboards/*.json beside itself.

    deploy/grafana/boards.py            write
    deploy/grafana/boards.py --check    fail when a file differs from its table
    deploy/grafana/boards.py --queries  every expression, one a line
"""
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent / "dashboards"

# title, unit, expressions (query, legend), width of 24, kind
API = [
    ("Requests per second", "reqps", [("sum by (endpoint) (demeter:api_requests:rate5m)", "{{endpoint}}")], 12, "timeseries"),
    ("Latency", "s", [("demeter:api_latency_seconds:p50_5m", "p50"), ("demeter:api_latency_seconds:p95_5m", "p95"),
                      ("demeter:api_latency_seconds:p99_5m", "p99")], 12, "timeseries"),
    ("Server errors, share", "percentunit", [("demeter:api_5xx:ratio5m", "5xx")], 8, "timeseries"),
    ("Client errors per second", "reqps",
     [('sum by (error_type) (rate(demeter_api_request_errors_total{status=~"4.."}[5m]))', "{{error_type}}")], 8, "timeseries"),
    ("In flight", "short", [("sum(demeter_http_requests_in_flight)", "requests"),
                            ("max(demeter_sse_connections)", "event streams")], 8, "timeseries"),
    ("Slowest endpoints, p95", "s",
     [("topk(10, histogram_quantile(0.95, sum by (le, endpoint) (rate(demeter_api_request_duration_seconds_bucket[5m]))))",
       "{{endpoint}}")], 12, "timeseries"),
    ("Sign-ins per minute", "short", [("60 * sum by (outcome) (rate(demeter_logins_total[5m]))", "{{outcome}}")], 6, "timeseries"),
    ("Availability, 30 days (goal 99.5 %)", "percentunit", [("demeter:availability:ratio30d", "")], 6, "stat"),
]
PIPELINE = [
    ("Photos per hour", "short", [("demeter:photos:increase1h", "photos")], 8, "timeseries"),
    ("Time per photo, p95", "s", [("demeter:photo_seconds:p95_15m", "p95")], 8, "timeseries"),
    ("Waiting jobs", "short", [("demeter:jobs_depth:max", "{{queue}}")], 8, "timeseries"),
    ("Stages, mean", "s",
     [("sum by (stage) (rate(demeter_photo_stage_duration_seconds_sum[15m])) / sum by (stage) (rate(demeter_photo_stage_duration_seconds_count[15m]))",
       "{{stage}}")], 12, "timeseries"),
    ("Network, p95", "s",
     [("histogram_quantile(0.95, sum by (le, model_type) (rate(demeter_ml_inference_duration_seconds_bucket[15m])))", "{{model_type}}")],
     12, "timeseries"),
    ("Detections per second by confidence", "short",
     [("sum by (confidence_bucket) (rate(demeter_ml_detections_total[15m]))", "{{confidence_bucket}}")], 12, "timeseries"),
    ("Memory against limit", "percentunit",
     [('process_resident_memory_bytes{job="demeter-worker"} / demeter_memory_limit_bytes', "{{instance}}")], 12, "timeseries"),
]
DATABASE = [
    ("Connections in use", "percentunit", [("demeter:db_pool:ratio", "{{instance}}")], 8, "timeseries"),
    ("Query time, p99", "s", [("demeter:db_query_seconds:p99_5m", "{{operation}}")], 8, "timeseries"),
    ("Reachable", "short", [("min by (dependency) (demeter_dependency_up)", "{{dependency}}")], 8, "stat"),
    ("Queries per second", "reqps",
     [("sum by (operation) (rate(demeter_db_query_duration_seconds_count[5m]))", "{{operation}}")], 12, "timeseries"),
    ("Queries above a second, per minute", "short",
     [('60 * (sum by (table) (rate(demeter_db_query_duration_seconds_count[5m])) - sum by (table) (rate(demeter_db_query_duration_seconds_bucket{le="1"}[5m])))',
       "{{table}}")], 12, "timeseries"),
    ("Schema", "short", [("max(demeter_schema_version)", "version")], 6, "stat"),
]
WORKERS = [
    ("Workers by state", "short", [("sum by (queue, state) (demeter_worker_processes)", "{{queue}} {{state}}")], 12, "timeseries"),
    ("Job time, p95", "s",
     [("histogram_quantile(0.95, sum by (le, task_name) (rate(demeter_celery_task_duration_seconds_bucket[15m])))", "{{task_name}}")],
     12, "timeseries"),
    ("Failures, share", "percentunit", [("demeter:task_failures:ratio15m", "{{queue}}")], 8, "timeseries"),
    ("Given up", "short", [("max by (queue) (demeter_jobs_dead)", "{{queue}}")], 8, "stat"),
    ("Oldest waiting job", "s", [("max by (queue) (demeter_jobs_oldest_pending_seconds)", "{{queue}}")], 8, "timeseries"),
    ("Brought back by the sweeper, per minute", "short",
     [("60 * sum by (queue, reason) (rate(demeter_jobs_requeued_total[5m]))", "{{queue}} {{reason}}")], 12, "timeseries"),
    ("Crashes in an hour", "short", [("sum by (queue) (increase(demeter_worker_crashes_total[1h]))", "{{queue}}")], 12, "timeseries"),
]
STORAGE = [
    ("Transfers, p95", "s",
     [("histogram_quantile(0.95, sum by (le, operation) (rate(demeter_s3_operation_duration_seconds_bucket[15m])))", "{{operation}}")],
     8, "timeseries"),
    ("Transfer errors, share", "percentunit", [("demeter:s3_errors:ratio5m", "{{operation}}")], 8, "timeseries"),
    ("Breakers (2 = open)", "short", [("max by (name) (demeter_circuit_breaker_state)", "{{name}}")], 8, "stat"),
    ("Free space", "percentunit", [("demeter:volume_free:ratio", "{{volume}}")], 8, "timeseries"),
    ("Free space in 24 hours at this pace", "bytes",
     [("predict_linear(demeter_volume_free_bytes[6h], 86400)", "{{volume}}")], 8, "timeseries"),
    ("Age of the last backup", "s", [("time() - max by (kind) (demeter_backup_last_success_timestamp_seconds)", "{{kind}}")], 4, "stat"),
    ("Age of the last proof", "s", [("time() - max by (kind) (demeter_backup_last_verified_timestamp_seconds)", "{{kind}}")], 4, "stat"),
]
NURSERY = [
    ("Counts that wait for a person", "short", [("max by (reason) (demeter_sessions_waiting)", "{{reason}}")], 12, "timeseries"),
    ("Photos counted, per hour", "short",
     [("sum by (outcome) (increase(demeter_photo_processing_duration_seconds_count[1h]))", "{{outcome}}")], 12, "timeseries"),
    ("Operations on stock, per hour", "short",
     [("3600 * sum by (operation) (rate(demeter_stock_operations_total[15m]))", "{{operation}}")], 12, "timeseries"),
    ("Broken invariants", "short", [("max by (invariant) (demeter_verify_violations)", "{{invariant}}")], 6, "stat"),
    ("Age of the last check", "s", [("time() - max(demeter_verify_last_run_timestamp_seconds)", "age")], 6, "stat"),
]
BOARDS = {
    "demeter-api": ("Demeter: API", API),
    "demeter-pipeline": ("Demeter: pipeline", PIPELINE),
    "demeter-database": ("Demeter: database", DATABASE),
    "demeter-workers": ("Demeter: workers", WORKERS),
    "demeter-storage": ("Demeter: storage and backup", STORAGE),
    "demeter-nursery": ("Demeter: nursery", NURSERY),
}
SOURCE = {"type": "prometheus", "uid": "demeter-prometheus"}


def panels(rows):
    x = y = 0
    for number, (title, unit, queries, width, kind) in enumerate(rows, 1):
        if x + width > 24:
            x, y = 0, y + 8
        yield {
            "id": number, "title": title, "type": kind, "datasource": SOURCE,
            "gridPos": {"x": x, "y": y, "w": width, "h": 8},
            "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
            "targets": [{"refId": chr(65 + i), "expr": query, "legendFormat": legend, "datasource": SOURCE}
                        for i, (query, legend) in enumerate(queries)],
        }
        x += width


def board(uid, title, rows):
    return {
        "uid": uid, "title": title, "tags": ["demeter"], "editable": False, "schemaVersion": 39,
        "refresh": "30s", "time": {"from": "now-6h", "to": "now"}, "timezone": "browser",
        "templating": {"list": []}, "annotations": {"list": []}, "panels": list(panels(rows)),
    }


def main():
    if "--queries" in sys.argv:
        for _, rows in BOARDS.values():
            for row in rows:
                for query, _ in row[2]:
                    print(query)
        return 0
    differs = 0
    for uid, (title, rows) in BOARDS.items():
        text = json.dumps(board(uid, title, rows), indent=1, ensure_ascii=False) + "\n"
        file = HERE / (uid + ".json")
        if "--check" in sys.argv:
            if not file.exists() or file.read_text() != text:
                print(f"{file.name} differs from its table: run deploy/grafana/boards.py")
                differs = 1
        else:
            file.write_text(text)
    return differs


sys.exit(main())
