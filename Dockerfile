# Builds with compilers at hand, because the embedded store has no ready binary for every platform (linux/arm64).
FROM node:20-bookworm AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

# The same Debian, so that what was compiled above finds the libraries it was linked with.
FROM node:20-bookworm-slim
ENV NODE_ENV=production \
    PCACHE_CONFIG=/etc/pcache/pcache.yaml \
    PCACHE_LISTEN_HOST=0.0.0.0 \
    PCACHE_ADMIN_HOST=0.0.0.0 \
    PCACHE_CACHE_PATH=/var/lib/pcache/cache
WORKDIR /app
COPY LICENSE package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY sql sql
COPY lua lua
COPY web web
COPY config config
# The cache lies one level below the volume: a damaged one is renamed, which a mount point cannot be.
RUN install -d -o node -g node /var/lib/pcache
VOLUME /var/lib/pcache
USER node
EXPOSE 6432 9127
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PCACHE_ADMIN_PORT || 9127}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["proxy"]
