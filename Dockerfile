# SPDX-License-Identifier: Apache-2.0
# The image of every role of demeter: serve, worker, monitor, migrate, backup.
#   docker build -t demeter:dev --build-arg VCS_REF=$(git describe --always --dirty) .
#   docker build ... --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt    behind an inspecting proxy
# It holds the program, the shared objects it needs and nothing else: no shell, no package manager,
# no models (Dockerfile.models adds them; without, they come from a volume).

ARG BASE_IMAGE=debian:bookworm-slim
ARG RUNTIME_IMAGE=scratch

# libheif as Debian builds it pulls in an HEVC and an AV1 encoder (22 MB) that nothing calls. The
# decoders are our own plug-ins over libde265 and dav1d, so the library is built from the
# distribution's source with no codec of its own.
FROM ${BASE_IMAGE} AS libheif
COPY deploy/image/libheif /usr/local/bin/build-libheif
RUN build-libheif /out

FROM ${BASE_IMAGE} AS build
COPY scripts/deps /usr/local/bin/demeter-deps
RUN apt-get update -q && demeter-deps build && \
    apt-get install -q -y --no-install-recommends ca-certificates tini && \
    rm -rf /var/lib/apt/lists/*
COPY --from=libheif /out/ /
WORKDIR /src
COPY . .
ARG VCS_REF=unknown
RUN --mount=type=cache,id=demeter-build,target=/build,sharing=locked --mount=type=secret,id=ca \
    deploy/image/compile /src /build "${VCS_REF}" /stage
ARG APP_ENV=production
ARG VERSION=0.1.0
ARG SOURCE_DATE_EPOCH=0
RUN deploy/image/rootfs /stage /rootfs "${APP_ENV}" "${VERSION}" "${SOURCE_DATE_EPOCH}"

FROM build AS debug
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["bash"]

FROM ${RUNTIME_IMAGE}
ARG VERSION=0.1.0
ARG VCS_REF=unknown
ARG BUILD_DATE=unknown
ARG APP_ENV=production
ARG SOURCE_URL=unknown
ARG BASE_IMAGE
LABEL org.opencontainers.image.title="Demeter" \
      org.opencontainers.image.description="Counts the plants of a nursery from photographs and keeps its books" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${VCS_REF}" \
      org.opencontainers.image.created="${BUILD_DATE}" \
      org.opencontainers.image.source="${SOURCE_URL}" \
      org.opencontainers.image.documentation="docs/deployment.md" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="Demeter" \
      org.opencontainers.image.base.name="${BASE_IMAGE}"
COPY --from=build /rootfs/ /
ENV APP_ENV=${APP_ENV} DATA_DIR=/var/lib/demeter MODEL_DIR=/models PATH=/usr/bin
USER 1000:1000
EXPOSE 8000 9464 5555
VOLUME ["/var/lib/demeter", "/models"]
HEALTHCHECK --interval=30s --timeout=3s --start-period=40s --retries=3 CMD ["demeter", "healthcheck"]
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["demeter", "serve", "--host", "0.0.0.0", "--port", "8000"]
