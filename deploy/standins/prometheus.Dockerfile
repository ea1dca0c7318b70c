# SPDX-License-Identifier: Apache-2.0
# Stand-in of the prom/prometheus and prom/alertmanager images (PROGRAM names which).
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
ARG PROGRAM=prometheus
RUN apt-get update -q && \
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends busybox \
        "$(echo "${PROGRAM}" | sed 's/^alertmanager$/prometheus-alertmanager/')" && \
    rm -rf /var/lib/apt/lists/* && ln -s busybox /bin/wget && \
    ln -s "$(command -v "prometheus-${PROGRAM}" || command -v "${PROGRAM}")" /usr/local/bin/program && \
    mkdir -p "/${PROGRAM}" && chown nobody:nogroup "/${PROGRAM}"
USER nobody
EXPOSE 9090 9093
ENTRYPOINT ["/usr/local/bin/program"]
