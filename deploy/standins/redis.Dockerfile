# SPDX-License-Identifier: Apache-2.0
# Stand-in of the redis image.
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
RUN apt-get update -q && \
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends redis-server && \
    rm -rf /var/lib/apt/lists/* && mkdir -p /data && chown redis:redis /data
WORKDIR /data
VOLUME /data
USER redis
EXPOSE 6379
ENTRYPOINT ["/bin/sh", "-c", "exec \"$@\" --bind '* -::*' --protected-mode no --daemonize no", "redis"]
CMD ["redis-server"]
