# PostgreSQL with all that pcache can make use of: pg_cron runs its processor, pg_roaringbitmap intersects in the server, and PostGIS is
# what many a slow question is about.
ARG POSTGRES_VERSION=18

# The one extension that PostgreSQL's packages for Debian do not have.
FROM postgres:${POSTGRES_VERSION}-bookworm AS roaringbitmap
ARG ROARINGBITMAP_VERSION=1.0.0
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /src
RUN apt-get update \
 && apt-get install -y --no-install-recommends build-essential ca-certificates curl "postgresql-server-dev-${PG_MAJOR}"
RUN curl -fsSL "https://github.com/ChenHuajun/pg_roaringbitmap/archive/refs/tags/v${ROARINGBITMAP_VERSION}.tar.gz" \
  | tar -xz --strip-components=1 \
 && make with_llvm=no \
 && make with_llvm=no DESTDIR=/built install

FROM postgres:${POSTGRES_VERSION}-bookworm
RUN apt-get update \
 && apt-get install -y --no-install-recommends "postgresql-${PG_MAJOR}-cron" "postgresql-${PG_MAJOR}-postgis-3" \
 && rm -rf /var/lib/apt/lists/*
COPY --from=roaringbitmap /built/ /
# pg_cron keeps its jobs in one database, the one of docker-compose.yml.
CMD ["postgres", "-c", "shared_preload_libraries=pg_cron,pg_stat_statements", "-c", "cron.database_name=places"]
